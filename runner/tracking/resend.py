"""Sending the journals that runs have left behind."""

import json
from pathlib import Path

from filelock import Timeout

from runner.tracking import events
from runner.tracking.journal import EVENTS, Journal, is_owned, owner_lock
from runner.tracking.sender import Sender


def journals_in(folder: Path) -> list[Path]:
    """The folders that hold a journal, a sweep's before those of its jobs."""
    return sorted(path.parent for path in folder.rglob(EVENTS))


def resend(folder: Path) -> str:
    """Send a journal that nobody writes any more, and remove it; says what came of it.

    Raises what MLflow raises, a TrackingError, or a ValueError if the journal is damaged.
    """
    if is_owned(folder):
        return "goes on"
    try:
        with owner_lock(folder).acquire(timeout=0):
            return send(Journal(folder))
    except Timeout:
        return "goes on"


def send(journal: Journal) -> str:
    """The same for a journal that is ours."""
    if journal.is_new:
        return "has been sent"  # by another, just now
    if not journal.has_ended:  # or a sweep was about to tell of its end
        journal.append(events.vanished(last_time(journal)))
    sender, count = Sender(journal), journal.count_unsent()
    sender.send()
    journal.remove()
    sender.end_vanished()
    assert sender.run is not None, "the last event is told of a run"
    return f"{count} events sent, run {sender.run.location.run_id}"


def last_time(journal: Journal) -> int:
    """When the journal's run has last told something; milliseconds since 1970."""
    times = [json.loads(line).get("time", 0) for line in journal.lines()]
    return max(times, default=0) or events.now()
