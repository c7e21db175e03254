"""Runs whose process has gone without a word: killed with ``kill -9``, or by a power cut."""

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from runner.tracking.events import FOLDER, HEARTBEAT, PROCESS, VANISHED
from runner.tracking.journal import Journal, has_journal, is_owned
from runner.tracking.process import Process

SILENCE = 600.0
"""Seconds without a sign of life after which a process of another host is taken to have gone."""


def end_vanished(client: MlflowClient, experiment_id: str) -> list[Run]:
    """Mark the RUNNING runs whose process has gone as KILLED; gives them. Raises what MLflow raises.

    A run whose process has ended, but not all of whose news is in the store, is left to ``runner sync``.
    """
    running = f"attributes.status = 'RUNNING' and tags.`{PROCESS}` LIKE '%'"
    runs = client.search_runs([experiment_id], running)
    gone = [run for run in runs if has_vanished(run, runs) and not has_more_to_tell(run)]
    marked = []
    for run in gone:
        run_id = run.info.run_id
        with suppress(MlflowException):  # as where it has been deleted meanwhile: the next one is not it
            if client.get_run(run_id).info.status == "RUNNING":  # asked after its process has been looked for
                client.set_tag(run_id, "failure", VANISHED)
                client.set_terminated(run_id, "KILLED", last_sign(run, runs))
                marked.append(run)
    return marked


def has_vanished(run: Run, runs: Iterable[Run]) -> bool:
    """Whether a run's process has gone; one of another host is judged by its silence, or its sweep's."""
    process = Process.parse(run.data.tags[PROCESS])
    if process is None:
        return False
    if process.is_near:
        return not process.is_alive
    if run.data.tags.get(HEARTBEAT) == "":  # of a sweep whose jobs run here and there, or wait
        return False
    return time.time() - last_sign(run, runs) / 1000 > SILENCE


def last_sign(run: Run, runs: Iterable[Run]) -> int:
    """When a run, or the sweep that it is a job of, has last been heard of; milliseconds since 1970."""
    family = [run, *(other for other in runs if other.info.run_id == run.data.tags.get("sweep_id"))]
    return max(int(each.data.tags.get(HEARTBEAT) or each.info.start_time) for each in family)


def has_more_to_tell(run: Run) -> bool:
    """Whether somebody is about to tell of it, or its end waits in its folder."""
    folder = Path(run.data.tags.get(FOLDER, ""))
    if not (folder.is_absolute() and folder.is_dir()):
        return False
    return is_owned(folder) or (has_journal(folder) and Journal(folder).has_ended)
