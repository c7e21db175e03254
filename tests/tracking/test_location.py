"""What a user is told to type or open to see a run."""

from pathlib import Path

import pytest

from runner.config import sqlite_uri
from runner.tracking.location import Location


def hint(uri: str) -> str:
    return Location(uri, "1", "abc").how_to_look


def test_the_usual_store_needs_no_name(in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert hint(sqlite_uri.from_path(in_tmp_path / "outputs" / "mlflow.db")) == "python -m runner ui"


def test_the_store_that_the_environment_names_needs_no_name(
    in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other.db")
    assert hint("sqlite:///other.db") == "python -m runner ui"


def test_a_store_that_the_ui_would_not_open_by_itself_is_named(
    in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = sqlite_uri.from_path(in_tmp_path / "outputs" / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other.db")
    assert hint(usual) == f"python -m runner ui tracking.uri={usual}"


def test_a_servers_page_is_an_address_without_its_password(in_tmp_path: Path) -> None:
    page = hint("https://me:secret@host/mlflow/")
    assert page.endswith("@host/mlflow/#/experiments/1/runs/abc")
    assert "secret" not in page
