from math import sqrt

import pytest
import torch

from runner.nn.init import Fans, Initializer, Orthogonal, Zeros
from runner.registry import INITIALIZERS

FANS = Fans(300, 200)

# name: the weights' standard deviation and largest possible value, as each source has it
EXPECTED = {
    "default": (1 / sqrt(3 * 300), 1 / sqrt(300)),
    "zeros": (0, 0),
    "normal": (1, None),
    "uniform": (0.1 / sqrt(12), 0.05),
    "xavier_uniform": (sqrt(2 / 500), sqrt(6 / 500)),
    "xavier_normal": (sqrt(2 / 500), None),
    "kaiming_uniform": (sqrt(2 / 300), sqrt(6 / 300)),
    "kaiming_normal": (sqrt(2 / 300), None),
    "orthogonal": (1 / sqrt(300), None),
}
BIASES_LIKE_WEIGHTS = {"default", "normal"}


def drawn(init: Initializer, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    W, b = torch.full((300, 200), torch.nan), torch.full((1, 200), torch.nan)
    init.weight(W, FANS, generator)
    init.bias(b, FANS, generator)
    return W, b


def test_every_initialiser_is_stated_here() -> None:
    assert EXPECTED.keys() == INITIALIZERS.keys()


@pytest.mark.parametrize("name", INITIALIZERS)
def test_weights_have_the_spread_of_their_source(name: str) -> None:
    W, b = drawn(INITIALIZERS[name]())
    std, bound = EXPECTED[name]
    assert W.std().item() == pytest.approx(std, rel=0.02)
    if bound is not None:
        assert W.abs().max().item() <= bound
        assert W.abs().max().item() >= 0.99 * bound
    assert bool(b.any()) == (name in BIASES_LIKE_WEIGHTS)


@pytest.mark.parametrize("name", sorted(INITIALIZERS.keys() - {"zeros"}))
def test_a_seed_names_the_values(name: str) -> None:
    init = INITIALIZERS[name]()
    assert torch.equal(drawn(init, 1)[0], drawn(init, 1)[0])
    assert not torch.equal(drawn(init, 1)[0], drawn(init, 2)[0])


def test_orthogonal_columns_are_orthonormal() -> None:
    W, _ = drawn(Orthogonal(gain=2))
    torch.testing.assert_close(W.T @ W, 4 * torch.eye(200), atol=1e-4, rtol=0)


def test_zeros_are_zeros() -> None:
    W, b = drawn(Zeros())
    assert not W.any()
    assert not b.any()
