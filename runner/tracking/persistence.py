"""Trying again: with pauses that grow, for as long as there is use in it."""

import time
from collections.abc import Callable

from runner.errors import TrackingError
from runner.tracking.journal import Journal
from runner.tracking.store import STORE_ERRORS, is_refused, is_unreachable

LONGEST = 2.0
"""Seconds between two tries, at most."""


def persistently(send: Callable[[], None], journal: Journal, patience: float) -> None:
    """Send a journal, and again if the store fails, until it has taken nothing for so many seconds.

    A store that refuses for good, or that nobody answers for, is not asked again. Raises what MLflow raises,
    or a TrackingError.
    """
    since, offset, pause = time.monotonic(), journal.sent.offset, 0.2
    while True:
        try:
            return send()
        except (*STORE_ERRORS, TrackingError) as error:
            if journal.sent.offset != offset:
                since, offset, pause = time.monotonic(), journal.sent.offset, 0.2
            if is_refused(error) or is_unreachable(error) or time.monotonic() - since > patience:
                raise
        time.sleep(pause)
        pause = min(2 * pause, LONGEST)
