"""``python -m runner resume=<run id>``: going on with a run, in the same run, as if nothing had happened."""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from runner.commands.arguments import Arguments, parse
from runner.config.compose import compose_run, tracking_uri
from runner.config.plain import Plain
from runner.errors import CheckpointError, ConfigError, RunnerError
from runner.process.importing import without_collections

if TYPE_CHECKING:  # these import torch and mlflow
    from mlflow.entities import Run

    from runner.checkpoints.file import Checkpoint
    from runner.process.parallel import Workers
    from runner.trained.run import TrainedRun

KEY = "resume"

MAY_CHANGE = (
    "device",
    "train.epochs",
    "train.max_time",
    "train.checkpoint_every",
    "train.early_stopping.patience",
    "train.early_stopping.metric",
    "train.early_stopping.min_delta",
    "tracking.log_model",
    "tracking.register",
)
"""Keys that bear on what is still to be done; all others have made the run what it is."""

MAKES_THE_RUN = (
    f"has made the run what it is, another value needs a new run. What can change: {', '.join(MAY_CHANGE)}"
)

CONFIG = "config.yaml"
"""A run's config, in its folder."""

FOLDER_TAG, MODEL_TAG, SWEEP_TAG = "runner.folder", "model", "sweep_id"


def resume(words: Sequence[str], command: str, workers: "Workers | None") -> int:
    """Go on with the run that the command line names; the exit code.

    Raises:
        ConfigError: if the command line is wrong, or the run is one that can't be gone on with.
        RunnerError: if store, run, checkpoint or data can't be had, or training fails.
    """
    arguments = parse(words, [f"{KEY}!", "tracking.uri", "plugins", *MAY_CHANGE], MAKES_THE_RUN)
    wanted = arguments.plugins()
    with without_collections():
        from torch import get_num_threads, set_num_threads

        from runner.checkpoints.file import CHECKPOINTS, newest
        from runner.config.check import check
        from runner.experiment import Resumed, run
        from runner.plugins.consent import wanted_of
        from runner.process.launch import Launch
        from runner.process.machine import THREADS
        from runner.process.parallel import ALONE
        from runner.tracking.terminal import Terminal
        from runner.trained.run import find
    uri = arguments.of("tracking.uri") or tracking_uri()
    found = find(uri, arguments.required(KEY))
    folder = folder_of(found.run)
    checkpoint = newest(folder / CHECKPOINTS)
    if checkpoint is None and SWEEP_TAG in found.run.data.tags:
        raise ConfigError([of_sweep(found.run_id, found.run.data.tags[SWEEP_TAG])])
    plain = checkpoint.about["config"] if checkpoint else written_down(folder, found)
    if checkpoint is not None:
        refuse_anothers(checkpoint, found.run_id)
    plain = changed(plain, arguments)
    plain["tracking"]["uri"] = uri
    plain["plugins"] = wanted_of(plain["plugins"], wanted)
    config = check(plain)
    if checkpoint is not None and found.run.info.status == "FINISHED":
        refuse_nothing_to_do(arguments, checkpoint.snapshot.epoch)
    set_num_threads(int(found.run.data.tags.get(THREADS, get_num_threads())))
    launch = Launch(folder, found.run.data.tags.get(MODEL_TAG, "model"), (), command)
    resumed = Resumed(found.run_id)
    if checkpoint is not None:
        resumed = Resumed(found.run_id, checkpoint.snapshot, checkpoint.path)
    run(config, launch, Terminal(), workers or ALONE, resumed)
    return 0


def folder_of(run: "Run") -> Path:
    """The folder that a run wrote to.

    Raises:
        RunnerError: if it is not on this machine.
    """
    tags: dict[str, str] = run.data.tags
    folder = Path(tags.get(FOLDER_TAG, ""))
    if FOLDER_TAG not in tags or not folder.is_dir():
        where = f"its folder, {folder} on {tags.get('runner.host', 'an unknown machine')}, is not here"
        raise RunnerError(f"{KEY}: run '{run.info.run_id}' cannot be gone on with: {where}")
    return folder


def of_sweep(run_id: str, sweep: str) -> str:
    """What to do about a job of a sweep."""
    return (
        f"{KEY}: run '{run_id}' is a job of a sweep, which is gone on with as a whole: "
        f"python -m runner -m sweep.resume={sweep}"
    )


def refuse_anothers(checkpoint: "Checkpoint", run_id: str) -> None:
    """Refuse a checkpoint that another run has left.

    Raises:
        CheckpointError: if it is one.
    """
    if checkpoint.about["run_id"] != run_id:
        raise CheckpointError(f"{checkpoint.path}: belongs to run '{checkpoint.about['run_id']}'")


def refuse_nothing_to_do(arguments: Arguments, epoch: int) -> None:
    """Refuse to go on with a finished run that is to do no more than it has done.

    Raises:
        ConfigError: if that is so.
    """
    if not arguments.overrides("train"):
        raise ConfigError(
            [f"{KEY}: the run is FINISHED after {epoch} epochs: train.epochs={2 * epoch} has it train on"]
        )


def written_down(folder: Path, found: "TrainedRun") -> Plain:
    """A run's config from its folder or the store, which may not have it yet.

    How a sweep goes is no part of what is written down.
    """
    path = folder / CONFIG
    plain = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else found.config()
    return {"sweep": compose_run([], None).plain["sweep"], **plain}


def changed(plain: Plain, arguments: Arguments) -> Plain:
    """A run's config with the values that were typed."""
    plain = deepcopy(plain)
    for override in arguments.given:
        *path, last = str(override.key_or_group).split(".")
        if ".".join([*path, last]) not in MAY_CHANGE:
            continue
        section: dict[str, Any] = plain
        for key in path:
            section = section[key]
        section[last] = override.value()
    return plain
