"""A trained model as files, and back: what MLflow loads when it is asked for a run's model.

A folder holds ``model.json`` (layers as in the config, the shape of one input, the number of outputs) and
``weights.safetensors``. Neither is code and neither is a pickle.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file

from runner.build import build_model
from runner.config import check_layers
from runner.errors import ConfigError
from runner.nn.layers.sequential import Sequential
from runner.nn.store import ParameterStore
from runner.plain import Plain
from runner.types import Shape

MODEL, WEIGHTS = "model.json", "weights.safetensors"


def save(folder: Path, layers: Plain, in_shape: Shape, outputs: int, store: ParameterStore) -> None:
    """Write a model's description and its weights into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL).write_text(
        json.dumps({"layers": layers, "in_shape": in_shape, "outputs": outputs}, indent=2)
    )
    save_file(
        {name: value.cpu().contiguous() for name, value in store.state_dict().items()}, folder / WEIGHTS
    )


class Predictor:
    """A model and its store, taking and giving numpy arrays."""

    def __init__(self, model: Sequential, store: ParameterStore) -> None:
        self.model = model
        self.store = store

    @torch.inference_mode()
    def predict(self, inputs: npt.NDArray[Any], params: object = None) -> npt.NDArray[np.float32]:
        """The model's outputs ``[N, outputs]`` for inputs ``[N, *in_shape]``: logits of a classifier."""
        batch = torch.as_tensor(np.asarray(inputs, dtype=np.float32))
        with self.store.evaluating():
            outputs: npt.NDArray[np.float32] = self.model.forward(self.store, batch).numpy()
        return outputs


def load(folder: Path) -> Predictor:
    """Read what ``save`` wrote.

    Raises:
        ConfigError: if the description is not one of a model.
    """
    description = json.loads((folder / MODEL).read_text())
    problems: list[str] = []
    layers = check_layers(description["layers"], description["outputs"], problems)
    if problems:
        raise ConfigError(problems)
    store = ParameterStore()
    model = build_model(layers, tuple(description["in_shape"]), store)
    store.seal(torch.Generator())
    store.load(load_file(folder / WEIGHTS))
    return Predictor(model, store)


def _load_pyfunc(data_path: str) -> Predictor:
    """The entry that MLflow's pyfunc flavour calls by this name."""
    return load(Path(data_path))
