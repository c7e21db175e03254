"""A sweep's results as tables, and which of them is best."""

import csv
import io
import json
import math

import pytest

from runner.sweep.record import JobResult
from runner.sweep.report.table import Table, cells, in_typed_order, ranking, seeds, values_of
from tests.sweep.results import failed, finished


def read(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.to_csv())))


def test_keys_stand_in_the_order_typed() -> None:
    results = [finished(0, "optim=sgd +model.layers.l1.bias=true seed=0", 1.0)]
    assert in_typed_order({"seed", "model.layers.l1.bias"}, results) == ["model.layers.l1.bias", "seed"]


def test_a_value_is_told_as_typed_without_the_plus() -> None:
    result = finished(0, "+model.layers.l1.init={type:normal,std:0.1} optim.lr=1e-3", 1.0)
    assert values_of(result, ["optim.lr", "model.layers.l1.init", "seed"]) == {
        "optim.lr": "1e-3",
        "model.layers.l1.init": "{type:normal,std:0.1}",
    }


def test_a_row_a_job_by_its_number_with_values_metrics_and_what_became_of_it() -> None:
    table = cells([failed(1, "optim.lr=9", "too, much"), finished(0, "optim.lr=0.1", 0.25)], ["optim.lr"])
    assert table.columns == [
        "job", "status", "optim.lr", "train/loss", "test/loss", "test/accuracy", "best/epoch", "lr",
        "run_id", "reason",
    ]  # fmt: skip
    first, second = read(table)
    assert (first["job"], first["status"], first["test/loss"], first["run_id"]) == (
        "0", "FINISHED", "0.25", "run0",
    )  # fmt: skip
    assert (second["status"], second["test/loss"], second["reason"]) == ("FAILED", "", "too, much")


def test_numbers_lose_no_digit() -> None:
    (row,) = read(cells([finished(0, "seed=0", 1 / 3)], ["seed"]))
    assert float(row["test/loss"]) == 1 / 3


def test_mlflows_table_is_json_that_a_browser_reads() -> None:
    table = json.loads(Table(["a", "b"], [[math.nan, "x"], [math.inf, None]]).to_mlflow())
    assert table == {"columns": ["a", "b"], "data": [[None, "x"], [None, None]]}


def test_seeds_are_averaged_and_failures_counted() -> None:
    results = [
        finished(0, "optim.lr=0.1 seed=0", 1.0), finished(1, "optim.lr=0.1 seed=1", 2.0),
        finished(2, "optim.lr=0.2 seed=0", 5.0), failed(3, "optim.lr=0.2 seed=1"),
        failed(4, "optim.lr=0.3 seed=0"),
    ]  # fmt: skip
    both, one, none = read(seeds(results, ["optim.lr", "seed"]))
    assert (both["optim.lr"], both["n"], both["not_finished"]) == ("0.1", "2", "0")
    assert float(both["test/loss mean"]) == 1.5
    assert float(both["test/loss std"]) == pytest.approx(math.sqrt(0.5))
    assert (one["n"], one["not_finished"], one["test/loss mean"], one["test/loss std"]) == (
        "1",
        "1",
        "5.0",
        "",
    )
    assert (none["n"], none["test/loss mean"]) == ("0", "")


def test_seeds_alone_are_one_row() -> None:
    (row,) = read(seeds([finished(0, "seed=0", 1.0), finished(1, "seed=1", 3.0)], ["seed"]))
    assert (row["n"], row["test/loss mean"]) == ("2", "2.0")


@pytest.mark.parametrize(("objective", "order"), [("test/loss", [1, 0, 2]), ("test/accuracy", [2, 0, 1])])
def test_a_loss_is_better_smaller_and_all_else_larger(objective: str, order: list[int]) -> None:
    results = [finished(job, f"optim.lr={job}", value) for job, value in enumerate((0.5, 0.2, 0.9))]
    assert [cell.members[0].job for cell in ranking(results, ["optim.lr"], objective)] == order


def test_what_has_no_number_comes_last() -> None:
    results = [failed(0, "optim.lr=0"), finished(1, "optim.lr=1", math.nan), finished(2, "optim.lr=2", 1.0)]
    assert [cell.members[0].job for cell in ranking(results, ["optim.lr"], "test/loss")] == [2, 1, 0]


def test_beside_other_keys_the_mean_over_seeds_decides() -> None:
    results = [
        finished(0, "optim.lr=0.1 seed=0", 0.1), finished(1, "optim.lr=0.1 seed=1", 0.9),
        finished(2, "optim.lr=0.2 seed=0", 0.3), finished(3, "optim.lr=0.2 seed=1", 0.2),
    ]  # fmt: skip
    first, second = ranking(results, ["optim.lr", "seed"], "test/loss")
    assert (first.values, first.mean, first.best("test/loss").job) == ({"optim.lr": "0.2"}, 0.25, 3)
    assert second.std == pytest.approx(math.sqrt(0.32))


def test_seeds_alone_are_ranked_one_by_one() -> None:
    results = [finished(0, "seed=0", 0.5), finished(1, "seed=1", 0.2)]
    assert [cell.values for cell in ranking(results, ["seed"], "test/loss")] == [{"seed": "1"}, {"seed": "0"}]


def test_a_group_of_one_or_without_finite_numbers_has_no_deviation() -> None:
    results = [finished(job, f"optim.lr=1 seed={job}", math.inf) for job in range(2)]
    (cell,) = ranking(results, ["optim.lr", "seed"], "test/loss")
    assert (cell.mean, cell.std) == (math.inf, None)


def test_no_results_are_an_empty_table() -> None:
    nothing: list[JobResult] = []
    assert cells(nothing, []).to_csv() == "job,status,run_id,reason\n"
    assert ranking(nothing, [], "test/loss") == []


def test_what_was_typed_is_no_formula_of_a_spreadsheets_and_names_no_secret() -> None:
    typed = [f"model.name=@SUM(A{job})" for job in range(2)]
    results = [
        JobResult(job, [each, "data.root='https://h/?token=it s'"], "FAILED", f"=1+{job} http://me:hush@h")
        for job, each in enumerate(typed)
    ]
    rows = list(csv.DictReader(io.StringIO(cells(results, ["model.name", "data.root"]).to_csv())))
    assert [row["model.name"] for row in rows] == ["'@SUM(A0)", "'@SUM(A1)"]
    assert {row["data.root"] for row in rows} == {"'https://h/?token=***'"}
    assert [row["reason"] for row in rows] == ["'=1+0 http://***@h", "'=1+1 http://***@h"]
