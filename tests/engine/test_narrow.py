"""What is narrow is stored column by column: equal up to rounding, and only where every user bears it."""

from collections.abc import Callable
from itertools import permutations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from runner.engine.capture import Captured
from runner.engine.narrow import Shape, view_turned
from runner.engine.recording import Call, record

CPU = torch.device("cpu")
aten = torch.ops.aten


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


VIEWS: list[Callable[[Tensor], Tensor]] = [
    *[lambda x, order=order: x.permute(order) for order in permutations(range(3))],
    lambda x: x[1:, 2:7, 1],
    lambda x: x[1, 3],
    lambda x: x[:, ::3, ::2],
    lambda x: x[:, None, 2:, :, None],
    lambda x: x[:1, :1].expand(4, 5, 3),
    lambda x: x.view(3, 2, 4, 3),
    lambda x: x[2, 7, 2],
    lambda x: x[:, 8:],
]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_of_turned_memory_shows_the_same_values(view: Callable[[Tensor], Tensor]) -> None:
    values = torch.arange(3 * 8 * 3.0).view(3, 8, 3)
    turned = view_turned(view(values), Shape(8, 3))
    assert turned is not None
    offset, strides = turned
    memory = values.mT.contiguous()
    assert torch.equal(memory.as_strided(view(values).shape, strides, offset), view(values))


@pytest.mark.parametrize(
    "view",
    [lambda x: x.flatten(0, 1), lambda x: x.flatten(1), lambda x: x.diagonal(dim1=0, dim2=1)],
    ids=["rows of all matrices", "rows one after the other", "one matrix and one row on"],
)
def test_dimensions_that_run_into_each_other_have_no_such_view(view: Callable[[Tensor], Tensor]) -> None:
    assert view_turned(view(torch.zeros(3, 8, 3)), Shape(8, 3)) is None


Learn = Callable[[Tensor, Tensor], None]


def classifier(models: int, rows: int, classes: int) -> tuple[Learn, list[Tensor]]:
    """A training step of a perceptron, or of a stack of them, and what it writes."""
    sizes = [(8, 20), (1, 20), (20, classes), (1, classes)]
    leaves = [(random(models, *size, seed=9) / 4).requires_grad_() for size in sizes]
    if models == 1:
        leaves = [leaf[0].detach().requires_grad_() for leaf in leaves]
    outs = [torch.zeros_like(leaf) for leaf in leaves]
    values, hits = torch.zeros(models), torch.zeros(models, rows, dtype=torch.int64)

    def one(leaves: list[Tensor], x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        w1, b1, w2, b2 = leaves
        logits = F.linear(F.linear(x, w1.t(), b1).relu(), w2.t(), b2)
        return F.cross_entropy(logits, target), logits

    def learn(x: Tensor, target: Tensor) -> None:
        losses, logits = one(leaves, x[0], target[0]) if models == 1 else torch.vmap(one)(leaves, x, target)
        with torch.no_grad():
            values.copy_(losses)
            hits.copy_(logits.argmax(-1) == target)
        gradients = torch.autograd.grad(losses if models == 1 else losses.sum(), leaves)
        with torch.no_grad():
            torch._foreach_copy_(outs, gradients)

    return learn, [*outs, values, hits]


def replays(models: int, rows: int, classes: int, capture: bool) -> tuple[list[list[Tensor]], list[Call]]:
    """What a few steps write, and the operators of one more."""
    learn, written = classifier(models, rows, classes)
    run = Captured(learn, CPU) if capture else learn
    x, target = torch.empty(models, rows, 8), torch.empty(models, rows, dtype=torch.int64)
    seen = []
    for seed in range(3):
        x.copy_(random(models, rows, 8, seed=seed))
        target.copy_(torch.arange(models * rows).view(models, rows) % classes)
        run(x, target)
        seen.append([tensor.clone() for tensor in written])
    return seen, record(run, x, target)[0]


def goes_along_columns(calls: list[Call]) -> bool:
    softmax = [call for call in calls if call.operator is aten._log_softmax.out]
    assert len(softmax) == 1
    return bool(softmax[0].args[1] == -2)


@pytest.mark.parametrize("models", [1, 3])
@pytest.mark.parametrize("classes", [2, 3, 10, 15])
def test_a_narrow_classifier_is_replayed_up_to_rounding(models: int, classes: int) -> None:
    replayed, calls = replays(models, 70, classes, capture=True)
    assert goes_along_columns(calls)
    for mine, theirs in zip(replayed, replays(models, 70, classes, capture=False)[0], strict=True):
        *floats, hits = zip(mine, theirs, strict=True)
        assert torch.equal(*hits)
        for a, b in floats:
            assert (a - b).norm() <= 1e-6 * b.norm()


@pytest.mark.parametrize(
    ("models", "rows", "classes"), [(1, 70, 16), (3, 70, 16), (1, 63, 10), (3, 15, 10), (2, 31, 10)]
)
def test_what_gains_nothing_is_replayed_to_the_bit(models: int, rows: int, classes: int) -> None:
    replayed, calls = replays(models, rows, classes, capture=True)
    assert not goes_along_columns(calls)
    for mine, theirs in zip(replayed, replays(models, rows, classes, capture=False)[0], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))


