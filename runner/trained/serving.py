"""A trained model as files, and back.

A folder holds ``model.json`` (layers as in the config, the shape of one input, the number of outputs, what
the targets are, the link that makes predictions of outputs) and ``weights.safetensors``. Neither is code and
neither is a pickle. Code there is only where layers are the user's own: their plugin's file, with those of
its folder that it imports, is copied into ``plugins``, or its module named.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from runner.build import build_model
from runner.config.layers import check_layers
from runner.config.plain import Plain
from runner.data.units import Units
from runner.errors import ConfigError, first_line
from runner.nn.layers.sequential import Sequential
from runner.nn.link import Link, LinkName, default
from runner.nn.store import ParameterStore
from runner.plugins.consent import Wanted, wanted_of
from runner.plugins.join import join
from runner.plugins.load import Plugin
from runner.plugins.load import load as load_plugin
from runner.plugins.mistakes import mistakes_told
from runner.plugins.source import is_file_name
from runner.trained.description import MODEL, read
from runner.types import Shape, Task

WEIGHTS, PLUGINS = "weights.safetensors", "plugins"

BATCH_ROWS, BATCH_BYTES = 64, 1024**2
"""The most samples, and bytes of them, that a forward pass predicts for."""


def save(
    folder: Path,
    layers: Plain,
    in_shape: Shape,
    outputs: int,
    task: Task,
    store: ParameterStore,
    plugins: Sequence[Plugin] = (),
    units: Units | None = None,
    link: LinkName | None = None,
) -> None:
    """Write a model's description and its weights into ``folder``.

    Args:
        folder: made if it isn't there.
        layers: as in the config.
        in_shape: the shape of one input.
        outputs: how many the last layer gives.
        task: what they are.
        store: the weights.
        plugins: those of the config; what the layers need of them is kept.
        units: those that the outputs are in, if not in the targets' own.
        link: what makes predictions of outputs; that of the task if left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    description = {
        "layers": layers,
        "in_shape": in_shape,
        "outputs": outputs,
        "task": task,
        "plugins": keep_plugins(folder, layers, plugins),
        "units": None if units is None else asdict(units),
        "link": link or default(task),
    }
    (folder / MODEL).write_text(json.dumps(description, indent=2))
    save_file(
        {name: value.cpu().contiguous() for name, value in store.state_dict().items()}, folder / WEIGHTS
    )


def keep_plugins(folder: Path, layers: Plain, plugins: Sequence[Plugin]) -> list[str]:
    """Copy the plugins that layers need into ``folder``; their files' places in it, and modules' names."""
    used, kept = set(types_in(layers)), []
    for number, plugin in enumerate(plugins):
        if used.isdisjoint([*plugin.tables.get("LAYERS", ()), *plugin.tables.get("INITIALIZERS", ())]):
            continue
        if plugin.source is None:
            kept.append(plugin.name)
            continue
        place = Path(PLUGINS, str(number))  # two files may be called the same
        for name, content in plugin.source.files.items():
            file = folder / place / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        kept.append((place / plugin.source.path.name).as_posix())
    return kept


def types_in(plain: object) -> Iterator[str]:
    """Every ``type`` in layers, and in what is told of them."""
    if isinstance(plain, Mapping):
        yield str(plain.get("type"))
        for value in plain.values():
            yield from types_in(value)


