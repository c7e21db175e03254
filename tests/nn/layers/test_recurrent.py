"""Recurrent layers: last states, directions, and what is left out between layers."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from runner.nn.layers.recurrent import GRU, LSTM, RNN, Recurrent
from runner.nn.store import ParameterStore

KINDS: dict[type[Recurrent], Callable[..., nn.RNNBase]] = {RNN: nn.RNN, LSTM: nn.LSTM, GRU: nn.GRU}


def built(kind: type[Recurrent], **arguments: object) -> tuple[Recurrent, ParameterStore]:
    store = ParameterStore()
    layer = kind(store.scope(), (4, 3), hidden_size=5, **arguments)  # type: ignore[arg-type]  # they vary
    store.seal(torch.Generator().manual_seed(0), dtype=torch.float64)
    store.generator = torch.Generator().manual_seed(1)
    return layer, store


def batch() -> Tensor:
    return torch.randn(2, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("bidirectional", [True, False], ids=["both ways", "one way"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_last_states_are_torchs(kind: type[Recurrent], bidirectional: bool, bias: bool) -> None:
    layer, store = built(kind, num_layers=2, bidirectional=bidirectional, bias=bias)
    twin = KINDS[kind](3, 5, 2, bias=bias, batch_first=True, bidirectional=bidirectional).double()
    for mine, theirs in zip(store.named_parameters().values(), twin.parameters(), strict=True):
        theirs.data = mine.clone()
    _, state = twin(batch())
    state = state[0] if kind is LSTM else state
    expected = torch.cat([*state[-2:]], dim=1) if bidirectional else state[-1]
    assert layer.out_shape == expected.shape[1:]
    torch.testing.assert_close(layer.forward(store, batch()), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_between_layers_in_training_alone(kind: type[Recurrent]) -> None:
    single, store = built(kind, dropout=0.5)
    assert torch.equal(single.forward(store, batch()), single.forward(store, batch()))
    layer, store = built(kind, dropout=0.5, num_layers=2)
    plain, same = built(kind, num_layers=2)
    first, second = layer.forward(store, batch()), layer.forward(store, batch())
    assert not torch.allclose(first, second)
    with store.evaluating():
        torch.testing.assert_close(layer.forward(store, batch()), plain.forward(same, batch()))


def test_parameters_are_named_after_layer_and_direction() -> None:
    _, store = built(GRU, num_layers=2, bidirectional=True)
    names = [
        f"{W}_l{n}{way}" for n in (0, 1) for way in ("", "_reverse") for W in ("W_ih", "W_hh", "b_ih", "b_hh")
    ]
    assert list(store.addresses) == names
    assert store.addresses["W_ih_l1"].shape == (15, 10)
