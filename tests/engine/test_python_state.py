"""Parts that keep something in Python train as if every step were written out in Python."""

import itertools
import logging
import random
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from runner.engine.capture import Captured
from runner.engine.python_state import Watch
from runner.nn.losses import CrossEntropy
from runner.optim.rules import Adam

CPU = torch.device("cpu")
STEPS = 6
COUNT = 0


class Counter:
    """Every part below multiplies by something that it keeps in Python."""

    calls = 0

    def __init__(self) -> None:
        self.n, self.by_name, self.array = 0, {"n": 0}, np.zeros(1)
        self.seen: list[int] = []
        self.numbers, self.rng = itertools.count(1), np.random.default_rng(0)
        self.python, self.legacy = random.Random(0), np.random.RandomState(0)
        self.running, self.nested = torch.zeros(()), [{"n": 0}]
        self.module = nn.BatchNorm1d(2)
        self.generator = (value for value in range(1, 100))


def count_attribute(part: Counter, x: Tensor) -> Tensor:
    part.n += 1
    return x * part.n


def append_to_a_list(part: Counter, x: Tensor) -> Tensor:
    part.seen.append(1)
    return x * len(part.seen)


def write_into_a_dict(part: Counter, x: Tensor) -> Tensor:
    part.by_name["n"] += 1
    return x * part.by_name["n"]


def write_into_what_is_nested(part: Counter, x: Tensor) -> Tensor:
    part.nested[0]["n"] += 1
    return x * part.nested[0]["n"]


def write_into_an_array(part: Counter, x: Tensor) -> Tensor:
    part.array += 1
    return x * float(part.array[0])


def write_into_the_class(part: Counter, x: Tensor) -> Tensor:
    Counter.calls += 1
    return x * Counter.calls


def write_into_the_module(part: Counter, x: Tensor) -> Tensor:
    global COUNT
    COUNT += 1
    return x * COUNT


def take_the_next(part: Counter, x: Tensor) -> Tensor:
    return x * next(part.numbers)


def go_on_with_a_generator(part: Counter, x: Tensor) -> Tensor:
    return x * next(part.generator)


def replace_a_tensor(part: Counter, x: Tensor) -> Tensor:
    part.running = 0.5 * part.running + 0.5 * x.detach().mean()
    return x * part.running


def draw_from_pythons_generator(part: Counter, x: Tensor) -> Tensor:
    return x * random.random()


def draw_from_a_generator_of_python(part: Counter, x: Tensor) -> Tensor:
    return x * part.python.gauss(0, 1)


def keep_half_of_what_is_drawn(part: Counter, x: Tensor) -> Tensor:
    return x * random.gauss(0, 1) * np.random.randn()


def draw_from_numpys_generator(part: Counter, x: Tensor) -> Tensor:
    return x + torch.from_numpy(np.random.rand(4, 2)).float()


def draw_from_a_generator_of_numpy(part: Counter, x: Tensor) -> Tensor:
    return x * part.rng.normal() * part.legacy.randn()


def seed_torchs_generator(part: Counter, x: Tensor) -> Tensor:
    torch.manual_seed(3)
    return x * torch.rand(4, 2)


def act_in_every_third_batch(part: Counter, x: Tensor) -> Tensor:
    part.n += 1
    return x * 2 if part.n % 3 == 0 else x


FROZEN = [
    count_attribute,
    append_to_a_list,
    write_into_a_dict,
    write_into_what_is_nested,
    write_into_an_array,
    write_into_the_class,
    write_into_the_module,
    take_the_next,
    go_on_with_a_generator,
    replace_a_tensor,
    draw_from_pythons_generator,
    draw_from_a_generator_of_python,
    keep_half_of_what_is_drawn,
    draw_from_numpys_generator,
    draw_from_a_generator_of_numpy,
    seed_torchs_generator,
    act_in_every_third_batch,
]


def make_once(part: Counter, x: Tensor) -> Tensor:
    if "mask" not in part.by_name:
        part.by_name["mask"] = torch.ones(2)  # type: ignore[assignment]
    return x * part.by_name["mask"]


def write_in_place(part: Counter, x: Tensor) -> Tensor:
    part.running.mul_(0.5).add_(0.5 * x.detach().mean())
    return x * part.running


def train_a_modules_buffers(part: Counter, x: Tensor) -> Tensor:
    out: Tensor = part.module(x)
    return out


def draw_from_torchs_generator(part: Counter, x: Tensor) -> Tensor:
    return x * torch.rand(4, 2)


RECORDED = [make_once, write_in_place, train_a_modules_buffers, draw_from_torchs_generator]

Forward = Callable[[Counter, Tensor], Tensor]


def outputs(forward: Forward, capture: bool) -> list[Tensor]:
    global COUNT
    COUNT = Counter.calls = 0
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    part, out, batch = Counter(), torch.zeros(4, 2), torch.zeros(4, 2)

    def run(x: Tensor) -> None:
        with torch.no_grad():
            out.copy_(forward(part, x))

    call = Captured(run, CPU, {"model": part}) if capture else run
    seen = []
    for step in range(STEPS):
        call(batch.copy_(torch.linspace(1, 2, 8).view(4, 2) + step))
        seen.append(out.clone())
    return seen


@pytest.mark.parametrize("forward", FROZEN + RECORDED, ids=lambda forward: forward.__name__)
def test_what_python_keeps_changes_with_every_batch(
    forward: Forward, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        mine = outputs(forward, capture=True)
    for one, other in zip(mine, outputs(forward, capture=False), strict=True):
        assert torch.equal(one, other)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == (forward in FROZEN)


def test_the_line_names_the_attribute(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        outputs(count_attribute, capture=True)
    assert [record.getMessage() for record in caplog.records] == [
        "training step by step, it cannot be captured: model.n changes from batch to batch"
    ]


def test_a_clock_is_read_in_every_batch(caplog: pytest.LogCaptureFixture) -> None:
    read = []

    def run(x: Tensor) -> None:
        read.append(time.time())
        x.add_(read[-1])

    captured, x = Captured(run, CPU, {"model": Counter()}), torch.zeros(())
    for _ in range(4):
        captured(x)
    assert len(read) == 4
    assert "time.time gives something else each time" in caplog.text


def test_state_that_changes_between_epochs_alone_is_recorded_anew() -> None:
    part, out, calls = Counter(), torch.zeros(()), []

    def run(x: Tensor) -> None:
        calls.append(1)
        out.copy_(x * part.n)

    captured, x, seen = Captured(run, CPU, {"model": part}), torch.ones(()), []
    for epoch in range(3):
        part.n = epoch
        captured.forget_if_changed()
        for _ in range(3):
            captured(x)
            seen.append(out.item())
    assert seen == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert len(calls) == 3


def test_the_runners_own_parts_are_not_watched() -> None:
    own = {"loss": CrossEntropy(), "optim": Adam(lr=0.1), "state": {"m": torch.zeros(2)}}
    assert not Watch(own).is_needed
    assert Watch({**own, "model": [CrossEntropy(), Counter()]}).is_needed
