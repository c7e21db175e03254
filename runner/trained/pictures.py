"""The pictures of a run: how it has learnt, and what it says of the test data."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from matplotlib.figure import Figure
from torch import Tensor

from runner.build import Parts
from runner.config.check import Config
from runner.data.class_names import output_names
from runner.data.dataset import Dataset, Split
from runner.data.reconstruction import Reconstruction
from runner.nn.link import link_of
from runner.nn.precision import at_precision
from runner.pictures.confusion import confusion_matrix
from runner.pictures.figure import as_png
from runner.pictures.images import mistakes, reconstructions
from runner.pictures.learning_curves import learning_curves
from runner.pictures.predicted import predicted_against_true
from runner.training.look import Classified, look_at_classes, look_at_values, predict
from runner.training.loop import Epoch
from runner.training.verdict import best_epoch
from runner.types import Shape

FOLDER = "pictures"
"""Where they are among a run's artifacts."""

CLASSES = 1000
"""The most of which a matrix is drawn."""

MISTAKES, RECONSTRUCTED, VALUES = 18, 8, 20_000
"""Samples that are shown of each kind; values that are drawn one by one."""


def pictures_of(config: Config, parts: Parts, data: Dataset, epochs: Sequence[Epoch]) -> dict[str, bytes]:
    """A trained model's pictures, as PNG by the places of their files.

    This process draws alone, whoever has trained with it.
    """
    objective = config.objective
    best = best_epoch(epochs, objective).number
    drawn: dict[str, Figure] = {}
    drawn["learning_curves"] = learning_curves([epoch.metrics for epoch in epochs], best, objective)
    if config.source.task == "regression":
        drawn |= of_values(config, parts, data)
    elif config.source.task == "classification" and config.source.out_shape[-1] <= CLASSES:
        drawn |= of_classes(config, parts, data)
    return {f"{FOLDER}/{name}.png": as_png(figure) for name, figure in drawn.items()}


def of_classes(config: Config, parts: Parts, data: Dataset) -> dict[str, Figure]:
    """Which classes are taken for which, and of images the most confident mistakes."""
    model, names = (
        at_precision(parts.model, config.train.precision),
        output_names(config.source, data.preprocessing),
    )
    seen = look_at_classes(model, parts.store, data.test, MISTAKES, link_of(config.loss, "classification"))
    drawn = {"confusion_matrix": confusion_matrix(seen.counts.numpy(), names, "test")}
    if is_image(config.source.in_shape) and len(seen.wrong):
        drawn["mistakes"] = of_mistakes(seen, data.test, names)
    return drawn


def of_mistakes(seen: Classified, split: Split, names: Sequence[str]) -> Figure:
    """The samples that were taken for a wrong class with the highest probabilities."""
    targets = split.targets[split.places(seen.wrong.to(split.targets.device))].tolist()
    told = zip(targets, seen.taken_for.tolist(), seen.probabilities.tolist(), strict=True)
    lines = [(f"is {names[own]}", f"taken for {names[taken]}, {share:.1%}") for own, taken, share in told]
    count = int(seen.counts.sum() - seen.counts.trace())
    title = f"test: {count:,} mistakes, the surest first" if count > 1 else "test: the only mistake"
    return mistakes(samples(split, seen.wrong).numpy(), lines, title)


def of_values(config: Config, parts: Parts, data: Dataset) -> dict[str, Figure]:
    """Predicted against true values; what is learnt to be given back is shown as images if it is some."""
    model, split = at_precision(parts.model, config.train.precision), data.test
    link = link_of(config.loss, "regression")
    seen = look_at_values(model, parts.store, split, VALUES, link)
    title = f"test: {len(split):,} samples, RMSE {seen.rmse:.4g}"
    names = output_names(config.source, data.preprocessing)
    drawn = {
        "predicted_against_true": predicted_against_true(
            seen.predicted.numpy(), seen.true.numpy(), names, title
        )
    }
    if isinstance(config.source, Reconstruction) and is_image(config.source.in_shape):
        places = spread(seen.errors)
        inputs = samples(split, places)
        outputs = link.predictions(predict(model, parts.store, inputs)).float().cpu().view_as(inputs)
        told = "test: from the best to the worst reconstruction"
        drawn["reconstructions"] = reconstructions(inputs.numpy(), outputs.numpy(), told)
    return drawn


def spread(errors: Tensor) -> Tensor:
    """The places of some samples from the one with the smallest error to that with the largest."""
    order = errors.argsort()
    return order[torch.linspace(0, len(order) - 1, min(RECONSTRUCTED, len(order))).long()]


def samples(split: Split, places: Tensor) -> Tensor:
    """Some of a split's inputs, on the CPU; nothing else of it is read."""
    picked = split.samples[split.places(places.to(split.samples.device))]
    return replace(split, samples=picked, rows=None).inputs.cpu()


def is_image(shape: Shape) -> bool:
    """Whether samples can be shown: ``[channels, height, width]``, in grey or in colour."""
    return len(shape) == 3 and shape[0] in (1, 3)
