"""Going on with a run, in the same run, as if nothing had happened."""

from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.again.comparison import compared, last_epoch
from runner.commands.arguments import Arguments
from runner.config.plain import Plain
from runner.errors import CheckpointError, ConfigError, RunnerError, TrackingError
from runner.process.importing import without_collections

if TYPE_CHECKING:  # these import torch and mlflow
    from mlflow.entities import Run

    from runner.checkpoints.file import Checkpoint
    from runner.config.check import Config
    from runner.process.parallel import Workers
    from runner.trained.run import TrainedRun

KEY = "resume"

EPOCHS, DATA_ROOT, DATA_CHANGED = "train.epochs", "data.root", "data.changed"
PLUGINS_CHANGED, CHANGED = "plugins.changed", ("refuse", "allow")

MAY_CHANGE = (
    "device",
    EPOCHS,
    "train.max_time",
    "train.checkpoint_every",
    "train.early_stopping.patience",
    "train.early_stopping.metric",
    "train.early_stopping.min_delta",
    "tracking.log_model",
    "tracking.pictures",
    "tracking.system_metrics",
    "tracking.register",
)
"""Keys that bear on what is still to be done; all others have made the run what it is."""

MAKES_THE_RUN = (
    f"has made the run what it is, another value needs a new run. What can change: {', '.join(MAY_CHANGE)}"
)

CONFIG = "config.yaml"
"""A run's config, in its folder."""

FOLDER_TAG, MODEL_TAG, SWEEP_TAG = "runner.folder", "model", "sweep_id"


def resume(arguments: Arguments, command: str, workers: "Workers | None") -> int:
    """Go on with the run that the command line names; the exit code.

    Raises:
        ConfigError: if a value is wrong, or the run is one that can't be gone on with.
        RunnerError: if store, run, checkpoint or data can't be had, or training fails.
    """
    wanted = arguments.plugins()
    with without_collections():
        from torch import set_num_threads

        from runner.checkpoints.file import CHECKPOINTS, newest
        from runner.config.check import check
        from runner.config.completed import completed
        from runner.config.compose import compose_run
        from runner.config.stored import as_data
        from runner.experiment import Resumed, run
        from runner.plugins.changed import TAG, refuse_changed
        from runner.process.launch import Launch
        from runner.process.machine import threads_of
        from runner.process.parallel import ALONE
        from runner.tracking.terminal import Terminal
        from runner.tracking.tracker import LOCAL
        from runner.trained.run import find
    uri, run_id = arguments.store(), arguments.required("run")
    if run_id.startswith(LOCAL):
        raise RunnerError(f"run: {told_of_local(run_id, uri)}")
    found = find(uri, run_id)
    if found.run.info.lifecycle_stage == "deleted":
        raise RunnerError(
            f"{KEY}: run '{found.run_id}' is deleted: mlflow runs restore --run-id {found.run_id}"
        )
    folder = folder_of(found.run)
    refuse_links(folder)
    checkpoint = newest(folder / CHECKPOINTS, found.run_id)
    if checkpoint is not None:
        refuse_nobodys(checkpoint)
        checkpoint = own(checkpoint, found)
    if checkpoint is None and SWEEP_TAG in found.run.data.tags:
        raise ConfigError([of_sweep(found.run_id, found.run.data.tags[SWEEP_TAG])])
    if checkpoint is None:
        refuse_anothers_folder(folder, found)
    plain = checkpoint.about["config"] if checkpoint else written_down(folder, found)
    plain = as_data(plain, wanted, arguments.of(DATA_ROOT))
    plain = changed(completed(plain, compose_run([], None).plain), arguments)
    plain["tracking"]["uri"] = uri
    if arguments.choice(PLUGINS_CHANGED, CHANGED) == "refuse":
        refuse_changed("run", found.run.data.tags.get(TAG), plain["plugins"], f"{PLUGINS_CHANGED}=allow")
    config = check(plain)
    if checkpoint is None:
        refuse_another_beginning(arguments, found)
    else:
        refuse_nothing_to_do(arguments, found, checkpoint.snapshot.epoch, config.train.epochs)
    if arguments.choice(DATA_CHANGED, CHANGED) == "refuse":
        refuse_other_data(config, found)
    tags: dict[str, str] = found.run.data.tags
    set_num_threads(threads_of(tags))
    first, began = tags.get("command", command), found.run.info.start_time
    launch = Launch(folder, tags.get(MODEL_TAG, "model"), (), first, began=began)
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


def refuse_nobodys(checkpoint: "Checkpoint") -> None:
    """Refuse a checkpoint that does not say whose it is.

    Raises:
        CheckpointError: if it is one.
    """
    if not isinstance(checkpoint.about.get("config"), dict) or "run_id" not in checkpoint.about:
        raise CheckpointError(f"{checkpoint.path}: lacks the run and the config that it belongs to")


