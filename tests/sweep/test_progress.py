"""What jobs in training report, and what follows from it."""

from pathlib import Path

import torch

from runner.errors import ConfigError
from runner.process.machine import machine_tags
from runner.process.signals import Terminated
from runner.sweep.books.messages import Opened
from runner.sweep.jobs import Job, check_all
from runner.sweep.planning.lanes import Stop
from runner.sweep.points.cells import Composer
from runner.training.loop import Epoch
from tests.sweep.composed import Heard, config_loader, jobs_of, master_of


def no_fault(place: int) -> None:
    """Nobody looks."""


def epoch(number: int, loss: float) -> Epoch:
    names = ("train/loss", "test/loss", "train/accuracy", "test/accuracy", "lr", "time/samples_per_second")
    return Epoch(number, {**dict.fromkeys(names, loss), "time/epoch_seconds": 0.1})


def job_and_books() -> tuple[Job, Heard]:
    (job,) = jobs_of(["seed=3"])
    return job, Heard()


def test_a_job_that_ends_well_tells_its_best_and_its_last() -> None:
    job, heard = job_and_books()
    progress = heard.progress()
    progress.begin(job, "trained one by one")
    for number, loss in enumerate([0.5, 0.25, 0.4], 1):
        assert progress.epochs([job], [epoch(number, loss)], no_fault) == ["goes on"]
    assert not progress.has_ended(job)
    progress.finish(job, {"final/train_loss": 0.3})
    assert progress.has_ended(job)
    result = heard.results[0]
    assert (result.status, result.objective, result.curve) == ("FINISHED", 0.4, [0.5, 0.25, 0.4])
    assert (
        result.metrics.items() >= {"best/epoch": 2, "best/test/loss": 0.25, "final/train_loss": 0.3}.items()
    )
    assert heard.steps(0) == [1, 2, 3, 3]
    for line in ("trained one by one", "epoch  1/20  train/loss 0.5000", "epoch  3/20  train/loss 0.4000"):
        assert line in heard.ends[0].log


def test_what_is_told_of_a_job_when_it_begins_is_its_run() -> None:
    job, heard = job_and_books()
    heard.progress().begin(job, "trained one by one")
    (message,) = heard.messages
    assert isinstance(message, Opened)
    told = {**machine_tags(torch.device("cpu")), "way": "trained one by one"}
    told["parameters"] = str(job.parts.store.size)
    assert message.tags == {**job.config.tags, **told}
    assert message.plain == job.config.plain
    assert message.records[Path(".hydra", "overrides.yaml")] == ["seed=3"]
    assert set(message.records) == {
        Path(".hydra", f"{name}.yaml") for name in ("config", "hydra", "overrides")
    }


def test_a_job_that_fails_before_it_begins_is_in_the_books_all_the_same() -> None:
    job, heard = job_and_books()
    heard.progress().fail(job, ConfigError(["no good"]))
    assert heard.opened == [0]
    assert (heard.results[0].status, heard.results[0].reason) == ("FAILED", "no good")
    failure = heard.ends[0].failure
    assert failure is not None
    assert "ConfigError" in failure.trace


def test_one_failure_stops_all_if_that_is_wanted() -> None:
    job, heard = job_and_books()
    for fail_fast in (False, True):
        stop = Stop()
        heard.progress(stop=stop, fail_fast=fail_fast).fail(job, ValueError())
        assert stop.is_wished == fail_fast


def test_a_job_that_was_stopped_is_killed_with_what_it_came_to() -> None:
    first, second = jobs_of(["seed=0", "seed=1"])
    heard = Heard()
    progress = heard.progress()
    for job in (first, second):
        progress.begin(job, "stacked with 1 more")
    progress.epochs([first, second], [epoch(1, 0.5), epoch(1, 0.6)], no_fault)
    progress.finish(first, {})
    progress.end_the_rest(Terminated())
    assert {job: result.status for job, result in heard.results.items()} == {0: "FINISHED", 1: "KILLED"}
    assert heard.results[1].reason == "Terminated: SIGTERM"
    assert heard.results[1].curve == [0.6]
    assert "stopped: Terminated: SIGTERM" in heard.ends[1].log


def test_a_job_that_cannot_be_trained_at_all_is_in_the_books() -> None:
    cells = Composer(config_loader(), master_of("hydra.sweep.dir=/sweep")).cells([["optim.lr=-1"]], 4)
    _, (problem,) = check_all(cells, "a command")
    heard, stop = Heard(), Stop()
    heard.progress(stop=stop, fail_fast=True).reject(problem)
    result = heard.results[4]
    assert result.reason == "optim.lr: -1 should be greater than or equal to 0"
    assert (result.status, result.overrides) == ("FAILED", ["optim.lr=-1"])
    assert heard.ends[4].log == f"{result.reason}\n"
    assert stop.is_wished
