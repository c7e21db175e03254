"""Dropout: what is left out, when, and drawn from where."""

import pytest
import torch

from runner.nn.layers.dropout import Dropout, Dropout2d
from runner.nn.store import ParameterStore


def sealed(seed: int = 0) -> ParameterStore:
    store = ParameterStore()
    store.seal(torch.Generator())
    store.generator = torch.Generator().manual_seed(seed)
    return store


def test_a_share_p_is_left_out_and_the_mean_stays() -> None:
    store = sealed()
    out = Dropout(store.scope(), (100,), p=0.2).forward(store, torch.ones(200, 100))
    torch.testing.assert_close(torch.unique(out), torch.tensor([0, 1.25]))
    assert (out == 0).float().mean().item() == pytest.approx(0.2, abs=0.02)


def test_a_channel_is_left_out_as_a_whole() -> None:
    store = sealed()
    out = Dropout2d(store.scope(), (8, 3, 3), p=0.5).forward(store, torch.ones(50, 8, 3, 3))
    assert torch.equal(out.amin((2, 3)), out.amax((2, 3)))
    assert 0 < out.count_nonzero() < out.numel()


def test_nothing_is_left_out_when_the_model_predicts() -> None:
    store, x = sealed(), torch.randn(5, 7)
    layer = Dropout(store.scope(), (7,), p=0.9)
    with store.evaluating():
        assert torch.equal(layer.forward(store, x), x)
    assert not torch.equal(layer.forward(store, x), x)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_all_or_nothing_can_be_left_out(p: float) -> None:
    store, x = sealed(), torch.randn(5, 7)
    assert torch.equal(
        Dropout(store.scope(), (7,), p=p).forward(store, x), x if p == 0 else torch.zeros(5, 7)
    )


def test_a_seed_draws_the_same_again_whatever_torch_has_drawn() -> None:
    x = torch.ones(5, 7)
    outs = []
    for _ in range(2):
        store = sealed(seed=3)
        torch.rand(1)
        outs.append(Dropout(store.scope(), (7,)).forward(store, x))
    assert torch.equal(*outs)
