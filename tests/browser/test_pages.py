"""What a person sees of runs and sweeps in a browser."""

import subprocess
import sys

import pytest

from tests.browser.conftest import PATIENCE, Place, Window
from tests.conftest import client_of

pytestmark = pytest.mark.slow

POINTS = """() => {
    const charts = [...document.querySelectorAll('.js-plotly-plot')];
    const lines = charts.flatMap(chart => chart.data || []).filter(line => line.y && line.y.length > 1);
    return lines.length ? lines.map(line => [...line.x].map((x, i) => [x, line.y[i]])) : null;
}"""
"""The points of every line that is drawn."""


def test_runs_are_listed_and_a_sweeps_jobs_are_under_their_parent(place: Place, window: Window) -> None:
    page = window.show("/runs")
    sweep, run = (page.locator(f'[row-id="{each.info.run_id}"]') for each in (place.sweep, place.run))
    sweep.get_by_role("link", name=place.sweep.info.run_name).wait_for()
    run.get_by_role("link", name=place.run.info.run_name).wait_for()
    job = page.locator(f'[row-id="{place.jobs[0].info.run_id}"]')
    assert job.count() == 0, "the sweep is closed"
    window.picture("runs")
    sweep.locator("button").first.click()
    for each in place.jobs:
        row = page.locator(f'[row-id="{each.info.run_id}"]')
        row.get_by_role("link", name=each.info.run_name).wait_for()
    window.picture("sweep_opened")


@pytest.mark.parametrize("metric", ["train/loss", "test/accuracy"])
def test_a_chart_shows_the_points_that_were_logged(place: Place, window: Window, metric: str) -> None:
    run_id = place.run.info.run_id
    page = window.show(f"/runs/{run_id}/model-metrics")
    page.get_by_placeholder("Search metric charts").fill(f"^{metric}$")
    page.wait_for_function(POINTS)
    rows = client_of(place.folder).get_metric_history(run_id, metric)
    assert [row.step for row in rows] == [1, 2, 3, 4]
    for line in page.evaluate(POINTS):  # the line itself, and the one that a smoother would change
        assert line == [[row.step, pytest.approx(row.value)] for row in rows]
    window.picture(f"chart_{metric.replace('/', '_')}")


def test_a_sweeps_picture_opens(place: Place, window: Window) -> None:
    page = window.show(f"/runs/{place.sweep.info.run_id}/artifacts/learning_curves.png")
    picture = page.locator('img[alt="learning_curves.png"], img[src^="blob:"]').first
    picture.wait_for()
    page.wait_for_function("picture => picture.naturalWidth > 100", arg=picture.element_handle())
    window.picture("sweep_picture")


def test_a_runs_page_tells_its_config_and_result(place: Place, window: Window) -> None:
    page = window.show(f"/runs/{place.run.info.run_id}")
    page.get_by_text("optim.lr", exact=True).first.wait_for()
    page.get_by_text("test/loss", exact=True).first.wait_for()
    window.picture("run")


@pytest.mark.parametrize("which", ["run", "sweep"])
def test_the_report_renders_without_an_error_or_a_request(place: Place, window: Window, which: str) -> None:
    before = set(place.folder.rglob("*.html"))
    run_id = (place.run if which == "run" else place.sweep).info.run_id
    subprocess.run(
        [sys.executable, "-m", "runner", "report", f"{which}={run_id}"], cwd=place.folder, check=True
    )
    (file,) = set(place.folder.rglob("*.html")) - before
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.url))
    window.page.goto(file.as_uri(), wait_until="load", timeout=PATIENCE)
    assert window.page.locator("h1").first.inner_text()
    window.page.wait_for_function("[...document.images].every(picture => picture.naturalWidth > 0)")
    assert window.errors == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    window.picture(f"report_{which}")
