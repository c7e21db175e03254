"""Torch is kept to deterministic operators while a training wants that, and no longer."""

from pathlib import Path
from threading import Barrier, Thread

import pytest
import torch

import runner
from runner.errors import RunnerError
from runner.process.determinism import deterministic, now
from tests.conftest import CommandLine, runs_in

PARTS = """
import torch


class Writes:
    def __init__(self, scope, in_shape):
        self.out_shape = in_shape

    def forward(self, store, x):
        places = torch.zeros(len(x), dtype=torch.int64)
        return x + torch.zeros(1).put_(places, x.detach()[:, 0])


LAYERS = {"writes": Writes}
"""

SMALL = ("data.limit=200", "train.epochs=2", "tracking.log_model=false", "tracking.pictures=false")


def test_the_switches_are_turned_and_put_back() -> None:
    before = now()
    with deterministic(True):
        inside = now()
        assert (inside.algorithms, inside.warn_only, inside.cudnn, inside.benchmark) == (
            True,
            False,
            True,
            False,
        )
        assert inside.workspace is not None
    assert now() == before
    with deterministic(False):
        assert now() == before


def test_they_stay_turned_as_long_as_one_of_several_trainings_wants_them() -> None:
    before, begun, ended = now(), Barrier(2), Barrier(2)
    seen = []

    def train() -> None:
        with deterministic(True):
            begun.wait(10)
            ended.wait(10)
            seen.append(now().algorithms)

    other = Thread(target=train)
    with deterministic(True):
        other.start()
        begun.wait(10)
    ended.wait(10)
    other.join()
    assert seen == [True]
    assert now() == before


def test_another_error_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError, match="something else"), deterministic(True):
        raise RuntimeError("something else")
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.slow
def test_a_run_learns_the_same_with_deterministic_operators_on_a_cpu(in_tmp_path: Path) -> None:
    before = now()
    free, held = (
        runner.run([*SMALL, "optim=momentum", f"train.deterministic={wanted}"])
        for wanted in ("false", "true")
    )
    assert torch.equal(free.store.params, held.store.params)
    assert now() == before


@pytest.mark.slow
@pytest.mark.parametrize("sweep", [[], ["-m", "seed=0,1"]])
def test_an_operator_that_has_no_such_form_is_told_in_a_line(
    command_line: CommandLine, in_tmp_path: Path, sweep: list[str]
) -> None:
    (in_tmp_path / "parts.py").write_text(PARTS)
    words = [*sweep, *SMALL, "plugins=[./parts.py]", "model.layers.a1.type=writes"]
    assert command_line(*words).returncode == 0
    done = command_line(*words, "train.deterministic=true")
    told = "train.deterministic: torch has no deterministic form of put_ here"
    assert (done.returncode, told in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr
    failed = [run for run in runs_in(in_tmp_path) if run.info.status == "FAILED"]
    assert any(run.data.tags["failure"].startswith(told) for run in failed)


def test_an_error_of_torchs_is_one_of_the_runners() -> None:
    with pytest.raises(RunnerError, match="no deterministic form of put_"), deterministic(True):
        torch.zeros(1).put_(torch.zeros(2, dtype=torch.int64), torch.ones(2))
