"""What one process does, or the first of several that torchrun has started."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from runner.commands.exit_code import exit_code, shows_tracebacks
from runner.process import torchrun
from runner.process.importing import without_collections

if TYPE_CHECKING:
    from runner.process.parallel import Workers  # imports torch


def together(action: Callable[["Workers | None"], int]) -> int:
    """Do something, alone or as the first of torchrun's processes; the exit code.

    The others do as the first says. It is asked with what they are, or None.
    """
    if torchrun.world_size() == 1:
        return action(None)
    return exit_code(lambda: joined_by(action), shows_tracebacks())


def joined_by(action: Callable[["Workers | None"], int]) -> int:
    """Be one of torchrun's processes: the first does it, the others follow."""
    with without_collections():
        from runner.experiment import follow
        from runner.process.parallel import joined

    with joined() as workers:
        if workers.rank == 0:
            return action(workers)
        follow(workers)
        return 0
