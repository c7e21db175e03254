"""A look at what a trained model says of a split: as much as can be drawn, in one pass over the data."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, prod, sqrt

import torch
from torch import Tensor

from runner.data.batches import Batches
from runner.data.dataset import Split
from runner.nn.layers.layer import Layer
from runner.nn.link import Link
from runner.nn.store import ParameterStore
from runner.training.loop import evaluation_rows


@dataclass(frozen=True)
class Classified:
    """What classes are taken for.

    Attributes:
        counts: how many of each class (rows) are taken for each (columns): int64 ``[C, C]``.
        wrong: samples that were taken for a wrong class with the highest probabilities, by their places in
            the split, the highest first: int64 ``[M]``; none of sequences.
        taken_for: the classes that they were taken for: int64 ``[M]``.
        probabilities: with which: ``[M]``.
    """

    counts: Tensor
    wrong: Tensor
    taken_for: Tensor
    probabilities: Tensor


@dataclass(frozen=True)
class Valued:
    """What values are predicted, in the targets' own units.

    Attributes:
        true: of some samples, evenly spread over the split: float64 ``[M, D]``.
        predicted: likewise.
        rmse: the root of the mean squared error over every value of all samples.
        errors: each sample's mean squared error, as it was learnt: ``[N]``.
    """

    true: Tensor
    predicted: Tensor
    rmse: float
    errors: Tensor


@torch.inference_mode()
def look_at_classes(model: Layer, store: ParameterStore, split: Split, most: int, link: Link) -> Classified:
    """Which classes of a split are taken for which, and the ``most`` confident mistakes."""
    size, device, seen = model.out_shape[-1], store.params.device, 0
    counts = torch.zeros(size * size, dtype=torch.int64, device=device)
    wrong = torch.zeros((2, 0), dtype=torch.int64, device=device)
    sureness = torch.zeros(0, device=device)
    for scores, targets in outputs(model, store, split):
        pairs = targets * size + scores.argmax(-1)
        counts += pairs.flatten().bincount(minlength=size * size)
        if targets.dim() == 1:
            taken = scores.argmax(-1)
            highest = link.predictions(scores.float()).gather(-1, taken.unsqueeze(-1)).squeeze(-1)
            missed = (taken != targets).nonzero().flatten()
            wrong = torch.cat([wrong, torch.stack([missed + seen, taken[missed]])], 1)
            sureness, kept = torch.cat([sureness, highest[missed]]).sort(descending=True, stable=True)
            wrong, sureness = wrong[:, kept[:most]], sureness[:most]
        seen += len(targets)
    return Classified(counts.view(size, size).cpu(), wrong[0].cpu(), wrong[1].cpu(), sureness.cpu())


@torch.inference_mode()
def look_at_values(model: Layer, store: ParameterStore, split: Split, most: int, link: Link) -> Valued:
    """What is predicted of a split; of about ``most`` values at most one by one."""
    values = prod(model.out_shape)
    every = max(1, ceil(len(split) * values / most))
    true, predicted, errors, squares, seen = [], [], [], 0.0, 0
    for prediction, targets in outputs(model, store, split):
        said = link.predictions(prediction)
        errors.append((said - targets).square().flatten(1).mean(1))
        said, own = (each if split.units is None else split.units.restored(each) for each in (said, targets))
        squares += float((said.double() - own.double()).square().sum())
        some = slice(-seen % every, None, every)
        true.append(own[some].flatten(0, -2).double().cpu())
        predicted.append(said[some].flatten(0, -2).double().cpu())
        seen += len(targets)
    rmse = sqrt(squares / (seen * values)) if seen else 0.0
    return Valued(torch.cat(true), torch.cat(predicted), rmse, torch.cat(errors).cpu())


@torch.inference_mode()
def predict(model: Layer, store: ParameterStore, inputs: Tensor) -> Tensor:
    """The outputs for a few inputs ``[N, *in_shape]``."""
    with store.evaluating():
        return model.forward(store, inputs.to(store.params.device))


def outputs(model: Layer, store: ParameterStore, split: Split) -> Iterator[tuple[Tensor, Tensor]]:
    """A model's outputs with their targets, batch by batch, in the split's order."""
    device = store.params.device
    with store.evaluating():
        for inputs, targets in Batches(split, evaluation_rows(split), None, device):
            yield model.forward(store, inputs), targets
