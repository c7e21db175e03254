"""A trained model as a module of torch that needs no store: what torch's exporters take."""

from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from runner.nn.store import Address, ParameterStore
from runner.trained.serving import Predictor


class Graph(nn.Module):
    """``[N, *in_shape]`` to a ``Predictor``'s predictions, or to the outputs of its layers.

    Its buffers are the store's entries, by their names with ``_`` for each dot.

    Args:
        predictor: the model; its values are copied.
        raw: whether outputs are given as they are.
    """

    def __init__(self, predictor: Predictor, raw: bool) -> None:
        super().__init__()
        self._model = predictor.model
        self._answers = partial(predictor.answers, raw=raw)
        entries = predictor.store.state_dict()
        self._names = dict(zip(entries, names_in_python(list(entries)), strict=True))
        for name, value in entries.items():
            self.register_buffer(self._names[name], value.cpu().clone())

    def forward(self, x: Tensor) -> Tensor:
        """The predictions or outputs for a batch."""
        return self._answers(self._model.forward(cast(ParameterStore, Entries(self)), x))

    def entry(self, name: str) -> Tensor:
        """An entry by its name in the store."""
        return self.get_buffer(self._names[name])


class Entries:
    """What layers ask of a store when they predict, from a graph's buffers."""

    training = False
    generator: torch.Generator | None = None

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def __getitem__(self, address: Address) -> Tensor:
        return self._graph.entry(address.name)


def names_in_python(names: list[str]) -> list[str]:
    """Names without dots, which are not allowed in a module's; with a number where two would be the same."""
    found: list[str] = []
    for number, name in enumerate(names):
        plain = name.replace(".", "_")
        found.append(plain if plain not in found and not hasattr(nn.Module, plain) else f"{plain}_{number}")
    return found
