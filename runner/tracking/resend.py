"""Sending the journals that runs have left behind."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import Timeout

from runner.errors import TrackingError
from runner.process.signals import uninterrupted
from runner.tracking import events
from runner.tracking.destination import destination, shown
from runner.tracking.journal import EVENTS, Journal, is_owned, owner_lock
from runner.tracking.persistence import persistently
from runner.tracking.sender import Sender
from runner.tracking.store import STORE_ERRORS, told

log = logging.getLogger(__name__)

DYING = 2.0
"""Seconds that a process which dies may hold its lock longer than its connections."""


PATIENCE = 15.0
"""Seconds for which a store is asked again that answers, and takes nothing."""


def journals_in(folder: Path) -> list[Path]:
    """The folders that hold a journal, a sweep's before those of its jobs. No link is followed."""
    return sorted(path.parent for path in folder.rglob(EVENTS) if path.is_file() and not path.is_symlink())


def store_of(folder: Path) -> str | None:
    """The URI that a folder's journal names; None if it is not known, being damaged or sent by now."""
    with suppress(TrackingError, OSError):
        return str(Journal(folder).first.get("uri"))
    return None


def resend(folder: Path, typed: str | None = None) -> str:
    """Send a journal that nobody writes any more, and remove it; says what came of it.

    Raises what MLflow raises, or a TrackingError: also if the journal names a store that is neither the one
    in use nor the one that was typed.
    """
    if is_owned(folder):
        return "goes on"
    try:
        with owner_lock(folder).acquire(timeout=0):
            return send(Journal(folder), typed)
    except Timeout:
        return "goes on"


def send(journal: Journal, typed: str | None) -> str:
    """The same for a journal that is ours."""
    if journal.is_new:
        return "has been sent"  # by another, just now
    if not any(journal.lines()):
        journal.remove()
        return "tells nothing"  # its process was killed as it began
    first = journal.first
    place = tags.get(events.FOLDER) if isinstance(tags := first.get("tags"), dict) else None
    uri = destination(journal.folder, str(first.get("uri")), typed, place)
    if not journal.has_ended:  # or a sweep was about to tell of its end
        journal.append(events.vanished(last_time(journal)))
    sender, count = Sender(journal, uri), journal.count_unsent()
    try:
        persistently(sender.send, journal, PATIENCE)
        run_id = sender.known.location.run_id
        sender.end_vanished()  # while the journal can be asked whose run it is: all may have been told before
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TrackingError(f"{journal.path}: holds what is no event of a run: {error!r}") from error
    journal.remove()
    return f"{count} events sent to {shown(uri)}, run {run_id}"


@contextmanager
def ended_if_left(folder: Path, uri: str) -> Iterator[None]:
    """End another process's run, should that have gone without a word when an error leaves the context."""
    try:
        yield
    except BaseException:
        with uninterrupted():
            end_left(folder, uri)
        raise


def end_left(folder: Path, uri: str) -> None:
    """End the run in a folder unless its process lives, or has told its end."""
    until = time.monotonic() + DYING
    while is_owned(folder) and time.monotonic() < until:
        time.sleep(0.1)
    if (folder / EVENTS).exists() and not Journal(folder).has_ended:
        try:
            log.warning("the first worker has gone: %s", resend(folder, uri))
        except (*STORE_ERRORS, TrackingError) as error:
            log.warning("the first worker's run could not be ended: %s", told(error))


def last_time(journal: Journal) -> int:
    """When the journal's run has last told something; milliseconds since 1970."""
    times = [event.get("time") for event, _ in journal.events()]
    return max((time for time in times if isinstance(time, int)), default=0) or events.now()
