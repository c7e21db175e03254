"""What a store gives back of a run's metrics is what was logged."""

import math
from pathlib import Path

import pytest
from mlflow import MlflowClient

from runner.tracking.lookup import as_measured, metrics_of


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e300, -0.5, 0.0])
def test_infinity_comes_back_from_a_store_as_infinity(
    value: float, ready_store: Path, tmp_path: Path
) -> None:
    store = tmp_path / "mlflow.db"
    store.write_bytes(ready_store.read_bytes())
    client = MlflowClient(f"sqlite:///{store}")
    run = client.create_run("0")
    client.log_metric(run.info.run_id, "test/loss", value, step=1)
    assert metrics_of(client.get_run(run.info.run_id)) == {"test/loss": value}
    (row,) = client.get_metric_history(run.info.run_id, "test/loss")
    assert as_measured(row.value) == value


def test_no_number_stays_none() -> None:
    assert math.isnan(as_measured(math.nan))
