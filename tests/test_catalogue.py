"""Every name that YAML may use is built and trained for two epochs, alone and as a stack of three.

The names are those of the registry itself, and of the folders of ``conf/``, so that a new one cannot escape.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite

import pytest
import torch

from runner.config.compose import conf_folder
from runner.data.dataset import Dataset, Split
from runner.nn.layers.layer import Build
from runner.nn.layers.linear import Linear
from runner.nn.layers.shape import Flatten
from runner.registry import INITIALIZERS, LAYERS, LOSSES, RULES, SCHEDULES, SOURCES
from runner.sweep.blocks import stack_of, with_parameters
from runner.sweep.jobs import Job
from runner.sweep.planning.lanes import Stop
from runner.training.loop import Epoch
from runner.types import Shape, Task
from tests.conftest import REPOSITORY
from tests.nn.layers.examples import ARGUMENTS, IN_SHAPES, SEQUENCE, TAKES_INDICES, samples
from tests.nn.layers.test_stacked import DRAWS, NOT_STACKED
from tests.sweep.composed import alone, data_of, jobs_of

pytestmark = pytest.mark.usefixtures("one_thread")

SHORT = "train.epochs=2 data.limit=96 train.batch_size=40"
SEEDS = ["seed=0", "seed=1", "seed=2"]

FOR_VALUES = "data=linear model=linear optim.lr=0.01"

MODELS = {
    "autoencoder": "data.target=input loss=mse",
    "linear": f"{FOR_VALUES} loss=mse",
    "regression": "data=linear loss=mse",
    "language": f"data=text data.root={REPOSITORY} data.file=LICENSE data.length=8",
}
"""What a model needs beside the defaults."""

NAMED: dict[str, Collection[str]] = {"loss": LOSSES, "optim": RULES, "schedule": SCHEDULES, "data": SOURCES}
ADOPTING = {"torch", "own"}
"""YAML for what torch has under many names, and for a user's own parts."""


@dataclass(frozen=True)
class Made:
    """A source that stands for samples which a test has made."""

    in_shape: Shape
    task: Task = "classification"
    out_shape: Shape = (3,)

    def load(self) -> Dataset:
        """They are there already."""
        raise NotImplementedError


def stacked(jobs: Sequence[Job], data: Dataset) -> list[list[Epoch]]:
    """The epochs of jobs that train together."""
    together = stack_of(jobs, [with_parameters(job) for job in jobs], data, Stop())
    return [list(each) for each in zip(*[together.epoch(), together.epoch()], strict=True)]


def losses(epochs: Sequence[Epoch]) -> list[float]:
    return [epoch.metrics[name] for epoch in epochs for name in ("train/loss", "test/loss")]


def check(jobs: Sequence[Job], data: Dataset, same: bool = True, reason: str | None = None) -> None:
    """Jobs train; what their stack comes to is the same, or there can be none for a reason that is known."""
    by_themselves = [losses(alone(job, data)) for job in jobs]
    assert all(len(each) == 4 and all(map(isfinite, each)) for each in by_themselves)
    if reason is not None:
        with pytest.raises((RuntimeError, TypeError), match=reason):
            stacked(jobs, data)
        return
    for mine, theirs in zip(stacked(jobs, data), by_themselves, strict=True):
        if same:
            assert losses(mine) == pytest.approx(theirs, rel=1e-3)
        else:
            assert all(map(isfinite, losses(mine)))


def distributions() -> Dataset:
    """Samples such as ``linear`` has, with a distribution each: of one value, as it has one target."""
    generator = torch.Generator().manual_seed(0)
    train, test = (Split(torch.randn(n, 8, generator=generator), torch.ones(n, 1)) for n in (96, 40))
    return Dataset(train, test)


def with_parts(job: Job, layers: dict[str, Build], shape: Shape) -> Job:
    """The same job with a model of layers and of samples that no YAML knows."""
    return replace(job, config=replace(job.config, layers=layers, source=Made(shape)))


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_trains(name: str) -> None:
    shape = IN_SHAPES.get(name, SEQUENCE)
    layers: dict[str, Build] = {
        "earlier": partial(LAYERS["tanh"]),
        "layer": partial(LAYERS[name], **ARGUMENTS.get(name, {})),
        "flat": partial(Flatten),
        "out": partial(Linear, out_features=3),
    }
    generator = torch.Generator().manual_seed(0)
    if name in TAKES_INDICES:
        del layers["earlier"]
    train, test = (
        Split(samples(name, generator, count), torch.randint(3, (count,), generator=generator))
        for count in (96, 40)
    )
    jobs = [with_parts(job, layers, shape) for job in jobs_of(SEEDS, f"{SHORT} optim.lr=0.05")]
    check(jobs, Dataset(train, test), same=name not in DRAWS, reason=NOT_STACKED.get(name))


@pytest.mark.parametrize("name", INITIALIZERS)
def test_every_initialiser_trains(name: str) -> None:
    jobs = jobs_of([f"{seed} model.layers.l1.init.type={name}" for seed in SEEDS], SHORT)
    check(jobs, data_of(jobs[0]))


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_trains(name: str) -> None:
    model = "data=digits" if "classification" in LOSSES[name].tasks else FOR_VALUES
    jobs = jobs_of(SEEDS, f"{SHORT} {model} loss={name}")
    check(jobs, data_of(jobs[0]) if name != "kl_div" else distributions())


@pytest.mark.parametrize("name", RULES)
def test_every_rule_trains(name: str) -> None:
    jobs = jobs_of(SEEDS, f"{SHORT} optim={name}")
    check(jobs, data_of(jobs[0]))


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_trains(name: str) -> None:
    jobs = jobs_of(SEEDS, f"{SHORT} schedule={name}")
    check(jobs, data_of(jobs[0]))


@pytest.mark.parametrize(
    "name", sorted(file.stem for file in (conf_folder() / "model").iterdir() if file.stem != "lenet")
)
def test_every_model_trains(name: str) -> None:  # lenet, for images of MNIST's size, in tests/test_models.py
    jobs = jobs_of(SEEDS, f"{SHORT} optim.lr=0.05 model={name} {MODELS.get(name, '')}")
    same = name not in ("transformer", "resnet")  # which draws; which norms few samples many times over
    check(jobs, data_of(jobs[0]), same, NOT_STACKED.get("lstm" if name == "language" else name))


@pytest.mark.parametrize(("group", "table"), NAMED.items())
def test_every_name_has_its_yaml_and_every_yaml_a_name(group: str, table: Collection[str]) -> None:
    there = {file.stem for file in (conf_folder() / group).iterdir()}
    assert set(table) == there - ADOPTING
