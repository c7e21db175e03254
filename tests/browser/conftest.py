"""Debian's Chromium over a real ``runner ui``, after a real run and a real sweep."""

import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mlflow.entities import Run

from tests.conftest import run_in, runs_in, ui_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCREENSHOTS = Path(__file__).parent / "screenshots"

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

PATIENCE = 90_000
"""Milliseconds that a page may take to show something, on a busy machine."""


@dataclass(frozen=True)
class Place:
    """A folder with a run and a sweep in its store."""

    folder: Path
    run: Run
    sweep: Run
    jobs: list[Run]


@dataclass
class Window:
    """A page of the browser.

    Attributes:
        page: playwright's.
        address: where the server is.
        errors: what its console said was wrong.
    """

    page: "Page"
    address: str
    errors: list[str] = field(default_factory=list)

    def show(self, path: str) -> "Page":
        """Open a page of MLflow's, by what follows the experiment's address."""
        self.page.goto(f"{self.address}{path}")
        return self.page

    def picture(self, name: str) -> None:
        """Leave a screenshot."""
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, ready_store: Path) -> Place:
    folder = tmp_path_factory.mktemp("seen")
    (folder / "outputs").mkdir()
    shutil.copy(ready_store, folder / "outputs" / "mlflow.db")
    small = ("train.epochs=4", "data.limit=300")
    assert run_in(folder, *small).returncode == 0
    assert run_in(folder, "-m", "optim.lr=0.1,0.3", "seed=0,1", *small).returncode == 0
    runs = runs_in(folder)
    jobs = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    (sweep,) = [run for run in runs if run.data.tags.get("sweep_id") == run.info.run_id]
    (run,) = [run for run in runs if "sweep_id" not in run.data.tags]
    return Place(folder, run, sweep, jobs)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: '.[browser]'")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium on this machine")
    SCREENSHOTS.mkdir(exist_ok=True)
    with api.sync_playwright() as playwright:  # which gives it a profile of its own, new and empty
        started = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(place: Place, browser: "Browser") -> Iterator[str]:
    """The page that ``runner ui`` names: the experiment's."""
    with ui_in(place.folder) as (process, line):
        yield line.removesuffix("/runs")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


@pytest.fixture
def window(browser: "Browser", address: str) -> Iterator[Window]:
    page = browser.new_page(viewport={"width": 1500, "height": 900})
    page.set_default_timeout(PATIENCE)
    seen = Window(page, address)
    page.on("console", lambda said: seen.errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    yield seen
    page.close()
