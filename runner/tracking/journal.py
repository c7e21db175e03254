"""What a run has to tell, on disk before anything else: appended as it happens, and sent from there."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from filelock import FileLock, Timeout

from runner.errors import TrackingError
from runner.process import atomic
from runner.tracking.inside import inside

EVENTS, SENT, LOCK = "events.jsonl", "events.sent", ".events.lock"
"""By their names in a run's folder: what is to be told, how far it is told, who is at it."""

SEND_BYTES = 1_000_000
"""How much is sent at once, about."""

Event = Mapping[str, Any]
"""A line of the journal: its ``kind`` and what belongs to it, as JSON has it."""


@dataclass
class Sent:
    """How far a journal has been told.

    Attributes:
        offset: bytes of it that are in the store.
        run_id: the run that they are told of; None as long as there is none.
        experiment_id: the experiment that it belongs to.
        artifact_uri: where its artifacts are; the store is asked, not this file, before any is sent.
    """

    offset: int = 0
    run_id: str | None = None
    experiment_id: str = ""
    artifact_uri: str = ""


class Journal:
    """The events of one run, in its folder; any thread may append.

    Events that are appended together are one JSON line, so that they are there all or not at all: a last
    line that was cut short by a crash does not count. A line is with the operating system when ``append``
    returns, so a killed process loses none; ``sync`` has them survive a power cut.

    Args:
        folder: the run's.

    Attributes:
        is_new: whether it began here.
        sent: how far it has been told.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / EVENTS
        self.is_new = not self.path.exists()
        if self.is_new:
            (folder / SENT).unlink(missing_ok=True)  # of one that was given up
        self.sent = read_sent(folder)
        self._lock = Lock()
        self._file: int | None = None
        self._is_synced = True
        self._goes_on: bool | None = None

    def append(self, *events: Event) -> None:
        """Write events down.

        Raises:
            TrackingError: if that can't be done; then none of them is.
        """
        if any(event["kind"] == "reopened" for event in events):
            self._goes_on = True
        content = f"{json.dumps(events[0] if len(events) == 1 else events)}\n".encode()
        with self._lock:
            try:
                file = self._opened()
                end = os.lseek(file, 0, os.SEEK_END)
                self._write(file, content, end)
                self._is_synced = False
            except OSError as error:
                raise TrackingError(f"{self.path}: what the run tells can't be written: {error}") from error

    def _opened(self) -> int:
        if self._file is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
            self._file = os.open(self.path, flags, 0o600)  # a URI may hold secrets
            os.ftruncate(self._file, whole_lines(self.path))
        return self._file

    def _write(self, file: int, content: bytes, end: int) -> None:
        try:
            while content:
                content = content[os.write(file, content) :]
        except OSError:
            os.ftruncate(file, end)  # half a line would spoil the next one
            raise

    def sync(self) -> None:
        """Return when what has been appended is on the disk."""
        with self._lock:
            file, is_synced = self._file, self._is_synced
            self._is_synced = True
        if file is not None and not is_synced:
            os.fsync(file)

    def unsent(self) -> list[tuple[Event, int]]:
        """The next events to send, each with what is sent with it; empty when all are sent.

        Raises:
            TrackingError: if a line is damaged.
        """
        events, start = [], self.sent.offset
        for event, end in self.events(start):
            events.append((event, end))
            if end - start > SEND_BYTES:
                break
        return events

    @property
    def first(self) -> Event:
        """How it begins.

        Raises:
            TrackingError: if it doesn't, or the line is damaged.
        """
        for event, _ in self.events():
            return event
        raise TrackingError(f"{self.path}: tells nothing")

    def note_sent(self, sent: Sent) -> None:
        """Remember, across crashes too, how far it has been told."""
        self.sent = sent
        atomic.write_text(self.folder / SENT, json.dumps(asdict(sent)))

    def count_unsent(self) -> int:
        """How many events are left to send."""
        return sum(len(parsed(line)) for line in self.lines(self.sent.offset))

    def events(self, offset: int = 0) -> Iterator[tuple[Event, int]]:
        """Its events from an offset on, each with the offset up to which all is sent when it is.

        Of a line of several that is its end for the last one alone: what comes before may be sent again.

        Raises:
            TrackingError: if a line is damaged.
        """
        for line in self.lines(offset):
            events = parsed(line)
            if not events:
                raise TrackingError(
                    f"{self.path}: damaged at byte {offset}; remove it to go on without what it tells"
                )
            yield from ((event, offset) for event in events[:-1])
            offset += len(line)
            yield events[-1], offset

    def lines(self, offset: int = 0) -> Iterator[bytes]:
        """Its whole lines from an offset on."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(offset)
                yield from (line for line in file if line.endswith(b"\n"))

    @property
    def has_ended(self) -> bool:
        """Whether its last event is the run's end."""
        last = b""
        for line in self.lines():
            last = line
        return b'"kind": "ended"' in last

    @property
    def goes_on(self) -> bool:
        """Whether its run was there before, and is told again some of what it was told then."""
        if self._goes_on is None:
            self._goes_on = any(b'"kind": "reopened"' in line for line in self.lines())
        return self._goes_on

    def close(self) -> None:
        """Let go of the file; another ``append`` would open it again."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def remove(self) -> None:
        """Forget everything: all has been told."""
        self.close()
        for name in (SENT, EVENTS):  # in this order: a journal without its offset is told again, to no effect
            (self.folder / name).unlink(missing_ok=True)


def parsed(line: bytes) -> list[Event]:
    """The events that a line holds; none if it is damaged."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return []
    events = content if isinstance(content, list) else [content]
    are_events = all(isinstance(event, dict) and "kind" in event for event in events)
    return events if are_events else []


def read_sent(folder: Path) -> Sent:
    """How far the journal of a folder has been told; if nobody knows, from its beginning once more."""
    with suppress(OSError, ValueError, TypeError, TrackingError):
        sent = Sent(**json.loads(inside(folder, SENT).read_text()))
        if isinstance(sent.offset, int) and sent.offset >= 0 and isinstance(sent.run_id, str):
            return sent
    return Sent()


def whole_lines(path: Path) -> int:
    """The bytes of a file's lines that are whole."""
    content = path.read_bytes()
    return content.rfind(b"\n") + 1


def has_journal(folder: Path) -> bool:
    """Whether a journal lies in a folder; what is no file, or a link, is none."""
    path = folder / EVENTS
    return path.is_file() and not path.is_symlink()


def owner_lock(folder: Path) -> FileLock:
    """What is held by the process that writes the journals of a folder; it ends with the process."""
    return FileLock(folder / LOCK, thread_local=False)


def is_owned(folder: Path) -> bool:
    """Whether a living process writes the journal of a folder, or of the sweep that the folder is in."""
    for place in (folder, *folder.parents):
        if (place / LOCK).exists():
            try:
                with owner_lock(place).acquire(timeout=0):
                    pass
            except Timeout:
                return True
    return False