def own(checkpoint: "Checkpoint", found: "TrainedRun") -> "Checkpoint | None":
    """A checkpoint of the run's folder if it is the run's; None if another has left it: the run begins anew.

    Raises:
        CheckpointError: if it is another's, and the run is over.
    """
    if checkpoint.about["run_id"] == found.run_id:
        return checkpoint
    if found.run.info.status == "FINISHED":
        raise CheckpointError(f"{checkpoint.path}: belongs to run '{checkpoint.about['run_id']}'")
    return None


def refuse_links(folder: Path) -> None:
    """Refuse a run's folder with a link in it, which would have other files written.

    Raises:
        RunnerError: if there is one.
    """
    from runner.tracking.own_folder import link_in  # imports mlflow

    link = link_in(folder)
    if link is not None:
        raise RunnerError(f"{KEY}: '{link}' is a link, and links in a run's folder are not followed")


def refuse_anothers_folder(folder: Path, found: "TrainedRun") -> None:
    """Refuse a folder without a checkpoint of the run that the store names as its own, and that is not.

    Raises:
        RunnerError: if nothing in it is to be sent to the run, and no run of this launch folder has used it.
    """
    from runner.config.places import is_in  # these import torch and mlflow
    from runner.tracking.own_folder import has_journal_of

    is_near = is_in(Path.cwd(), folder) and has_config(folder)
    if not is_near and not has_journal_of(folder, found.run):
        raise RunnerError(
            f"{KEY}: run '{found.run_id}' cannot be gone on with: '{folder}', its folder by the store, has "
            f"nothing of a run: do it again with rerun"
        )


def has_config(folder: Path) -> bool:
    """Whether a run has left its config in a folder, this one or another that has used it."""
    from runner.config.stored import read_stored  # imports torch

    path = folder / CONFIG
    with suppress(ConfigError, OSError):
        return path.is_file() and {"data", "model", "train", "tracking"} <= set(read_stored(path, str(path)))
    return False


def told_of_local(run_id: str, uri: str) -> str:
    """What to do about a run that the store has not been told of."""
    from runner.tracking.location import how_to_send  # imports more than a command line needs

    sends = how_to_send(Path("outputs"), uri)
    return f"run '{run_id}' is not in a store yet: {sends} sends it, and tells its id there"


def refuse_nothing_to_do(arguments: Arguments, found: "TrainedRun", epoch: int, epochs: int) -> None:
    """Refuse to go on with a run that is to do no more than it has done.

    Args:
        arguments: what was typed.
        found: the run.
        epoch: the checkpoint's.
        epochs: how many there are to be in all.

    Raises:
        ConfigError: if that is so.
    """
    is_finished = found.run.info.status == "FINISHED"
    if is_finished and not arguments.overrides("train"):
        raise ConfigError(
            [f"{KEY}: the run is FINISHED after {epoch} epochs: train.epochs={2 * epoch} has it train on"]
        )
    if EPOCHS in typed(arguments):
        done = max(epoch, last_epoch(compared(found.history())))
        if epochs < done + is_finished:
            raise ConfigError([f"{EPOCHS}: {epochs} should be more than {done}: so many epochs are done"])


def refuse_another_beginning(arguments: Arguments, found: "TrainedRun") -> None:
    """Refuse what a run without a checkpoint, which begins anew, cannot do: its numbers are in the store.

    Raises:
        RunnerError: if it has ended well, or would go otherwise than it did.
    """
    if found.run.info.status == "FINISHED":
        raise RunnerError(f"{KEY}: run '{found.run_id}' is FINISHED, and has no checkpoint to go on from")
    if EPOCHS in typed(arguments) and found.run.data.metrics:
        raise ConfigError(
            [f"{EPOCHS}: the run has no checkpoint yet and begins anew, as it was: extend it when it is over"]
        )


def refuse_other_data(config: "Config", found: "TrainedRun") -> None:
    """Refuse to train on with data that are not those of the run, before anything of the run changes.

    Raises:
        ConfigError: if their digests differ.
        DataError: if the data can't be read.
    """
    from torch import device

    from runner.prepare import load
    from runner.process.parallel import ALONE
    from runner.tracking.used_data import have_changed

    before = found.digest_of_data()
    if before is None:  # the run did not come as far as its data
        return
    now = load(config, device("cpu"), ALONE).digest
    if now != before:
        name = str(config.plain["data"]["type"])
        raise ConfigError([have_changed(name, "the run", (before, now), "run")])


def typed(arguments: Arguments) -> list[str]:
    """The keys that were typed."""
    return [str(override.key_or_group) for override in arguments.given]


def written_down(folder: Path, found: "TrainedRun") -> Plain:
    """A run's config from the store; if it is not there yet from its folder, which others may have used."""
    from runner.config.stored import read_stored  # imports torch

    path = folder / CONFIG
    try:
        return found.recorded()
    except TrackingError:
        if not path.exists():
            raise
    return read_stored(path, f"run: '{path}'")


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
