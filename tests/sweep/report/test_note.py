"""The Markdown on top of a sweep's page in MLflow."""

from runner.sweep.report.note import NOTE_LENGTH, note_of, plain
from tests.sweep.report.test_pictures import report_of
from tests.sweep.results import failed, finished


def test_the_note_tells_what_was_swept_the_ranking_the_command_and_the_files() -> None:
    jobs = [finished(0, "optim=sgd", 0.5), finished(1, "optim=momentum", 0.25), failed(2, "optim=adam")]
    assert note_of(report_of(jobs, "optim"), "7", ["report.html", "cells.csv"]).splitlines() == [
        "3: 2 finished, 1 failed.",
        "- **optim**: sgd, momentum, adam",
        "",
        "By `test/loss`, smaller is better:",
        "",
        "|  | optim | test/loss | job |",
        "| ---: | --- | ---: | ---: |",
        "| 1 | momentum | 0.25 | 1 |",
        "| 2 | sgd | 0.5 | 0 |",
        "| 3 | adam | FAILED | 2 |",
        "",
        "The best is [job 1](#/experiments/7/runs/run1). To run it again:",
        "",
        "```sh",
        "python -m runner rerun=run1",
        "```",
        "",
        "Among the artifacts: `report.html`, `cells.csv`.",
    ]


def test_values_are_no_markup_and_many_keys_fit() -> None:
    assert plain("a|b\n<b>*x*</b>") == r"a\|b \<b\>\*x\*\</b\>"
    keys = [f"model.layers.a_rather_long_name_{key}.out_features" for key in range(12)]
    jobs = [finished(job, " ".join(f"{key}={'[' * 90}{job}" for key in keys), job + 1.0) for job in range(12)]
    note = note_of(report_of(jobs, *keys), "7", ["report.html"])
    assert len(note) <= NOTE_LENGTH
    assert "rerun=run0" in note
