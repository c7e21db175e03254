"""Runs that are in a store already: by their id, or by as much of its beginning as no other has."""

import math

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from runner.config import sqlite_uri
from runner.errors import RunnerError, TrackingError
from runner.process.masking import masked_value
from runner.tracking.store import connect, told_as_tracking_error

NO_SUCH_RUN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""What MLflow says of an id that no run has, or that can be none."""

TOLD = 3
"""So many of those that an id's beginning may mean are named."""


LARGEST = 1.797e308
"""MLflow's SQL stores write the largest number there is, or a little less, in place of infinity."""


def as_measured(value: float) -> float:
    """A metric as it was logged, infinity included."""
    return math.copysign(math.inf, value) if abs(value) >= LARGEST else value


def metrics_of(run: Run) -> dict[str, float]:
    """The last value of each of a run's metrics."""
    return {name: as_measured(value) for name, value in run.data.metrics.items()}


def existing_store(uri: str) -> MlflowClient:
    """A client of a store, which has to be there.

    Raises:
        TrackingError: if it is not, or cannot be used.
    """
    path = sqlite_uri.to_path(uri)
    if path is not None and not path.exists():
        raise TrackingError(f"tracking.uri: there is no store '{masked_value(uri)}'")
    return connect(uri)


def find_run(client: MlflowClient, named: str) -> Run:
    """The run that is meant.

    Raises:
        TrackingError: if the store cannot be read.
        RunnerError: if it has no such run, or several whose ids begin so.
    """
    uri = str(client.tracking_uri)
    with told_as_tracking_error(uri):
        try:
            return client.get_run(named)
        except MlflowException as error:
            if error.error_code not in NO_SUCH_RUN:
                raise
            found = beginning_with(client, named) if named.isalnum() else []
            if not found:
                raise RunnerError(f"run: there is no run '{named}' in {masked_value(uri)}") from error
        if len(found) > 1:
            told = ", ".join(found[:TOLD]) + (", …" if len(found) > TOLD else "")
            raise RunnerError(f"run: '{named}' is how several ids begin: {told}")
        return client.get_run(found[0])


def beginning_with(client: MlflowClient, prefix: str) -> list[str]:
    """The ids that begin so, one more than are told of at most. Raises what MLflow raises."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    found = client.search_runs(experiments, f"attributes.run_id LIKE '{prefix}%'", max_results=TOLD + 1)
    return sorted(run.info.run_id for run in found)
