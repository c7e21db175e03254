"""A captured function does what the function does, to the bit, for every layer, loss and rule there is."""

import logging
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from runner.engine.capture import Captured
from runner.engine.recording import Call, Recorder, storage_of
from runner.nn.layers.layer import Layer
from runner.nn.losses import Loss
from runner.nn.precision import at_precision
from runner.nn.store import ParameterStore
from runner.registry import LAYERS, LOSSES, RULES
from runner.types import Shape
from tests.nn.layers.examples import IN_SHAPES, SEQUENCE, TAKES_INDICES, example, samples

CPU = torch.device("cpu")

DEEP = ("multi_head_attention", "transformer_encoder")
"""Layers of many products, in some of which MKL adds up in an order that depends on where the result lies."""


def gradients(name: str, capture: bool, precision: str = "float32") -> list[Tensor]:
    """The gradient buffer after each of a few batches that arrive in the same memory."""
    shape = IN_SHAPES.get(name, SEQUENCE)
    store = ParameterStore()
    takes_indices = name in TAKES_INDICES
    width = {} if takes_indices else {"out_features": shape[-1]}
    first = LAYERS["identity" if takes_indices else "linear"](store.scope("first"), shape, **width)
    layer = example(name, store.scope("layer"))
    store.seal(torch.Generator().manual_seed(0))
    store.generator = torch.Generator().manual_seed(2)
    model = at_precision(layer, precision)  # type: ignore[arg-type]
    buffer = torch.empty(5, *shape)

    def learn(x: Tensor) -> None:
        store.backward(model.forward(store, first.forward(store, x)).square().mean())

    run = Captured(learn, CPU) if capture else learn
    seen = []
    for batch in samples(name, torch.Generator().manual_seed(1), 4, 5):
        run(buffer.copy_(batch))
        seen.append(store.grads.clone())
    return seen


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_is_replayed_to_the_bit(
    name: str, precision: str, caplog: pytest.LogCaptureFixture
) -> None:
    replayed = gradients(name, capture=True, precision=precision)
    assert "cannot be captured" not in caplog.text
    assert replayed[0].count_nonzero() > 0
    assert not torch.equal(replayed[0], replayed[1])
    tolerance = 1e-5 if name in DEEP else 0
    for mine, theirs in zip(replayed, gradients(name, capture=False, precision=precision), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=tolerance, atol=tolerance / 100)


@pytest.mark.parametrize(
    "loss", [factory() for factory in LOSSES.values()], ids=lambda loss: type(loss).__name__
)
def test_every_loss_is_replayed_to_the_bit(loss: Loss) -> None:
    logits = torch.zeros(6, 3, requires_grad=True)
    targets = torch.tensor([0, 1, 2, 0, 1, 2]) if "classification" in loss.tasks else torch.rand(6, 3)
    seen, values = torch.zeros(6, 3), torch.zeros(())

    def compute(logits: Tensor, targets: Tensor) -> None:
        value = loss(logits, targets)
        values.copy_(value.detach())
        seen.copy_(torch.autograd.grad(value, logits)[0])

    captured = Captured(compute, CPU)
    for seed in range(3):
        with torch.no_grad():
            logits.copy_(torch.randn(6, 3, generator=torch.Generator().manual_seed(seed)))
        captured(logits, targets)
        replayed = seen.clone(), values.clone()
        compute(logits, targets)
        assert torch.equal(replayed[0], seen)
        assert torch.equal(replayed[1], values)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_replayed_to_the_bit_at_a_changing_learning_rate(name: str) -> None:
    rule = RULES[name](lr=0.1)

    def steps(wrap: Callable[[Callable[[], None]], Callable[[], None]]) -> Tensor:
        params, grads = torch.linspace(-1, 1, 7), torch.zeros(7)
        state, lr = rule.init(params), torch.zeros((), dtype=torch.float64)
        update = wrap(lambda: rule.step(params, grads, state, lr))
        for number in range(5):
            lr.fill_(rule.lr / (number + 1))
            grads.copy_(params.cos())
            update()
        return params

    assert torch.equal(steps(lambda update: Captured(update, CPU)), steps(lambda update: update))


