"""The pictures of a sweep: which are drawn, and what they show."""

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from runner.pictures.figure import as_png
from runner.sweep.record import JobResult
from runner.sweep.report.pictures import (
    NAMES,
    NothingToDraw,
    drawings,
    heat,
    influence,
    parallel,
    seeds,
)
from runner.sweep.report.report import Report
from tests.sweep.results import failed, finished


def report_of(results: Sequence[JobResult], *keys: str, objective: str = "test/loss") -> Report:
    written = Report(Path(), results, "python -m runner ui", [*keys])
    written.judge(lambda job: {"objective": objective})
    return written


def grid() -> list[JobResult]:
    """What is lost depends on the rate alone; one job has failed."""
    cells = [(lr, beta, seed) for lr in (0.01, 0.1, 1.0) for beta in (0.5, 0.9) for seed in range(3)]
    done = [
        finished(job, f"optim.lr={lr} optim.beta={beta} seed={seed}", 1 / lr + 0.001 * seed)
        for job, (lr, beta, seed) in enumerate(cells)
    ]
    return [*done, failed(len(done), "optim.lr=10 optim.beta=0.9 seed=0")]


def drawn(report: Report) -> tuple[dict[str, bytes], dict[str, str]]:
    pictures, left_out = {}, {}
    for name, draw in drawings(report):
        try:
            pictures[name] = as_png(draw())
        except NothingToDraw as reason:
            left_out[name] = str(reason)
    return pictures, left_out


@pytest.mark.slow
def test_a_grid_over_rates_betas_and_seeds_has_all_pictures() -> None:
    pictures, left_out = drawn(report_of(grid(), "optim.lr", "optim.beta", "seed"))
    assert (tuple(pictures), left_out) == (NAMES, {})
    for picture in pictures.values():
        assert len(picture) < 100_000
        assert min(Image.open(io.BytesIO(picture)).size) > 200


def test_what_a_sweep_has_nothing_to_show_of_is_left_out_with_the_reason() -> None:
    one = report_of([finished(job, f"optim.lr=0.{job}", job + 1.0) for job in range(3)], "optim.lr")
    pictures, left_out = drawn(one)
    assert [*pictures] == ["learning_curves.png", "swept_keys.png"]
    assert left_out == {
        "seeds.png": "no seeds are compared",
        "parallel_coordinates.png": "it takes two keys of several values",
        "heat_map.png": "it takes two keys of several numbers",
        "importance.png": "it takes two keys of several values",
    }


def test_keys_that_tell_nothing_have_no_importance() -> None:
    told = [3, 11, 7, 2, 15, 1, 8, 12, 6, 4, 14, 5, 9, 13, 10, 0]  # which no key knows of
    jobs = [finished(job, f"a={job % 2} b={job // 2 % 2}", float(value)) for job, value in enumerate(told)]
    _, left_out = drawn(report_of(jobs, "a", "b"))
    assert (
        left_out["importance.png"] == "scikit-learn's random forest cannot tell the jobs' order from the keys"
    )


def test_jobs_without_a_number_are_drawn_where_they_can_be() -> None:
    jobs = [
        finished(0, "a=1 b=1", math.inf), finished(1, "a=2 b=1", 1.0), failed(2, "a=1 b=2"),
        finished(3, "a=2 b=2", 2.0),
    ]  # fmt: skip
    report = report_of(jobs, "a", "b")
    texts = [text.get_text() for text in heat(report).axes[0].texts]
    assert texts == ["failed", "1", "failed", "2"]
    labels = [text.get_text() for text in parallel(report).legends[0].get_texts()]
    assert labels == ["a job, the darker the better", "2 without a number", "the best"]


def test_without_any_finite_number_nothing_is_compared() -> None:
    jobs = [finished(job, f"a={job} b={job}", math.inf) for job in range(2)]
    _, left_out = drawn(report_of(jobs, "a", "b"))
    assert left_out["heat_map.png"] == left_out["parallel_coordinates.png"] == "no job has a finite test/loss"


def test_a_single_job_with_a_number_is_a_line() -> None:
    jobs = [finished(job, f"a={job} b={job}", 1.0 if job == 2 else math.inf) for job in range(3)]
    figure = parallel(report_of(jobs, "a", "b"))
    figure.draw_without_rendering()
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["2 without a number", "the best"]


def test_a_job_that_does_not_name_a_key_has_a_place_on_its_axis() -> None:
    report = report_of([finished(0, "a=1 b=x", 1.0), finished(1, "a=2", 2.0)], "a", "b")
    assert "—" in [text.get_text() for text in parallel(report).axes[0].texts]


def test_the_pair_of_most_influence_comes_first() -> None:
    jobs = [
        finished(job, f"idle={job % 3} lr={job // 3} beta={job * 7 % 5}", float(job // 3))
        for job in range(15)
    ]
    first = heat(report_of(jobs, "idle", "beta", "lr")).axes[0]
    assert "lr" in (first.get_xlabel(), first.get_ylabel())
    assert influence([0, 0, 1, 1], [1.0, 2.0, 3.0, 4.0]) == pytest.approx(0.8)
    assert influence([0, 1, 0, 1], [None, 2.0, 3.0, math.nan]) == 1


def test_random_points_are_dots_and_a_grid_is_a_map() -> None:
    points = [finished(job, f"a={job / 7} b={job * 5 % 13}", job + 1.0) for job in range(12)]
    assert not heat(report_of(points, "a", "b")).axes[0].images
    assert heat(report_of(grid()[:-1], "optim.lr", "optim.beta", "seed")).axes[0].images


def test_the_bands_are_mean_and_deviation_over_seeds_that_got_there() -> None:
    stopped = JobResult(**{**vars(finished(2, "lr=1 seed=2", 1.0)), "curve": [4.0]})
    jobs = [finished(0, "lr=1 seed=0", 1.0), finished(1, "lr=1 seed=1", 2.0), stopped]
    axes = seeds(report_of(jobs, "lr", "seed")).axes[0]
    assert np.asarray(axes.lines[0].get_ydata()).tolist() == [pytest.approx(10 / 3), 1.5]
    _, high = axes.collections[0].get_datalim(axes.transData).get_points()
    assert high[1] == pytest.approx(10 / 3 + 2 / math.sqrt(3))


def test_seeds_alone_are_one_band() -> None:
    axes = seeds(report_of([finished(0, "seed=0", 1.0), finished(1, "seed=1", 2.0)], "seed")).axes[0]
    assert len(axes.lines) == 1


@pytest.mark.parametrize("objective", ["test/loss", "test/accuracy"])
def test_the_best_is_on_top_whichever_way_is_better(objective: str) -> None:
    jobs = [finished(job, f"a={job} b={-job}", job / 10) for job in range(4)]
    line = parallel(report_of(jobs, "a", "b", objective=objective)).axes[0].lines[0]
    assert np.asarray(line.get_ydata())[-1] == (0 if objective == "test/loss" else 1)


@pytest.mark.slow
def test_a_thousand_jobs_make_small_pictures() -> None:
    jobs = [
        finished(job, f"lr={10 ** (job % 97 / 20):.4g} optim={'ab'[job % 2]} seed={job % 5}", job + 1.0)
        for job in range(1000)
    ]
    pictures, _ = drawn(report_of(jobs, "lr", "optim", "seed"))
    assert all(len(picture) < 200_000 for picture in pictures.values())
