"""``kill -9`` at one exact place between a checkpoint and its metrics: no row is lost, none is doubled."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from tests.faults.test_resume import NO_PICTURES, Place, Rows, assert_same, last_state

KILLER = """
import os, signal
from pathlib import Path
import {module} as module

def killing(original, calls=iter(range({call}))):
    def call(*arguments, **named):
        is_last = next(calls, None) is None and not Path("killed").exists()
        if is_last and {before}:
            Path("killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **named)
        if is_last:
            Path("killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call

place = module if "{owner}" == "" else getattr(module, "{owner}")
if not getattr(module, "is_watched", False):
    module.is_watched = True
    setattr(place, "{function}", killing(getattr(place, "{function}")))
METRICS = {{}}
"""

PLACES = {
    "told, no checkpoint begun": ("runner.checkpoints.keeper", "", "write", True),
    "told, half a checkpoint": ("runner.checkpoints.file", "", "replace", False),
    "a checkpoint, not told the store": ("runner.tracking.tracked_run", "TrackedRun", "log", True),
    "told the store, not noted": ("runner.tracking.tracked_run", "TrackedRun", "log", False),
    "a checkpoint, the next not told": ("runner.tracking.tracker", "Tracker", "metrics", True),
    "just told, no snapshot yet": ("runner.tracking.tracker", "Tracker", "metrics", False),
}
ARGUMENTS = ("data=iris", "train.epochs=200", "train.checkpoint_every=1", NO_PICTURES)


@dataclass(frozen=True)
class Undisturbed:
    """What a run comes to that nobody kills."""

    rows: Rows
    state: dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    place = Place(tmp_path_factory.mktemp("undisturbed"))
    assert place.start(*ARGUMENTS) == 0
    (run,) = place.runs()
    return Undisturbed(place.rows(run), last_state(run))


def killed_and_gone_on(place: Place, name: str, calls: int, undisturbed: Undisturbed) -> None:
    """A run that is killed there, and gone on with, comes to the same as one that is not."""
    module, owner, function, before = PLACES[name]
    text = KILLER.format(module=module, owner=owner, function=function, before=before, call=calls)
    (place.folder / "killer.py").write_text(text)
    assert place.start(*ARGUMENTS, "plugins=[./killer.py]") == -9
    (run,) = place.runs()
    assert place.start(f"resume={run.info.run_id}", "plugins=true") == 0
    run = place.client.get_run(run.info.run_id)
    assert run.info.status == "FINISHED"
    assert_same(place.rows(run), undisturbed.rows)
    state, wanted = last_state(run), undisturbed.state
    assert {key for key in wanted if not state[key].equal(wanted[key])} == set()


@pytest.mark.slow
def test_a_run_killed_after_the_store_was_told_tells_it_nothing_twice(
    in_tmp_path: Path, undisturbed: Undisturbed
) -> None:
    killed_and_gone_on(Place(in_tmp_path), "told the store, not noted", 1, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("calls", [0, 1])
@pytest.mark.parametrize("name", PLACES)
def test_no_row_is_lost_or_doubled(
    name: str, calls: int, in_tmp_path: Path, undisturbed: Undisturbed
) -> None:
    killed_and_gone_on(Place(in_tmp_path), name, calls, undisturbed)
