"""The table says what the model that is kept takes for what, whichever way it was trained."""

import csv
from collections.abc import Mapping

import pytest
import sklearn.metrics as reference
import torch

from runner.sweep.blocks import train_block, with_parameters
from runner.sweep.jobs import Job
from runner.sweep.planning.lanes import Stop
from runner.training.confusion import confusion_tables, count
from tests.sweep.composed import Heard, data_of, jobs_of

pytestmark = pytest.mark.usefixtures("one_thread")

WANTED = "train.metrics=[confusion_matrix] data.val=0.2 train.epochs=3 model.layers.l1.out_features=16"


def tables_of(jobs: list[Job]) -> list[dict[str, str]]:
    """The tables that jobs of one block leave."""
    heard = Heard()
    train_block(jobs, data_of(jobs[0]), heard.progress(), Stop())
    assert [heard.results[job.number].status for job in jobs] == ["FINISHED"] * len(jobs)
    return [texts_in(heard.ends[job.number].files) for job in jobs]


def texts_in(files: Mapping[str, str | bytes]) -> dict[str, str]:
    return {name: content for name, content in files.items() if isinstance(content, str)}


def parsed(text: str) -> list[list[int]]:
    heading, *rows = csv.reader(text.splitlines())
    assert heading[:3] == ["class", "taken for 0", "taken for 1"]
    assert [row[0] for row in rows] == [str(place) for place in range(10)]
    return [[int(value) for value in row[1:]] for row in rows]


def test_its_rows_are_the_classes_and_its_columns_what_they_are_taken_for() -> None:
    (job,) = jobs_of([WANTED])
    parts, data = with_parameters(job), data_of(job)
    tables = confusion_tables(parts.model, parts.store, data)
    assert list(tables) == ["confusion_matrix_val.csv", "confusion_matrix_test.csv"]
    with torch.inference_mode():
        called = parts.model.forward(parts.store, data.test.inputs).argmax(-1)
    expected = reference.confusion_matrix(data.test.targets, called, labels=range(10))
    assert parsed(tables["confusion_matrix_test.csv"]) == expected.tolist()


def test_it_covers_more_samples_than_one_pass_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    (job,) = jobs_of([WANTED])
    parts, test = with_parameters(job), data_of(job).test
    whole = count(parts.model, parts.store, test)
    monkeypatch.setattr("runner.training.loop.EVALUATION_ROWS", 100)
    assert torch.equal(count(parts.model, parts.store, test), whole)
    assert whole.sum() == len(test)


@pytest.mark.parametrize("common", ["", "train.average=0.9", "train.restore_best=true"])
def test_members_of_a_stack_leave_what_they_would_leave_alone(common: str) -> None:
    jobs = jobs_of(["seed=0", "seed=1 optim.lr=0.1"], f"{WANTED} {common}")
    together = tables_of(jobs)
    assert together[0] != together[1]
    for job, tables in zip(jobs, together, strict=True):
        (by_itself,) = tables_of([job])
        for name, table in by_itself.items():
            differ = torch.tensor(parsed(table)) - torch.tensor(parsed(tables[name]))
            assert differ.abs().sum() <= 4, "two samples, by rounding"


def test_nothing_is_left_that_is_not_wanted() -> None:
    assert tables_of(jobs_of(["train.epochs=1"])) == [{}]
