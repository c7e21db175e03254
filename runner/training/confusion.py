"""Which classes a trained model takes for which: a table of each held-out part."""

import csv
import io

import torch
from torch import Tensor

from runner.data.batches import Batches
from runner.data.dataset import Dataset, Split
from runner.metrics import ConfusionMatrix
from runner.nn.layers.layer import Layer
from runner.nn.store import ParameterStore
from runner.process.parallel import ALONE, Workers
from runner.training.loop import evaluation_rows


def confusion_tables(
    model: Layer, store: ParameterStore, data: Dataset, workers: Workers = ALONE
) -> dict[str, str]:
    """``confusion_matrix_test.csv``, and one of ``val`` if there is such a part, by their names."""
    return {
        f"{ConfusionMatrix.name}_{prefix.strip('/')}.csv": as_csv(count(model, store, split, workers))
        for prefix, split in data.held_out
    }


@torch.inference_mode()
def count(model: Layer, store: ParameterStore, split: Split, workers: Workers = ALONE) -> Tensor:
    """How many samples of each class (rows) are taken for each (columns): int64 ``[C, C]``."""
    metric, classes, device = ConfusionMatrix(), model.out_shape[-1], store.params.device
    counts = torch.zeros((classes, classes), dtype=torch.int64, device=device)
    with store.evaluating():
        for inputs, targets in Batches(split, evaluation_rows(split), None, device, workers):
            if len(targets) > 0:  # else this worker has no share of the last batch
                scores = model.forward(store, inputs)
                counts += metric(scores.flatten(0, -2), targets.flatten())
    workers.sum(counts)
    return counts


def as_csv(counts: Tensor) -> str:
    """Counts ``[C, C]`` with a heading: the class, then what it is taken for."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", *(f"taken for {column}" for column in range(len(counts)))])
    writer.writerows([row, *values] for row, values in enumerate(counts.tolist()))
    return text.getvalue()
