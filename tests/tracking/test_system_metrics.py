"""System metrics are told of while a run lasts, as MLflow names them."""

import time
from collections.abc import Mapping

import pytest

from runner.tracking import system_metrics
from runner.tracking.system_metrics import SystemMetrics

Told = list[tuple[dict[str, float], int]]


def now() -> int:
    return int(time.time() * 1000)


def watched(choice: bool, seconds: float, began: int) -> Told:
    told: Told = []

    def tell(values: Mapping[str, float], step: int) -> None:
        told.append((dict(values), step))

    system = SystemMetrics(choice or "auto", tell, began)
    time.sleep(seconds)
    system.stop()
    return told


def test_what_is_sampled_has_mlflows_names_and_sensible_values() -> None:
    ((values, step),) = watched(choice=True, seconds=0.2, began=now() - 7000)
    assert values.keys() >= {
        "system/cpu_utilization_percentage", "system/system_memory_usage_megabytes",
        "system/system_memory_usage_percentage", "system/disk_usage_percentage",
        "system/network_receive_megabytes",
    }  # fmt: skip
    assert 0 <= values["system/cpu_utilization_percentage"] <= 100
    assert 0 < values["system/system_memory_usage_percentage"] < 100
    assert step in (7, 8), "seconds since the run began"


def test_of_a_short_run_nothing_is_told_unless_it_is_asked_for() -> None:
    assert watched(choice=False, seconds=0.1, began=now()) == []


def test_a_longer_run_is_sampled_again_and_again_and_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_metrics, "FEW_SECONDS", 0.1)
    monkeypatch.setattr(system_metrics, "INTERVAL", 0.2)
    told = watched(choice=False, seconds=0.8, began=now())
    assert len(told) >= 3
    assert all(values.keys() == told[0][0].keys() for values, _ in told)


def test_a_journal_that_can_not_be_written_ends_the_sampling_with_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(values: Mapping[str, float], step: int) -> None:
        raise OSError(28, "No space left on device")

    SystemMetrics(True, full, now()).stop()
    assert "system metrics could not be reported: [Errno 28] No space left on device" in caplog.text
