"""Whether this process is a copy of one with threads: a copy has none of torch's, and would wait for them."""

import os
from pathlib import Path
from threading import RLock

STAT = Path("/proc/self/stat")
FORKED = 0x40
"""The flag of a process that was forked and has not begun a program: PF_FORKNOEXEC of Linux's sched.h."""


def is_fork() -> bool:
    """Whether this process was forked before the runner was imported, as far as the system says."""
    if not STAT.exists():
        return False
    flags = STAT.read_text().rpartition(")")[2].split()[6]  # the ninth field: a name ends the second
    return bool(int(flags) & FORKED)


class Forks:
    """What a fork changes.

    Attributes:
        happened: whether this process was forked, and is no program of its own.
        one_at_a_time: held by a thread that runs an experiment: the generators of a process, and Hydra's
            configuration, are one for all of its threads.
    """

    happened = is_fork()
    one_at_a_time = RLock()

    @classmethod
    def note(cls) -> None:
        """Called in a process that has just been forked."""
        cls.happened, cls.one_at_a_time = True, RLock()


os.register_at_fork(after_in_child=Forks.note)
