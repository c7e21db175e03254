"""A store that is slow, or lets nobody in for a while, gets every row; none is FINISHED without them."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from mlflow.exceptions import MlflowException
from mlflow.utils.rest_utils import verify_rest_response

from runner.config.plain import Plain
from runner.process.launch import Launch
from runner.tracking import delivery, sender
from runner.tracking.events import VANISHED
from runner.tracking.store import is_refused, is_unreachable
from runner.tracking.tracked_run import TrackedRun
from runner.tracking.tracker import Tracker
from tests.config.test_check import plain
from tests.conftest import client_of, runs_in


@pytest.fixture
def config(in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plain:
    monkeypatch.setattr(delivery, "INTERVAL", 0.05)
    return plain()


def answer(status: int, body: str = "no") -> MlflowException:
    """What MLflow's client makes of a server's reply."""
    reply = requests.Response()
    reply.status_code, reply._content = status, body.encode()
    with pytest.raises(MlflowException) as error:
        verify_rest_response(reply, "/api/2.0/mlflow/runs/log-batch")
    return error.value


def launch(folder: Path) -> Launch:
    return Launch(folder, "mlp", (), "command")


def report(config: Plain, folder: Path, steps: range, run_id: str | None = None) -> None:
    with Tracker(config, launch(folder), {}, run_id) as tracker:
        for step in steps:
            tracker.metrics({"train/loss": step / 2}, step)


def losses(folder: Path) -> list[tuple[int, float]]:
    (run,) = runs_in(folder)
    rows = client_of(folder).get_metric_history(run.info.run_id, "train/loss")
    return sorted((row.step, row.value) for row in rows)


def failing(
    monkeypatch: pytest.MonkeyPatch, method: str, before: Callable[[int], None], owner: type = TrackedRun
) -> None:
    """Have a method do something first, told how often it has been called."""
    original, calls = getattr(owner, method), [0]

    def called(*arguments: object) -> object:
        calls[0] += 1
        before(calls[0])
        return original(*arguments)

    monkeypatch.setattr(owner, method, called)


@pytest.mark.parametrize("status", [401, 403, 408, 409, 425, 429, 499, 500, 502, 503, 504])
def test_what_a_server_may_take_back_is_no_refusal(status: int) -> None:
    assert not is_refused(answer(status))
    assert not is_unreachable(answer(status)), "somebody has answered"


@pytest.mark.parametrize(
    ("code", "refused"),
    [
        ("UNAUTHENTICATED", False),
        ("PERMISSION_DENIED", False),
        ("REQUEST_LIMIT_EXCEEDED", False),
        ("TEMPORARILY_UNAVAILABLE", False),
        ("INTERNAL_ERROR", False),
        ("INVALID_PARAMETER_VALUE", True),
        ("RESOURCE_DOES_NOT_EXIST", True),
    ],
)
def test_mlflows_own_words_are_understood(code: str, refused: bool) -> None:
    assert is_refused(answer(400, json.dumps({"error_code": code, "message": ""}))) == refused


def test_a_server_that_lets_nobody_in_for_a_while_gets_every_row_from_the_run(
    config: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def shut(call: int) -> None:
        if 2 <= call <= 5:
            raise answer((401, 403, 425, 429)[call - 2])

    failing(monkeypatch, "log", shut)
    report(config, tmp_path, range(1, 301))
    assert losses(tmp_path) == [(step, step / 2) for step in range(1, 301)]
    assert runs_in(tmp_path)[0].info.status == "FINISHED"
    assert "sync" not in capsys.readouterr().err


def test_a_store_that_only_takes_long_is_waited_for(
    config: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """However long one event takes, as the upload of a model does."""
    for name in ("START_PATIENCE", "END_PATIENCE", "LOCK_PATIENCE"):
        monkeypatch.setattr(delivery, name, 0.5)
    failing(monkeypatch, "leave", lambda _: time.sleep(1.5))
    report(config, tmp_path, range(1, 4))
    assert runs_in(tmp_path)[0].info.status == "FINISHED"
    assert capsys.readouterr().err == ""


def test_a_store_that_keeps_failing_is_given_up_and_its_run_is_not_finished(
    config: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(delivery, "END_PATIENCE", 0.5)

    def shut(call: int) -> None:
        if call > 1:
            raise answer(401)

    failing(monkeypatch, "log", shut)
    report(config, tmp_path, range(1, 4))
    assert runs_in(tmp_path)[0].info.status == "RUNNING"
    assert "to send them: python -m runner sync" in capsys.readouterr().err


def test_what_fails_in_a_run_that_goes_on_is_sent_again(
    config: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(config, tmp_path, range(1, 4))
    run_id = runs_in(tmp_path)[0].info.run_id

    def shut(call: int) -> None:
        if call in (2, 3):
            raise answer(503)

    failing(monkeypatch, "log", shut)
    report(config, tmp_path, range(3, 7), run_id)
    assert losses(tmp_path) == [(step, step / 2) for step in range(1, 7)]


def test_what_goes_wrong_with_other_runs_ends_no_delivery(
    config: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: int) -> None:
        raise answer(404, json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": ""}))

    failing(monkeypatch, "end_vanished", gone, sender.Sender)
    report(config, tmp_path, range(1, 4))
    assert losses(tmp_path) == [(1, 0.5), (2, 1.0), (3, 1.5)]
    assert runs_in(tmp_path)[0].info.status == "FINISHED"


def test_a_run_that_was_taken_for_dead_and_ends_well_has_no_failure(config: Plain, tmp_path: Path) -> None:
    client = client_of(tmp_path)
    with Tracker(config, launch(tmp_path), {}) as tracker:
        client.set_tag(tracker.location.run_id, "failure", VANISHED)
        client.set_terminated(tracker.location.run_id, "KILLED")
    (run,) = runs_in(tmp_path)
    assert (run.info.status, run.data.tags.get("failure")) == ("FINISHED", None)


def test_a_run_that_failed_and_ends_well_later_keeps_no_traceback(config: Plain, tmp_path: Path) -> None:
    def failed() -> None:
        with Tracker(config, launch(tmp_path), {}):
            raise ZeroDivisionError

    def artifacts() -> set[str]:
        return {file.path for file in client_of(tmp_path).list_artifacts(runs_in(tmp_path)[0].info.run_id)}

    with pytest.raises(ZeroDivisionError):
        failed()
    assert "traceback.txt" in artifacts()
    report(config, tmp_path, range(1, 2), runs_in(tmp_path)[0].info.run_id)
    assert artifacts() == {"config.yaml"}
    assert not (tmp_path / "traceback.txt").exists()


def test_a_run_whose_experiment_has_another_name_by_now_goes_on_in_it(config: Plain, tmp_path: Path) -> None:
    report(config, tmp_path, range(1, 3))
    (run,) = runs_in(tmp_path)
    client = client_of(tmp_path)
    client.rename_experiment(run.info.experiment_id, "renamed")
    report(config, tmp_path, range(2, 4), run.info.run_id)
    assert {experiment.name for experiment in client.search_experiments()} == {"Default", "renamed"}
    assert client.get_run(run.info.run_id).data.metrics == {"train/loss": 1.5}


def test_a_first_write_that_was_torn_leaves_no_run_without_its_parameters(
    config: Plain, tmp_path: Path
) -> None:
    config["tracking"]["offline"] = True
    report(config, tmp_path, range(1, 2))
    content = (tmp_path / "events.jsonl").read_bytes()
    first = content.splitlines(keepends=True)[0]
    assert all(f'"kind": "{kind}"'.encode() in first for kind in ("begun", "params", "note", "files"))
    assert content.count(b'"kind": "params"') == 1
