"""The lines in which a sweep's jobs say how they ended."""

from pathlib import Path

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
