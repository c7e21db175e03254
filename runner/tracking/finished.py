"""Runs that have been there already."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.tracking.events import FOLDER
from runner.tracking.used_data import UsedData

if TYPE_CHECKING:  # who only hands these on need not import mlflow
    from mlflow import MlflowClient
    from mlflow.entities import Run


@dataclass(frozen=True)
class FinishedRun:
    """A run that went well: its id, its last metrics, the objective after each epoch, and its data."""

    run_id: str
    metrics: Mapping[str, float]
    curve: tuple[float, ...]
    data: UsedData | None = None


@dataclass(frozen=True)
class InterruptedRun:
    """A run that was stopped, or whose process has gone: its id, its folder and its data."""

    run_id: str
    folder: Path
    data: UsedData | None = None


def data_of(run: "Run") -> UsedData | None:
    """What a run has used; None if it did not come to that."""
    inputs = run.inputs.dataset_inputs if run.inputs else []
    if not inputs:
        return None
    data = inputs[0].dataset
    return UsedData.stored(data.name, data.source, data.digest)


def find_unfinished(
    client: "MlflowClient", experiment_id: str, sweep: str
) -> tuple[dict[str, InterruptedRun], frozenset[str]]:
    """The runs of a sweep that were interrupted, and those that FAILED, by the hashes of their configs.

    Raises what MLflow raises.
    """
    interrupted: dict[str, InterruptedRun] = {}
    for run in runs_of(client, experiment_id, sweep, "RUNNING") + runs_of(
        client, experiment_id, sweep, "KILLED"
    ):
        tags = run.data.tags
        if "config_hash" in tags and Path(tags.get(FOLDER, "")).is_absolute():
            interrupted[tags["config_hash"]] = InterruptedRun(
                run.info.run_id, Path(tags[FOLDER]), data_of(run)
            )
    failed = runs_of(client, experiment_id, sweep, "FAILED")
    return interrupted, frozenset(run.data.tags.get("config_hash", "") for run in failed)


def runs_of(client: "MlflowClient", experiment_id: str, sweep: str, status: str) -> "list[Run]":
    """All runs of a sweep that have a status. Raises what MLflow raises."""
    return search(client, experiment_id, f"attributes.status = '{status}' and tags.sweep_id = '{sweep}'")


def jobs_of(client: "MlflowClient", experiment_id: str, sweep: str) -> "list[Run]":
    """All runs that are jobs of a sweep. Raises what MLflow raises."""
    return search(client, experiment_id, f"tags.`mlflow.parentRunId` = '{sweep}'")


def search(client: "MlflowClient", experiment_id: str, wanted: str) -> "list[Run]":
    """All runs that a filter lets through, however many. Raises what MLflow raises."""
    page = client.search_runs([experiment_id], wanted)
    runs = list(page)
    while page.token:
        page = client.search_runs([experiment_id], wanted, page_token=page.token)
        runs += page
    return runs


def find_finished(
    client: "MlflowClient", experiment_id: str, config_hash: str, objective: str, sweep: str | None = None
) -> FinishedRun | None:
    """The latest FINISHED run of a config; only one of ``sweep``, if that is given."""
    from runner.tracking.lookup import as_measured, metrics_of  # imports mlflow

    wanted = f"attributes.status = 'FINISHED' and tags.config_hash = '{config_hash}'"
    if sweep is not None:
        wanted += f" and tags.sweep_id = '{sweep}'"
    runs = client.search_runs([experiment_id], wanted, max_results=1, order_by=["attributes.start_time DESC"])
    if not runs:
        return None
    history = client.get_metric_history(runs[0].info.run_id, objective)
    curve = tuple(as_measured(metric.value) for metric in sorted(history, key=lambda metric: metric.step))
    return FinishedRun(runs[0].info.run_id, metrics_of(runs[0]), curve, data_of(runs[0]))
