"""Writing a trained model down."""

import shutil
from pathlib import Path
from typing import Any

from runner.config.check import Config
from runner.data.dataset import Dataset
from runner.data.units import Units
from runner.nn.link import link_of
from runner.nn.store import ParameterStore
from runner.tracking.saved_model import Columns, Registration, SavedModel
from runner.trained import serving
from runner.trained.names import names_of, table_of
from runner.trained.predictions import CLASS, columns
from runner.training.loop import Epoch
from runner.types import Task

EXAMPLES = 2
"""How many test samples a model is shown with."""


def save_model(
    folder: Path, config: Config, store: ParameterStore, data: Dataset, epoch: Epoch
) -> SavedModel:
    """Write a model's layers and weights into ``folder``, with two test samples as its example.

    Beside them lies what its data says has to be known to make inputs. ``epoch`` is the one whose weights
    they are. What a process that was killed has left in the folder is deleted.
    """
    shutil.rmtree(folder, ignore_errors=True)
    in_shape, out_shape = config.source.in_shape, config.source.out_shape
    layers = config.plain["model"]["layers"]
    task, units = config.source.task, data.test.units
    link = link_of(config.loss, task).name
    serving.save(folder, layers, in_shape, out_shape[-1], task, store, config.plugins, units, link)
    for name, text in data.preprocessing.items():
        (folder / name).write_text(text, encoding="utf-8")
    takes, example = asked_with(data)
    return SavedModel(
        folder,
        in_shape,
        out_shape,
        example,
        epoch.number,
        takes,
        gives=given(task, names_of(data.preprocessing, task), out_shape[-1], units),
        registration=registration(config, epoch),
    )


def asked_with(data: Dataset) -> tuple[Columns | None, list[Any]]:
    """What a model of the data is asked with: the columns of a table, or None; and an example of that."""
    shown, table = data.test.first(EXAMPLES), table_of(data.preprocessing)
    if table is None:
        return None, shown.as_given.tolist()
    rows = table.restore(shown.inputs)
    return [(name, "any") for name in rows], [list(row) for row in zip(*rows.values(), strict=True)]


def given(task: Task, names: tuple[str, ...] | None, outputs: int, units: Units | None) -> Columns | None:
    """The columns of what it answers; None if that is no table."""
    if task != "classification" and names is None:
        return None
    label, value = "long" if names is None else "string", "float" if units is None else "double"
    return [(name, label if name == CLASS else value) for name in columns(task, names, outputs)]


def registration(config: Config, epoch: Epoch) -> Registration | None:
    """As what the model is registered, if its config wants that."""
    wanted = config.tracking.registration
    if wanted is None:
        return None
    name, alias = wanted
    value = epoch.metrics[config.objective]
    count = f"{epoch.number} epoch{'s' if epoch.number > 1 else ''}"
    description = f"{config.objective} {value:.4g} after {count}, {config.plain['data']['type']}"
    return Registration(name, alias, description, {config.objective: str(value)})
