"""The stopwatch tells phases apart, and its tables name functions that the runner really has."""

import importlib
import json
import shutil
import sys
import threading
from pathlib import Path
from time import sleep
from types import ModuleType

import pytest

from benchmarks.process import run_python
from benchmarks.programs import peak_memory, start_breakdown, tracked_run
from benchmarks.stopwatch import IMPORTS, Stopwatch


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module with an outer function that calls an inner one."""
    made = ModuleType("watched_module")
    exec("def inner(): pause()\ndef outer(): pause(); inner(); return 7", made.__dict__)
    made.__dict__["pause"] = lambda: sleep(0.01)
    monkeypatch.setitem(sys.modules, "watched_module", made)
    return made


def test_a_phase_stands_still_while_another_runs_within_it(module: ModuleType) -> None:
    watch = Stopwatch({"watched_module:outer": "out", "watched_module:inner": "in"})
    watch.find_functions()
    with watch.phase("all"):
        assert module.outer() == 7
    assert watch.seconds.keys() == {"all", "out", "in"}
    assert watch.seconds["out"] >= 0.01
    assert watch.seconds["in"] >= 0.01
    assert watch.seconds["all"] < watch.seconds["out"] + watch.seconds["in"]


def test_another_threads_time_is_not_counted(module: ModuleType) -> None:
    watch = Stopwatch({"watched_module:inner": "in"})
    watch.find_functions()
    thread = threading.Thread(target=module.inner)
    thread.start()
    thread.join()
    assert "in" not in watch.seconds


def test_imports_are_a_phase_and_bring_their_functions_under_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "imported_while_watched.py").write_text(
        "class Thing:\n    def work(self):\n        return 1\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    watch = Stopwatch({"imported_while_watched:Thing.work": "working"})
    with watch.phase("all"), watch.watching():
        import imported_while_watched  # type: ignore[import-not-found]

        assert imported_while_watched.Thing().work() == 1
    assert watch.seconds.keys() == {"all", IMPORTS, "working"}


def test_a_function_that_is_not_there_is_an_error(module: ModuleType) -> None:
    with pytest.raises(AttributeError, match="gone"):
        Stopwatch({"watched_module:gone": "phase"}).find_functions()


@pytest.mark.parametrize("place", sorted({*start_breakdown.PHASES, *tracked_run.PHASES}))
def test_every_function_under_the_clock_exists(place: str) -> None:
    module, _, path = place.partition(":")
    found: object = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    assert callable(found)


@pytest.mark.slow
def test_the_breakdown_of_a_start_names_every_phase(in_tmp_path: Path) -> None:
    command = ["-m", "benchmarks.programs.start_breakdown", "train.epochs=1", "tracking.log_model=true"]
    _, stdout = run_python(command, threads=1, folder=in_tmp_path, BENCHMARK_STARTED="0")
    phases = json.loads(stdout.splitlines()[-1])
    assert phases.keys() == {
        start_breakdown.STARTING,
        start_breakdown.COMPOSING,
        IMPORTS,
        *start_breakdown.PHASES.values(),
    }
    assert all(seconds > 0 for seconds in phases.values())


def tracked(data: Path, *more: str) -> dict[str, float]:
    given = [f"--data={data}", "--epochs=2", "--threads=1", *more]
    _, stdout = run_python(["-m", "benchmarks.programs.tracked_run", *given], threads=1, folder=data)
    found: dict[str, float] = json.loads(stdout.splitlines()[-1])
    return found


@pytest.mark.slow
def test_a_run_without_tracking_trains_as_one_with_it(
    tiny_mnist: Path, ready_store: Path, tmp_path: Path
) -> None:
    store = Path(shutil.copy(ready_store, tmp_path / "mlflow.db"))
    without, saved = tracked(tiny_mnist), tracked(tiny_mnist, f"--uri=sqlite:///{store}", "--save")
    assert without["losses"] == saved["losses"]
    assert (without["calls"], without["saving"]) == (0, 0)
    assert saved["calls"] > 0
    assert saved["saving"] > 0
    assert saved["wall"] > saved["calls"] + saved["saving"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc/self/status here")
def test_memory_that_is_given_back_still_counts() -> None:
    with peak_memory.watched() as greatest:
        before = greatest[peak_memory.OWN]
        held = b"x" * 2**26
        sleep(5 * peak_memory.INTERVAL)
        del held
    assert greatest[peak_memory.OWN] > before + 2**25
    assert greatest[peak_memory.RESIDENT] >= greatest[peak_memory.OWN]