def test_each_size_of_batch_is_recorded_once() -> None:
    calls: list[int] = []
    total = torch.zeros(())
    buffer = torch.arange(8.0)

    def add(x: Tensor) -> None:
        calls.append(len(x))
        total.add_(x.sum())

    captured = Captured(add, CPU)
    for size in (8, 8, 3, 8, 3):
        captured(buffer[:size])
    assert calls == [8, 3]
    assert total.item() == 3 * 28 + 2 * 3


def test_random_numbers_are_drawn_anew() -> None:
    noise = torch.zeros(100)

    def draw(x: Tensor) -> None:
        noise.copy_(F.dropout(x, 0.5))

    captured = Captured(draw, CPU)
    ones = torch.ones(100)
    patterns = []
    for _ in range(3):
        captured(ones)
        patterns.append(noise.clone())
    assert not torch.equal(patterns[1], patterns[2])


Compute = Callable[[Tensor, Tensor, Tensor], None]


def assign_rows(x: Tensor, w: Tensor, out: Tensor) -> None:
    rows = torch.zeros(4, 4)
    for i in range(4):
        rows[i] = torch.tanh(x[i])
    out.copy_(rows.exp())


def fill_an_intermediate(x: Tensor, w: Tensor, out: Tensor) -> None:
    made = torch.empty_like(x)
    made.copy_(x @ x)
    out.add_(made)


def change_a_slice(x: Tensor, w: Tensor, out: Tensor) -> None:
    product = (x @ w) * 1
    product[:2].mul_(x[:2])
    out.copy_(torch.autograd.grad(product.sigmoid().sum(), w)[0])


def subtract_a_column(x: Tensor, w: Tensor, out: Tensor) -> None:
    square = x @ x
    out.add_(square - square[:, :1])


def add_the_transpose(x: Tensor, w: Tensor, out: Tensor) -> None:
    square = x @ x
    out.add_(square + square.t())


def share_a_gradient(x: Tensor, w: Tensor, out: Tensor) -> None:
    (gradient,) = torch.autograd.grad((x @ w).sin().sum(), w)
    out[:2].copy_(gradient[:2])
    out[2:].copy_(gradient[:2])


def copy_in_a_chain(x: Tensor, w: Tensor, out: Tensor) -> None:
    torch._foreach_copy_([out[:2], out[2:]], [(x @ x)[:2] * 2, out[:2]])


def use_a_result_after_copying(x: Tensor, w: Tensor, out: Tensor) -> None:
    square = x @ x
    out.copy_(square)
    square.add_(1)
    out.add_(square.relu())


def normalise_with_statistics(x: Tensor, w: Tensor, out: Tensor) -> None:
    out.add_(F.batch_norm(x, out.mean(0), out.var(0) + 1, training=True))


def halve_each_mean(x: Tensor, w: Tensor, out: Tensor) -> None:
    """Where vmap meets a scalar of each, torch makes a tensor of the number that it is multiplied with."""
    out.add_(torch.vmap(lambda row: row.mean() * 0.5)(x).unsqueeze(1))


def write_a_literal_over(x: Tensor, w: Tensor, out: Tensor) -> None:
    total = torch.tensor([0.0])
    total += x.sum()
    out.add_(total)


def transpose_in_place(x: Tensor, w: Tensor, out: Tensor) -> None:
    double = x * 2
    double.t_()
    out.add_(double.mm(x))


def read_an_item(x: Tensor, w: Tensor, out: Tensor) -> None:
    out.add_(x * x.max().item())


def read_a_list(x: Tensor, w: Tensor, out: Tensor) -> None:
    out.add_(x * float(x.max().tolist()))  # type: ignore[arg-type]


def read_an_array(x: Tensor, w: Tensor, out: Tensor) -> None:
    out.add_(x * float(x.numpy().max()))


def choose_by_a_mask(x: Tensor, w: Tensor, out: Tensor) -> None:
    out.add_(x[x > 0].sum() * x)


