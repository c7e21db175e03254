"""Whether this process is a copy of one with threads: a copy has none of torch's, and would wait for them."""

import os
from threading import RLock


class Forks:
    """What a fork changes.

    Attributes:
        happened: whether this process was forked since the runner was imported.
        one_at_a_time: held by a thread that runs an experiment: the generators of a process, and Hydra's
            configuration, are one for all of its threads.
    """

    happened = False
    one_at_a_time = RLock()

    @classmethod
    def note(cls) -> None:
        """Called in a process that has just been forked."""
        cls.happened, cls.one_at_a_time = True, RLock()


os.register_at_fork(after_in_child=Forks.note)
