"""``hydra/sweeper=random``: so many points of a space."""

import math
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from runner.errors import ConfigError
from tests.sweep.fake_launcher import FakeLauncher, sweep, values_of

SAMPLERS = ["random", "sobol", "halton", "latin"]
RANDOM = "hydra/sweeper=random"


def sampled(folder: Path, *arguments: str) -> list[dict[str, str]]:
    """The values of each job."""
    launcher = FakeLauncher()
    sweep(folder, launcher, RANDOM, *arguments)
    return [values_of(job) for job in launcher.jobs]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_each_kind_of_value_is_sampled_within_its_bounds(tmp_path: Path, sampler: str) -> None:
    jobs = sampled(
        tmp_path, f"hydra.sweeper.sampler={sampler}", "hydra.sweeper.trials=50",
        "optim=sgd,momentum", "seed=range(0,10,3)", "optim.lr=interval(0.25,0.5)", "train.epochs=2",
        "train.batch_size=int(interval(1,3))", "model.layers.l1.out_features=tag(log,int(interval(4,256)))",
    )  # fmt: skip
    assert len(jobs) == 50
    assert {job["optim"] for job in jobs} == {"sgd", "momentum"}
    assert {job["seed"] for job in jobs} == {"0", "3", "6", "9"}
    assert all(0.25 <= float(job["optim.lr"]) < 0.5 for job in jobs)
    assert {job["train.batch_size"] for job in jobs} == {"1", "2", "3"}, "both ends included"
    assert all(4 <= int(job["model.layers.l1.out_features"]) <= 256 for job in jobs)
    assert {job["train.epochs"] for job in jobs} == {"2"}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_seed_gives_the_same_jobs(tmp_path: Path, sampler: str) -> None:
    arguments = [f"hydra.sweeper.sampler={sampler}", "optim.lr=interval(0,1)", "optim=sgd,momentum"]
    first = sampled(tmp_path, *arguments)
    assert sampled(tmp_path, *arguments, "hydra.sweeper.seed=0") == first
    assert sampled(tmp_path, *arguments, "hydra.sweeper.seed=1") != first


@pytest.mark.parametrize(("sampler", "most"), [("sobol", 1), ("latin", 1)])
def test_quasi_random_points_fill_each_key_evenly(tmp_path: Path, sampler: str, most: int) -> None:
    jobs = sampled(
        tmp_path, f"hydra.sweeper.sampler={sampler}", "hydra.sweeper.trials=32",
        "optim.lr=interval(0,1)", "seed=range(32)",
    )  # fmt: skip
    slices = [int(float(job["optim.lr"]) * 32) for job in jobs]
    assert sorted(slices) == list(range(32)), f"{most} in each of 32 slices"
    assert sorted(int(job["seed"]) for job in jobs) == list(range(32))


def test_with_tag_log_each_order_of_magnitude_has_its_share(tmp_path: Path) -> None:
    jobs = sampled(
        tmp_path, "hydra.sweeper.sampler=latin", "hydra.sweeper.trials=40",
        "optim.lr=tag(log, interval(1e-4,1))",
    )  # fmt: skip
    decades = [math.floor(math.log10(float(job["optim.lr"]))) for job in jobs]
    assert [decades.count(decade) for decade in (-4, -3, -2, -1)] == [10, 10, 10, 10]


def test_a_value_can_be_pasted_back(tmp_path: Path) -> None:
    jobs = sampled(tmp_path, "optim.lr=tag(log, interval(1e-12,1e20))", "seed=0")
    texts = [job["optim.lr"] for job in jobs]
    read = [OverridesParser.create().parse_override(f"optim.lr={text}").value() for text in texts]
    assert all(isinstance(value, float) for value in read)
    assert [repr(value) for value in read] == texts


def test_jobs_come_in_batches_and_a_dry_run_shows_the_first(tmp_path: Path) -> None:
    arguments = [RANDOM, "hydra.sweeper.trials=5", "hydra.sweeper.max_batch_size=2", "seed=0,1"]
    launcher = FakeLauncher()
    sweep(tmp_path, launcher, *arguments)
    assert [(first, len(batch)) for first, batch in launcher.batches] == [(0, 2), (2, 2), (4, 1)]
    dry = FakeLauncher()
    sweep(tmp_path, dry, *arguments, "sweep.dry_run=true")
    assert [job[:1] for _, batch in dry.batches for job in batch] == [job[:1] for job in launcher.jobs[:2]]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["hydra.sweeper.sampler=sobel", "seed=0,1"],
         "hydra.sweeper.sampler: unknown 'sobel'. Did you mean 'sobol'? Known: halton, latin, random, sobol"),
        (["hydra.sweeper.trials=0", "seed=0,1"], "hydra.sweeper.trials: 0 should be 1 or more"),
        (["hydra.sweeper.seed=-1", "seed=0,1"], "hydra.sweeper.seed: -1 should be 0 or more"),
        (["sweep.zip=[seed]", "seed=0,1"],
         "sweep.zip: is for hydra/sweeper=grid; others choose each key's values alone"),
        (["seed=1"], "nothing is swept: give a key interval(…), range(…) or several values"),
        (["optim.lr=interval(1,0)"], "optim.lr: interval(1.0, 0.0) should end above where it starts"),
        (["optim.lr=tag(log,interval(0,1))"],
         "optim.lr: interval(0.0, 1.0) with tag log should start above 0"),
        (["optim.lr=tag(lag,interval(0,1))"],
         "optim.lr: unknown tag 'lag'. Did you mean 'log'? Known: log"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_mistake_is_told_before_any_job_starts(tmp_path: Path, arguments: list[str], told: str) -> None:
    launcher = FakeLauncher()
    with pytest.raises(ConfigError) as error:
        sweep(tmp_path, launcher, RANDOM, *arguments)
    assert str(error.value) == told
    assert not launcher.batches
