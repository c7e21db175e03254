"""What to type to go on with what was stopped."""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runner.config.overrides import as_override
from runner.config.places import is_in
from runner.process.signals import Terminated
from runner.tracking.location import Location, which_store


@contextmanager
def told_how_to_go_on(location: Location, plain: Mapping[str, Any], workers: int) -> Iterator[None]:
    """Note on a signal's exception what it takes to go on with a run.

    Args:
        location: where the run is; one that is not in the store yet has to be sent first.
        plain: its config.
        workers: how many processes train it.
    """
    program = f"torchrun --nproc-per-node={workers}" if workers > 1 else "python"
    words = [f"resume={location.run_id}", *which_store(location.uri), *consents(plain)]
    try:
        yield
    except (KeyboardInterrupt, Terminated) as stop:
        if location.spooled is None:
            stop.add_note(f"go on with  {program} -m runner {shlex.join(words)}")
        raise


def consents(plain: Mapping[str, Any]) -> list[str]:
    """What is to be typed once more, since a store's word for it does not count."""
    root = str(plain["data"]["root"])
    lies_elsewhere = not is_in(Path.cwd(), Path(root).expanduser())
    return [
        *(["plugins=true"] if plain["plugins"] else []),
        *([f"data.root={as_override(root)}"] if lies_elsewhere else []),
    ]


def of_sweep(parent: Location) -> str:
    """The line that tells it of a sweep, by its parent run."""
    words = ["-m", f"sweep.resume={parent.run_id}", *which_store(parent.uri)]
    return f"go on with  python -m runner {shlex.join(words)}"
