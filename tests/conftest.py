"""Real parts for the tests: a command line in a folder of its own, MLflow's client, real MNIST."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch reads it: the cores are taken

import pytest
import torch
from hypothesis import HealthCheck, settings
from mlflow import MlflowClient
from mlflow.entities import Run
from xdist.remote import Producer

from runner.config import sqlite_uri
from runner.process.signals import SIGNALS
from runner.tracking.store import make_sqlite_store
from tests import warm
from tests.faults.table import INJECTED, fault_table
from tests.schedule import Schedule, longest_first

REPOSITORY = Path(__file__).resolve().parent.parent
MNIST_ROOT = REPOSITORY.parent / "shared" / "data"

UNHURRIED = settings(
    deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.register_profile("same", UNHURRIED, derandomize=True)  # the same cases each time
settings.register_profile("search", UNHURRIED)  # others each time: pytest --hypothesis-profile=search
settings.load_profile("same")

FOREIGN_SETTINGS = ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID", "HYDRA_FULL_ERROR")

CommandLine = Callable[..., subprocess.CompletedProcess[str]]
Injected = Callable[[int], None]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process more than cores if all quick tests run, as many wait; else none, which is there sooner."""
    are_all = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return min((os.cpu_count() or 1) + 1, 8) if are_all and config.option.markexpr == "not slow" else 0


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Schedule | None:
    """Long tests are begun first, and are handed out one by one where they can be."""
    return Schedule(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first."""
    longest_first(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was injected, if anything was."""
    reports = terminalreporter.stats
    if lines := fault_table(reports.get("passed", []), reports.get("failed", [])):
        terminalreporter.section("faults: injected, of which nothing was lost")
        for line in lines:
            terminalreporter.line(line)


def pytest_sessionfinish() -> None:
    """Leave no process behind."""
    warm.stop()


@pytest.fixture
def injected(record_property: Callable[[str, object], None]) -> Injected:
    """Tells the table of faults how many a test has injected."""
    return lambda count: record_property(INJECTED, count)


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> None:
    """The settings of whoever starts the tests don't reach them."""
    for name in FOREIGN_SETTINGS:
        os.environ.pop(name, None)
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"


@pytest.fixture(autouse=True)
def same_signals() -> Iterator[None]:
    """What a command in this process makes of signals ends with its test."""
    handlers = {each: signal.getsignal(each) for each in SIGNALS}
    yield
    for each, handler in handlers.items():
        signal.signal(each, handler)


def run_in(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``python -m runner <arguments>`` as a user would run it, started in ``folder``."""
    return warm.run(folder, arguments, {**os.environ, **environment})


@contextmanager
def ui_in(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``runner ui``, started in ``folder``, and the line that it prints once it answers."""
    command = [sys.executable, "-m", "runner", "ui", *words]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith("http://127.0.0.1:"), f"exit code {process.wait()}"
        try:
            yield process, line
        finally:
            process.terminate()


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch computes in one thread: small models gain nothing from more, and lose much on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def ready_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracking store without experiments; MLflow takes seconds to make one, so tests get a copy of it."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    make_sqlite_store(path)
    return path


@pytest.fixture
def in_tmp_path(tmp_path: Path, ready_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test runs in a folder of its own, with a store that is ready."""
    (tmp_path / "outputs").mkdir()
    shutil.copy(ready_store, tmp_path / "outputs" / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command_line(in_tmp_path: Path) -> CommandLine:
    """The command line, started in the test's own folder."""

    def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return run_in(in_tmp_path, *arguments, **environment)

    return start


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """The folder with the real MNIST files."""
    if not (MNIST_ROOT / "MNIST" / "raw").is_dir():
        pytest.skip("the real MNIST files are not beside this checkout (../shared/data)")
    return MNIST_ROOT


def client_of(folder: Path) -> MlflowClient:
    """MLflow's own client on the store that runs started in ``folder`` write to."""
    return MlflowClient(sqlite_uri.from_path(folder / "outputs" / "mlflow.db"))


def runs_in(folder: Path, experiment: str = "runner") -> list[Run]:
    """All runs of an experiment, the newest first."""
    client = client_of(folder)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    return list(client.search_runs([found.experiment_id]))
