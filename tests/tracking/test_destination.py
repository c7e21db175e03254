"""Which store a journal is sent to."""

from pathlib import Path

import pytest

from runner.tracking.destination import OtherStoreError, destination


@pytest.mark.parametrize(
    ("named", "typed", "sent_to"),
    [
        ("http://host", "http://host", "http://host"),
        ("http://host/", "http://host", "http://host/"),
        ("http://me:pw@host:5000/mlflow", "http://host:5000/mlflow", "http://me:pw@host:5000/mlflow"),
        ("http://me:old@host", "http://me:new@host", "http://me:new@host"),
        ("http://me:pw@host", "http://***@host", "http://me:pw@host"),
        ("postgresql://me:pw@host:5432/db", "postgresql://host:5432/db", "postgresql://me:pw@host:5432/db"),
        ("postgresql://h/db?password=a", "postgresql://h/db?password=a", "postgresql://h/db?password=a"),
    ],
)
def test_the_store_that_is_typed_is_meant_whoever_comes(named: str, typed: str, sent_to: str) -> None:
    assert destination(Path("run"), named, typed) == sent_to


@pytest.mark.parametrize(
    "named",
    [
        "http://host.evil",
        "http://host:1",
        "https://host",
        "http://host/other",
        "http://evil/@host",
        "http://x@evil/@host",
        "http://evil\\@host",
        "http://evil#@host",
        "http://evil?@host",
        "http://x@evil@host",
        "http://host\n",
        " http://host",
        "http://host@evil",
        "http://host?host=evil",
        "None",
        "",
    ],
)
def test_what_only_looks_like_it_is_not(named: str) -> None:
    with pytest.raises(OtherStoreError, match=r"is not the store in use$"):
        destination(Path("run"), named, "http://host")


def test_the_environments_store_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host")
    assert destination(Path("run"), "http://host", None) == "http://host"
    assert destination(Path("run"), "http://host", "http://other") == "http://host"
