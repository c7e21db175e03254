"""What a sweep came to, or has come to so far, as the store tells it."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow import MlflowClient
from mlflow.entities import Run

from runner.config.compose import SWEEP_RECORD, recorded_keys
from runner.reports.page import duration, moment
from runner.sweep.callback import RESULTS
from runner.sweep.record import PRUNED, JobResult, read_results
from runner.sweep.report.page import About
from runner.sweep.report.report import Report
from runner.sweep.report.table import in_typed_order
from runner.tracking.artifacts import Artifacts
from runner.tracking.finished import data_of, jobs_of
from runner.tracking.location import Location
from runner.tracking.lookup import as_measured, metrics_of
from runner.tracking.store import told_as_tracking_error
from runner.trained.run import TrainedRun

DIGITS = 9
"""Of the largest number of a job or an epoch."""


def report_of(sweep: TrainedRun) -> Report:
    """The report of a sweep by its parent run.

    Raises:
        TrackingError: if the store can't be read.
    """
    client, info = sweep.client, sweep.run.info
    location = Location(str(client.tracking_uri), info.experiment_id, sweep.run_id)
    with told_as_tracking_error(location.uri), TemporaryDirectory() as folder:
        artifacts = Artifacts(client, info.artifact_uri)
        files = {entry.path for entry in artifacts.list()}
        for name in files & {SWEEP_RECORD, RESULTS}:
            artifacts.download(name, folder)
        record = Path(folder) / SWEEP_RECORD
        swept = sorted(recorded_keys(record)) if record.exists() else []
        has_ended = info.status != "RUNNING" and RESULTS in files
        if has_ended:
            results = read_results(Path(folder))
        else:
            results = results_of(client, jobs_of(client, info.experiment_id, sweep.run_id), swept)
        report = Report(Path(folder), results, location.how_to_look, in_typed_order(swept, results))
        report.judge(partial(known_of, client))
    return report


def known_of(client: MlflowClient, job: JobResult) -> Mapping[str, str]:
    """The objective of a job that went well, and its tags. Raises what MLflow raises."""
    data = client.get_run(str(job.run_id)).data
    return {"objective": data.params["objective"], **data.tags}


def results_of(client: MlflowClient, jobs: Sequence[Run], keys: Sequence[str]) -> list[JobResult]:
    """What the jobs' own runs tell, where the sweep has told nothing yet. Raises what MLflow raises."""
    results: list[JobResult] = []
    for run in jobs:
        data, objective, metrics = run.data, run.data.params.get("objective", ""), metrics_of(run)
        rows = client.get_metric_history(run.info.run_id, objective) if objective in data.metrics else []
        job = number_in(run, "job")
        overrides = [f"{key}={value}" for key in keys if (value := value_in(run, key)) is not None]
        results.append(
            JobResult(
                len(results) if job is None else job,
                overrides,
                run.info.status,
                data.tags.get("failure"),
                run.info.run_id,
                metrics.get(objective),
                metrics,
                [as_measured(row.value) for row in sorted(rows, key=lambda row: row.step)],
                number_in(run, PRUNED),
                data_of(run),
            )
        )
    return sorted(results, key=lambda result: result.job)


def number_in(run: Run, tag: str) -> int | None:
    """A tag's number; None where there is no such tag, or somebody has made something else of it."""
    text = run.data.tags.get(tag, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else None


def value_in(run: Run, key: str) -> str | None:
    """A key's value in a run: a parameter, or of a group the component's name."""
    params, tags = run.data.params, run.data.tags
    return params.get(key) or tags.get(key) or params.get(f"{key}.type")


def about(sweep: TrainedRun) -> About:
    """Which sweep it is."""
    info, tags = sweep.run.info, sweep.run.data.tags
    facts = {
        "started": moment(info.start_time),
        "took": duration(info.start_time, info.end_time),
        "started by": tags.get("command", ""),
        "commit": tags.get("git_commit", ""),
        "versions": tags.get("versions", ""),
        "why it ended": tags.get("failure", ""),
    }
    return About(info.run_name, sweep.run_id, info.status, facts)