def test_a_narrow_step_allocates_nothing() -> None:
    _, calls = replays(1, 70, 10, capture=True)
    assert [call for call in calls if call.fresh] == []


Compute = Callable[[Tensor, Tensor, Tensor], None]


def merge_rows(x: Tensor, w: Tensor, out: Tensor) -> None:
    out.copy_((x @ w).view(-1, 4).softmax(1).view(3, 40, 4))


def draw(x: Tensor, w: Tensor, out: Tensor) -> None:
    out.copy_((x @ w).uniform_(generator=torch.default_generator))


def sort(x: Tensor, w: Tensor, out: Tensor) -> None:
    out.copy_((x @ w).sort(-1).values)


def view_as_integers(x: Tensor, w: Tensor, out: Tensor) -> None:
    out[:, :20].copy_((x @ w).view(torch.int16)[:, :20, :4])


def softmax_over_rows(x: Tensor, w: Tensor, out: Tensor) -> None:
    out.copy_((x @ w).softmax(1))


def write_over(x: Tensor, w: Tensor, out: Tensor) -> None:
    product = x @ w
    product[:, 3:30, 1:] *= 2
    out.copy_(product.tanh() - product[:, :1])


def both_ways(x: Tensor, w: Tensor, out: Tensor) -> None:
    narrow = x @ w
    out.copy_(narrow + out)
    out.add_((narrow * narrow).mT.contiguous().mT)


def largest(x: Tensor, w: Tensor, out: Tensor) -> None:
    tied = (x @ w).round()
    tied[0, 7] = float("nan")
    tied[1, :, 2] = float("nan")
    out[..., 0].copy_(tied.argmax(-1))
    out[:, 0].copy_(tied.argmax(1))
    out[0, 0, 0].copy_(tied.argmax())
    out[..., 1:2].copy_(tied.argmax(2, keepdim=True))


@pytest.mark.parametrize(
    "compute",
    [merge_rows, draw, sort, view_as_integers, softmax_over_rows, write_over, both_ways, largest],
    ids=lambda compute: compute.__name__,
)
def test_whatever_is_done_to_a_narrow_product(compute: Compute) -> None:
    def outcomes(capture: bool) -> list[Tensor]:
        w, out, buffer = random(3, 8, 4, seed=5), torch.zeros(3, 40, 4), torch.empty(3, 40, 8)
        run: Callable[[Tensor], None] = lambda x: compute(x, w, out)  # noqa: E731
        if capture:
            run = Captured(run, CPU)
        seen = []
        for seed in range(3):
            torch.manual_seed(seed)
            run(buffer.copy_(random(3, 40, 8, seed=seed)))
            seen.append(out.clone())
        return seen

    for mine, theirs in zip(outcomes(True), outcomes(False), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6, equal_nan=True)
