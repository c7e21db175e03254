"""What a job came to, as Hydra hands it to sweepers and callbacks."""

import math
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus

from runner.sweep.points.cells import Cell


def as_return(cell: Cell, objective: float | None) -> JobReturn:
    """A job that returned its objective, NaN if there is none: one bad job must not end a sweep."""
    returned = JobReturn()
    returned.overrides = cell.overrides
    returned.cfg = cell.cfg
    returned.hydra_cfg = cell.composed
    returned.working_dir = str(Path.cwd())
    returned.task_name = cell.composed.hydra.job.name
    returned.status = JobStatus.COMPLETED
    returned.return_value = math.nan if objective is None else objective
    return returned
