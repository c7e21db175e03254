"""What to type to go on with what was stopped."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from runner.process.signals import Terminated
from runner.tracking.location import Location, which_store


@contextmanager
def told_how_to_go_on(location: Location, plugins: Sequence[str], workers: int) -> Iterator[None]:
    """Note on a signal's exception what it takes to go on with a run.

    Args:
        location: where the run is; one that is not in the store yet has to be sent first.
        plugins: that it names.
        workers: how many processes train it.
    """
    program = f"torchrun --nproc-per-node={workers}" if workers > 1 else "python"
    words = [f"resume={location.run_id}", *which_store(location.uri), *(["plugins=true"] if plugins else [])]
    try:
        yield
    except (KeyboardInterrupt, Terminated) as stop:
        if location.spooled is None:
            stop.add_note(f"go on with  {program} -m runner {shlex.join(words)}")
        raise


def of_sweep(parent: Location) -> str:
    """The line that tells it of a sweep, by its parent run."""
    words = ["-m", f"sweep.resume={parent.run_id}", *which_store(parent.uri)]
    return f"go on with  python -m runner {shlex.join(words)}"
