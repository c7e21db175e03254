"""Attention and transformers: what a step sees, and what is left out."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from runner.nn.layers.attention import FEW_STEPS, MultiHeadAttention
from runner.nn.layers.layer import Layer, ShapeError
from runner.nn.layers.transformer import TransformerEncoder
from runner.nn.store import ParameterStore


def built(kind: Callable[..., Layer], steps: int = 5, **arguments: Any) -> tuple[Layer, ParameterStore]:
    store = ParameterStore()
    layer = kind(store.scope(), (steps, 6), num_heads=2, **arguments)
    store.seal(torch.Generator().manual_seed(0), dtype=torch.float64)
    store.generator = torch.Generator().manual_seed(1)
    return layer, store


def batch(steps: int = 5) -> Tensor:
    return torch.randn(3, steps, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("causal", [False, True], ids=["all", "causal"])
@pytest.mark.parametrize("steps", [FEW_STEPS, FEW_STEPS + 1])
def test_long_sequences_are_attended_to_as_short_ones_are(steps: int, causal: bool) -> None:
    layer, store = built(MultiHeadAttention, steps, causal=causal)
    twin = nn.MultiheadAttention(6, 2, batch_first=True, dtype=torch.float64)
    for mine, theirs in zip(store.named_parameters().values(), twin.parameters(), strict=True):
        theirs.data = mine.T.reshape(theirs.shape).clone()
    x = batch(steps)
    later = torch.ones(steps, steps, dtype=torch.bool).triu(1) if causal else None
    expected, _ = twin(x, x, x, attn_mask=later)
    torch.testing.assert_close(layer.forward(store, x), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (MultiHeadAttention, {}),
        (MultiHeadAttention, {"dropout": 0.3}),
        (TransformerEncoder, {"num_layers": 2, "dim_feedforward": 4, "dropout": 0.0}),
    ],
    ids=["attention", "with dropout", "transformer"],
)
def test_a_causal_step_sees_nothing_of_what_comes_later(
    kind: Callable[..., Layer], arguments: dict[str, Any]
) -> None:
    layer, store = built(kind, causal=True, **arguments)
    x, changed = batch(), batch()
    changed[:, 3:] += 1
    outputs = []
    for each in (x, changed):
        assert store.generator is not None
        store.generator.manual_seed(1)
        outputs.append(layer.forward(store, each))
    torch.testing.assert_close(outputs[0][:, :3], outputs[1][:, :3])
    assert not torch.allclose(outputs[0][:, 3:], outputs[1][:, 3:])


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_a_transformer_is_torchs(bias: bool, activation: str, norm_first: bool) -> None:
    layer, store = built(
        TransformerEncoder,
        num_layers=2,
        dim_feedforward=4,
        dropout=0.0,
        activation=activation,
        norm_first=norm_first,
        bias=bias,
    )
    one = nn.TransformerEncoderLayer(
        6, 2, 4, 0.0, activation, batch_first=True, norm_first=norm_first, bias=bias
    )
    twin = nn.TransformerEncoder(one, 2, enable_nested_tensor=False).double()
    for mine, theirs in zip(store.named_parameters().values(), twin.parameters(), strict=True):
        theirs.data = mine.T.reshape(theirs.shape).clone() if mine.dim() == 2 else mine.clone()
    torch.testing.assert_close(layer.forward(store, batch()), twin(batch()), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [(MultiHeadAttention, {}), (TransformerEncoder, {"num_layers": 1, "dim_feedforward": 4})],
    ids=["attention", "transformer"],
)
def test_dropout_is_for_training_and_drawn_from_the_store(
    kind: Callable[..., Layer], arguments: dict[str, Any]
) -> None:
    layer, store = built(kind, dropout=0.5, **arguments)
    plain, same = built(kind, dropout=0.0, **arguments)
    first, second = layer.forward(store, batch()), layer.forward(store, batch())
    assert not torch.allclose(first, second)
    again, fresh = built(kind, dropout=0.5, **arguments)
    assert torch.equal(again.forward(fresh, batch()), first)
    with store.evaluating():
        torch.testing.assert_close(layer.forward(store, batch()), plain.forward(same, batch()))


def test_heads_share_the_width_evenly() -> None:
    with pytest.raises(ShapeError, match="among 4 heads, gets"):
        MultiHeadAttention(ParameterStore().scope(), (5, 6), num_heads=4)
    with pytest.raises(ShapeError, match="expects steps of 8, gets 6"):
        MultiHeadAttention(ParameterStore().scope(), (5, 6), num_heads=2, embed_dim=8)
