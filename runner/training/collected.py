"""A split's predictions, kept until all are there: for what no sum over batches gives."""

from collections.abc import Sequence

import torch
from torch import Tensor

from runner.data.dataset import Split
from runner.metrics import Metric
from runner.nn.link import Link
from runner.process.parallel import ALONE, Workers
from runner.types import Shape


class Collected:
    """Memory for a split's predictions, and what they come to.

    Args:
        split: what is predicted.
        batch_size: samples a batch, over all workers; batches come in the split's order.
        out_shape: the shape of a prediction.
        device: where predictions are made.
        workers: who shares each batch.
        members: K if there are predictions of each of K stacked models.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        out_shape: Shape,
        device: torch.device,
        workers: Workers = ALONE,
        members: int | None = None,
    ) -> None:
        self._split, self._workers = split, workers
        self._predictions = torch.zeros((members or 1, len(split), *out_shape), device=device)
        self._places = [
            torch.tensor_split(batch, workers.size, dim=1)[workers.rank]
            for batch in torch.split(self._predictions, batch_size, dim=1)
        ]

    def add(self, batch: int, prediction: Tensor) -> None:
        """Keep this worker's predictions of a batch, by its place in the split."""
        self._places[batch].copy_(prediction.view_as(self._places[batch]))

    def measure(self, metrics: Sequence[Metric], prefix: str, link: Link) -> list[dict[str, float]]:
        """``<prefix><name>`` of each metric, of each model, in the targets' own units.

        Args:
            metrics: any number.
            prefix: what their names begin with.
            link: of the loss; what has been added up to here are the model's outputs.
        """
        self._workers.sum(self._predictions)  # each has zeros where others have predictions
        predictions = self._predictions.flatten(1, -2)  # places of sequences count like samples
        classified = self._split.task == "classification"
        targets = self._split.expected.to(predictions.device)
        targets = targets.flatten() if classified else targets.flatten(0, -2)
        targets = self._in_own_units(targets)
        rows = []
        for each in predictions:
            measured = self._in_own_units(link.measured(each))
            rows.append(torch.stack([metric(measured, targets).double() for metric in metrics]))
        names = [prefix + metric.name for metric in metrics]
        return [dict(zip(names, row, strict=True)) for row in torch.stack(rows).tolist()]

    def _in_own_units(self, values: Tensor) -> Tensor:
        return values if self._split.units is None else self._split.units.restored(values)
