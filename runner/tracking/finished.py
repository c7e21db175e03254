"""Runs that have been there already."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # who only hands these on need not import mlflow
    from mlflow import MlflowClient


@dataclass(frozen=True)
class FinishedRun:
    """A run that went well: its id, its last metrics, and the objective after each epoch."""

    run_id: str
    metrics: Mapping[str, float]
    curve: tuple[float, ...]


def find_finished(
    client: "MlflowClient", experiment_id: str, config_hash: str, objective: str, sweep: str | None = None
) -> FinishedRun | None:
    """The latest FINISHED run of a config; only one of ``sweep``, if that is given."""
    wanted = f"attributes.status = 'FINISHED' and tags.config_hash = '{config_hash}'"
    if sweep is not None:
        wanted += f" and tags.sweep_id = '{sweep}'"
    runs = client.search_runs([experiment_id], wanted, max_results=1, order_by=["attributes.start_time DESC"])
    if not runs:
        return None
    history = client.get_metric_history(runs[0].info.run_id, objective)
    curve = tuple(metric.value for metric in sorted(history, key=lambda metric: metric.step))
    return FinishedRun(runs[0].info.run_id, dict(runs[0].data.metrics), curve)
