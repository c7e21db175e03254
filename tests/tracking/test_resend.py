"""Journals that killed processes have left."""

from pathlib import Path

import pytest

from runner.tracking.journal import EVENTS
from runner.tracking.resend import journals_in, resend


@pytest.mark.parametrize("content", ["", '{"kind": "beg'])
def test_a_journal_that_had_not_begun_is_forgotten(content: str, tmp_path: Path) -> None:
    (tmp_path / EVENTS).write_text(content)
    assert resend(tmp_path) == "tells nothing"
    assert journals_in(tmp_path) == []
