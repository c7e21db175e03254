"""Results on two data sets are never compared."""

import json
from dataclasses import asdict, replace
from io import StringIO
from pathlib import Path

from rich.console import Console

from runner.sweep.record import JobResult, add_result, read_results
from runner.sweep.report.data_sets import by_data
from runner.sweep.report.note import note_of
from runner.sweep.report.page import About, page_of
from runner.sweep.report.report import Report
from runner.sweep.report.standings import show
from runner.tracking.used_data import UsedData
from tests.sweep.results import failed, finished


def on(job: int, overrides: str, loss: float, digest: str, **settings: object) -> JobResult:
    data = UsedData.of({"type": "csv", "file": "a.csv", "limit": None, **settings}, digest)
    return replace(finished(job, overrides, loss), data=data)


def numbers(*results: JobResult) -> list[list[int]]:
    return [[result.job for result in group] for group in by_data(results)]


def judged(*results: JobResult, keys: list[str]) -> Report:
    report = Report(Path(), results, "runner ui", keys)
    report.judge(lambda job: {"objective": "test/loss" if job.job < 10 else "test/rmse"})
    return report


def test_jobs_of_one_data_set_stand_together() -> None:
    assert numbers(on(0, "seed=0", 1, "d"), on(1, "seed=1", 2, "d")) == [[0, 1]]


def test_another_file_is_another_data_set_however_much_alike() -> None:
    jobs = on(0, "data.file=a.csv", 1, "d"), on(1, "data.file=b.csv", 2, "d", file="b.csv")
    assert numbers(*jobs) == [[0], [1]]


def test_data_that_have_changed_meanwhile_are_another_data_set() -> None:
    assert numbers(on(0, "seed=0", 1, "old"), on(1, "seed=1", 2, "new")) == [[0], [1]]


def test_more_samples_or_other_columns_are_no_other_data_set() -> None:
    jobs = (
        on(0, "data.limit=10", 1, "ten", limit=10),
        on(1, "data.limit=20", 2, "twenty", limit=20),
        on(2, "data.ignore=[x]", 2, "less", ignore=["x"]),
    )
    assert numbers(*jobs) == [[0, 1, 2]]


def test_a_change_is_noticed_where_preparations_are_swept_too() -> None:
    jobs = (
        on(0, "data.limit=10", 1, "ten", limit=10),
        on(1, "data.limit=20", 2, "twenty", limit=20),
        on(2, "data.limit=10 seed=1", 2, "ten of others", limit=10),
    )
    assert numbers(*jobs) == [[0], [1], [2]]


def test_jobs_that_did_not_come_to_data_are_ranked_last_where_there_is_one_ranking() -> None:
    assert numbers(on(0, "seed=0", 1, "d"), failed(1, "seed=1")) == [[0, 1]]
    assert numbers(finished(0, "seed=0", 1), failed(1, "seed=1")) == [[0, 1]], "of an earlier version"


def test_each_data_set_has_its_best_and_its_objective() -> None:
    report = judged(
        on(0, "data.file=a.csv seed=0", 3, "a"),
        on(1, "data.file=a.csv seed=1", 2, "a"),
        on(10, "data.file=b.csv seed=0", 1, "b", file="b.csv"),
        keys=["data.file"],
    )
    assert report.best is None
    assert [(each.title, each.best.job, each.objective) for each in report.standings] == [
        ("data.file=a.csv", 1, "test/loss"),
        ("data.file=b.csv", 10, "test/rmse"),
    ]


def test_every_report_ranks_them_apart() -> None:
    report = judged(
        on(0, "seed=0", 2, "0123456789abcdef"), on(1, "seed=1", 1, "fedcba9876543210"), keys=["seed"]
    )
    file = StringIO()
    show(report, Console(file=file, width=200))
    note = note_of(report, "1", [])
    page = page_of(report, About("sweep", "id", "FINISHED"), {})
    for text in (file.getvalue(), note, page):
        assert text.count("digest 01234567…") == 1
        assert text.count("digest fedcba98…") == 1
    assert "2 data sets, which are not compared" in file.getvalue()
    assert "rerun=run0" in file.getvalue()
    assert "rerun=run1" in file.getvalue()


def test_the_data_of_a_job_are_read_back(tmp_path: Path) -> None:
    result = on(0, "seed=0", 1, "d")
    add_result(tmp_path, result)
    line = {key: value for key, value in asdict(result).items() if key != "data"} | {"job": 1}
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    assert [each.data for each in read_results(tmp_path)] == [result.data, None]


def test_a_store_names_data_as_a_job_does() -> None:
    settings = {"type": "csv", "file": "a.csv", "root": "/here", "limit": 5}
    elsewhere = json.dumps({**settings, "root": "/there"})
    assert UsedData.of(settings, "d") == UsedData.stored("csv", elsewhere, "d")
    assert UsedData.stored("other", "s3://bucket", "d").name == "other"
