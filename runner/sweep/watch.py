"""Who may end a job before its last epoch."""

from collections.abc import Callable

Watch = Callable[[int, int, float], bool]
"""Told a job's number, an epoch and the objective after it, says whether the job shall go on; thread-safe."""