class Predictor:
    """A model and its store, taking and giving numpy arrays.

    Attributes:
        model: the layers.
        layers: the same as in the config.
        store: their parameters.
        in_shape: the shape of one input.
        task: what the outputs are.
        preprocessing: texts by their files' names, left beside the model by the data that it has learnt from:
            how rows become its inputs.
        units: those that the layers' outputs are in, if not in the targets' own.
        link: what makes predictions of the layers' outputs.
        plugins: those that the layers are from.
    """

    def __init__(
        self,
        model: Sequential,
        layers: Plain,
        store: ParameterStore,
        in_shape: Shape,
        task: Task,
        preprocessing: Mapping[str, str],
        units: Units | None,
        link: LinkName | None = None,
        plugins: Sequence[Plugin] = (),
    ) -> None:
        self.model = model
        self.layers = layers
        self.store = store
        self.in_shape = in_shape
        self.task = task
        self.preprocessing = preprocessing
        self.units = units
        self.link = Link(link or default(task), task)
        self.plugins = plugins

    def mistakes_told(self) -> AbstractContextManager[None]:
        """The context in which the model predicts: what a plugin does wrong is an error for its author."""
        return mistakes_told(self.plugins, {"model": {"layers": self.layers}})

    @torch.inference_mode()
    def predict(self, inputs: npt.NDArray[Any]) -> npt.NDArray[np.floating]:
        """The model's answers ``[N, outputs]`` for inputs ``[N, *in_shape]``, as an exported file gives them.

        They are logits of a classifier, probabilities of labels, or values in the targets' own units.
        """
        given: npt.NDArray[np.floating] = self.answers(self.outputs(inputs), raw=self.gives_raw).numpy()
        return given

    @property
    def gives_raw(self) -> bool:
        """Whether its answers are outputs as they are, if nobody asks for anything else."""
        return self.task == "classification"

    def answers(self, outputs: Tensor, raw: bool) -> Tensor:
        """Outputs as they are, or their predictions."""
        return outputs if raw else self.predictions(outputs)

    @torch.inference_mode()
    def outputs(self, inputs: npt.NDArray[Any]) -> Tensor:
        """The outputs of the layers, such as logits, on the CPU.

        A sample's outputs are the same to the bit whatever other samples come with it: matrix products of
        other sizes add in another order, so each forward pass has as many rows, the last one filled up.
        """
        samples = torch.as_tensor(np.asarray(inputs, dtype=np.float32))
        rows = max(1, min(BATCH_ROWS, BATCH_BYTES // (4 * prod(self.in_shape))))
        with self.store.evaluating():
            return torch.cat([self._forward(part, rows) for part in torch.split(samples, rows)]).cpu()

    def predictions(self, outputs: Tensor) -> Tensor:
        """The predictions that outputs ``[N, …, D]`` stand for: float32, or float64 in the targets' units."""
        predicted = self.link.predictions(outputs)
        return predicted if self.units is None else self.units.restored(predicted)

    def _forward(self, samples: Tensor, rows: int) -> Tensor:
        """The outputs for at most ``rows`` samples, of a batch that has exactly as many."""
        filled = torch.cat([samples, samples.new_zeros(rows - len(samples), *samples.shape[1:])])
        return self.model.forward(self.store, filled.to(self.store.params.device))[: len(samples)]


def load(folder: Path, device: torch.device | str = "cpu", plugins: Wanted = False) -> Predictor:
    """Read what ``save`` wrote.

    Args:
        folder: where it is.
        device: where the model shall compute.
        plugins: whether code that comes with the model may run, or what to load in its place.

    Raises:
        ConfigError: if the description is not one of a model, a plugin that it needs is not here, or it comes
            with code that may not run.
    """
    description = read(folder)
    files = {name: str(folder / name) for name in description.plugins if is_file_name(name)}
    named = wanted_of(description.plugins, plugins)
    own = [replace(load_plugin(files.get(name, name)), name=name) for name in named]
    registry = join(own)
    problems: list[str] = []
    outputs = description.outputs  # and embeddings, if their number was left open
    layers = check_layers(registry, description.layers, outputs, outputs, problems)
    if problems:
        raise ConfigError(problems)
    store = ParameterStore()
    in_shape: Shape = tuple(description.in_shape)
    with mistakes_told(own, {"model": {"layers": description.layers}}, before_run=True):
        model = build_model(layers, in_shape, store)
    read_weights(folder / WEIGHTS, store, device)
    beside = [file for file in folder.glob("*.json") if file.name != MODEL]
    preprocessing = {file.name: file.read_text(encoding="utf-8") for file in beside}
    given, link = description.units, description.link
    units = None if given is None else Units(tuple(given.mean), tuple(given.std))
    layers_as_given, task = description.layers, description.task
    return Predictor(model, layers_as_given, store, in_shape, task, preprocessing, units, link, own)


def read_weights(file: Path, store: ParameterStore, device: torch.device | str) -> None:
    """Give a model, which takes no memory yet, the weights of a file.

    Raises:
        ConfigError: if they are none, or another model's.
    """
    try:
        held = file.stat().st_size
        if store.size * 4 > held:
            raise ValueError(f"{MODEL} describes {store.size:,} parameters, the file has {held:,} bytes")
        weights = load_file(file)
        store.seal(torch.Generator(), device)
        store.load(weights)
    except (OSError, SafetensorError, ValueError, RuntimeError, OverflowError) as error:
        raise ConfigError([f"{file.name}: not the weights of this model: {first_line(error)}"]) from error
    store.training = False
