"""The lines in which a sweep's jobs say how they ended."""

import json
from pathlib import Path

import pytest

from runner.errors import ConfigError
from runner.sweep.callback import RESULTS
from runner.sweep.record import JobResult, add_result, read_results


def test_what_jobs_came_to_is_read_in_their_order(tmp_path: Path) -> None:
    first = JobResult(0, ["seed=0"], "FAILED", "loss is nan", curve=[])
    second = JobResult(1, ["seed=1"], "FINISHED", run_id="abc", metrics={"test/loss": 0.5}, curve=[0.7, 0.5])
    add_result(tmp_path, second)
    add_result(tmp_path, first)
    assert read_results(tmp_path) == [first, second]


def test_half_a_line_of_a_killed_process_is_no_result_and_spoils_none(tmp_path: Path) -> None:
    first, second = (JobResult(job, [f"seed={job}"], "FINISHED", curve=[0.5] * 3000) for job in range(2))
    add_result(tmp_path, first)
    file = tmp_path / RESULTS
    whole = file.read_bytes()
    for cut in (1, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole + whole[:cut])
        assert read_results(tmp_path) == [first]
        add_result(tmp_path, second)
        assert read_results(tmp_path) == [first, second]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("garbage", "line 2: Invalid JSON"),
        ("[1]", "line 2: Input should be"),
        ('{"job": 0}', "line 2, overrides: Field required"),
        (
            '{"job": "0", "overrides": [], "status": "FINISHED"}',
            "line 2, job: Input should be a valid int",
        ),
        ('{"job": 0, "overrides": 3, "status": "FINISHED"}', "line 2, overrides: Input should be"),
        ('{"job": 0, "overrides": [], "status": "DONE"}', "line 2, status: Input should be 'FINISHED'"),
        (
            json.dumps({"job": 0, "overrides": [], "status": "FINISHED", "metrics": {"test/loss": "nan"}}),
            "line 2, metrics.test/loss: Input should be a valid number",
        ),
    ],
)
def test_a_line_that_is_no_result_is_named(tmp_path: Path, line: str, expected: str) -> None:
    add_result(tmp_path, JobResult(0, ["seed=0"], "FINISHED", curve=[0.5]))
    with (tmp_path / RESULTS).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(ConfigError, match=f"{RESULTS}: {expected}"):
        read_results(tmp_path)


def test_numbers_that_are_not_finite_are_read_as_they_were(tmp_path: Path) -> None:
    result = JobResult(0, ["seed=0"], "FAILED", objective=float("inf"), curve=[1.0, float("-inf")])
    add_result(tmp_path, result)
    assert read_results(tmp_path) == [result]