def multiply_sparsely(x: Tensor, w: Tensor, out: Tensor) -> None:
    out.add_(torch.sparse.mm(x.to_sparse(), x))


CAPTURED = [
    assign_rows,
    fill_an_intermediate,
    change_a_slice,
    subtract_a_column,
    add_the_transpose,
    share_a_gradient,
    copy_in_a_chain,
    use_a_result_after_copying,
    normalise_with_statistics,
    halve_each_mean,
]
NOT_CAPTURED = [
    write_a_literal_over,
    transpose_in_place,
    read_an_item,
    read_a_list,
    read_an_array,
    choose_by_a_mask,
    multiply_sparsely,
]


def outcomes(compute: Compute, capture: bool) -> list[Tensor]:
    """What a function has made of its output after each of a few calls; it starts from the last one."""
    w = torch.eye(4).add_(0.1).requires_grad_()
    out, buffer = torch.zeros(4, 4), torch.empty(4, 4)
    run: Callable[[Tensor], None] = lambda x: compute(x, w, out)  # noqa: E731
    if capture:
        run = Captured(run, CPU)
    seen = []
    for seed in range(4):
        run(buffer.copy_(torch.randn(4, 4, generator=torch.Generator().manual_seed(seed))))
        seen.append(out.clone())
    return seen


@pytest.mark.parametrize("compute", CAPTURED + NOT_CAPTURED, ids=lambda compute: compute.__name__)
def test_whatever_a_function_does_it_does_again(compute: Compute, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be captured is called as it is, its first call counting once, and the log says why."""
    with caplog.at_level(logging.WARNING):
        captured = outcomes(compute, capture=True)
    for mine, theirs in zip(captured, outcomes(compute, capture=False), strict=True):
        assert torch.equal(mine, theirs)
    warnings = [record for record in caplog.records if "cannot be captured" in record.getMessage()]
    assert len(warnings) == (compute in NOT_CAPTURED)


def recorded(function: Callable[[Tensor], None], x: Tensor) -> list[Call]:
    recorder = Recorder()
    with recorder:
        function(x)
    return recorder.calls


def replay_of(store: ParameterStore, names: list[str]) -> list[Call]:
    """The calls of a replayed step of a perceptron."""
    shape: Shape = (4,)
    layers: list[Layer] = []
    for number, name in enumerate(names):
        layers.append(example(name, store.scope(f"l{number}"), shape))
        shape = layers[-1].out_shape
    store.seal(torch.Generator())
    targets = torch.tensor([0, 1, 2, 3, 0])

    def learn(x: Tensor) -> None:
        for layer in layers:
            x = layer.forward(store, x)
        store.backward(F.cross_entropy(x, targets))

    captured, buffer = Captured(learn, CPU), torch.randn(5, 4)
    captured(buffer)
    return recorded(captured, buffer)


def test_a_replay_computes_gradients_where_they_belong_and_allocates_nothing() -> None:
    store = ParameterStore()
    calls = replay_of(store, ["linear", "relu", "linear", "sigmoid", "linear"])
    aten = torch.ops.aten
    assert not {call.operator for call in calls} & {aten.copy_.default, aten._foreach_copy_.default}
    assert [call for call in calls if call.fresh] == []
    written = [
        r
        for call in calls
        for r in call.results
        if r is not None and storage_of(r) == storage_of(store.grads)
    ]
    assert len(written) == len(store.addresses)
    assert sum(gradient.numel() for gradient in written) == store.size


def test_a_replay_has_no_views_left_to_make() -> None:
    calls = replay_of(ParameterStore(), ["linear", "relu", "linear"])
    assert all(call.writes or call.fresh for call in calls)


def test_memory_is_used_again_as_soon_as_it_is_free() -> None:
    def storages(hidden: int) -> int:
        calls = replay_of(ParameterStore(), ["linear", *["sigmoid", "linear"] * hidden])
        return len({storage_of(tensor) for call in calls for tensor in call.tensors})

    assert storages(8) - storages(4) == 4  # the output of each sigmoid, which its backward pass reads
