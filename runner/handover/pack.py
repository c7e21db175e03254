"""A run of a store in one file: config, model, plug-ins, results, and what it takes to resume it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow.artifacts
from mlflow.entities import Run

import runner
from runner.checkpoints.file import CHECKPOINTS, newest
from runner.checkpoints.file import write as write_checkpoint
from runner.errors import ConfigError, RunnerError, TrackingError
from runner.handover import archive
from runner.handover.contents import (
    ARTIFACTS,
    CHECKPOINT,
    MODEL,
    PLUGINS,
    RUN,
    Data,
    LoggedModel,
    Metric,
    Packed,
    data_of,
    model_of,
)
from runner.plugins.source import is_file_name, read
from runner.process.masking import masked_values
from runner.tracking.events import FOLDER
from runner.tracking.lookup import as_measured
from runner.tracking.model import DATA
from runner.tracking.saved_model import files_in
from runner.tracking.store import told_as_tracking_error
from runner.trained.run import TrainedRun

NAME_TAG, SWEEP_TAG = "mlflow.runName", "sweep_id"

ENDED = ("FINISHED", "FAILED", "KILLED")


def pack(found: TrainedRun, target: Path, with_checkpoint: bool) -> list[str]:
    """Write a run into an archive; gives lines on what is not in it.

    Raises:
        ConfigError: if it is a sweep, or goes on.
        RunnerError: if a part of it can't be had, or the file can't be written.
    """
    refuse_unfit(found.run)
    with TemporaryDirectory() as place, told_as_tracking_error(str(found.client.tracking_uri)):
        folder = Path(place)
        found.client.download_artifacts(found.run_id, "", str(made(folder / ARTIFACTS)))
        notes = [*copy_plugins(found, folder / PLUGINS)]
        model = copy_model(found, folder)
        if with_checkpoint:
            copy_checkpoint(found, folder / CHECKPOINT)
        (folder / RUN).write_text(describe(found, model).to_json(), encoding="utf-8")
        archive.write(target, folder, sorted(files_in(folder)), f"runner {runner.__version__}")
    return notes


def made(folder: Path) -> Path:
    """A folder, which is made."""
    folder.mkdir()
    return folder


def refuse_unfit(run: Run) -> None:
    """Refuse what is no run that has ended.

    Raises:
        ConfigError: saying what to do instead.
    """
    run_id, tags = run.info.run_id, run.data.tags
    if tags.get(SWEEP_TAG) == run_id:
        best = f", such as its best: {tags['best_run_id']}" if "best_run_id" in tags else ""
        raise ConfigError([f"run: '{run_id}' is a sweep. Name one of its jobs by its run's id{best}"])
    if run.info.status not in ENDED or run.info.end_time is None:
        raise ConfigError([f"run: '{run_id}' is {run.info.status}: it can be packed when it has ended"])


def describe(found: TrainedRun, model: LoggedModel | None) -> Packed:
    """All that the store has of a run beside files. Raises what MLflow raises."""
    client, info, tags = found.client, found.run.info, found.run.data.tags
    metrics = {
        name: [
            Metric(step=row.step, time=row.timestamp, value=as_measured(row.value))
            for row in client.get_metric_history(found.run_id, name)
        ]
        for name in sorted(found.run.data.metrics)
    }
    return Packed(
        run_id=found.run_id,
        experiment=client.get_experiment(info.experiment_id).name,
        name=tags.get(NAME_TAG, info.run_name or ""),
        status=info.status,
        started=info.start_time,
        ended=info.end_time,
        params=dict(sorted(found.run.data.params.items())),
        tags=dict(sorted(tags.items())),
        metrics=metrics,
        data=used_by(found.run),
        model=model,
    )


def used_by(run: Run) -> Data | None:
    """The data set of a run."""
    inputs = run.inputs.dataset_inputs if run.inputs else []
    try:
        return data_of(inputs[0].dataset) if inputs else None
    except (ValueError, KeyError, TypeError) as error:
        raise RunnerError(f"run: '{run.info.run_id}' names data that no runner has written") from error


def copy_model(found: TrainedRun, folder: Path) -> LoggedModel | None:
    """Copy the run's latest model, if it has logged one. Raises what MLflow raises."""
    outputs = found.run.outputs.model_outputs if found.run.outputs else []
    if not outputs:
        return None
    place = found.client.get_logged_model(outputs[-1].model_id).artifact_location
    with TemporaryDirectory() as whole:
        path = Path(
            mlflow.artifacts.download_artifacts(place, dst_path=whole, tracking_uri=found.client.tracking_uri)
        )
        try:
            model = model_of(path, path / DATA, outputs[-1].step)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise RunnerError(f"run: '{found.run_id}' has a model that no runner has logged") from error
        shutil.copytree(path / DATA, folder / MODEL)
    return model


def copy_checkpoint(found: TrainedRun, folder: Path) -> None:
    """Copy the checkpoint that the run would be resumed from, secrets masked, if it is on this machine."""
    own = Path(found.run.data.tags.get(FOLDER, ""))
    checkpoint = newest(own / CHECKPOINTS, found.run_id) if own.is_absolute() else None
    if checkpoint is not None and checkpoint.about.get("run_id") == found.run_id:
        write_checkpoint(folder, checkpoint.snapshot, masked_values(checkpoint.about))


def copy_plugins(found: TrainedRun, folder: Path) -> Iterator[str]:
    """Copy the files of the run's plug-ins, with those that they import; nothing in them is run."""
    try:
        named = found.recorded().get("plugins") or []
    except (TrackingError, ConfigError):  # of a run that failed early
        named = []
    for number, name in enumerate(map(str, named)):
        if not is_file_name(name):
            yield f"plugins: the module '{name}' is not in the file: it has to be installed there, too"
            continue
        if not Path(name).is_file():
            yield f"plugins: '{name}' is not here any more, so it is not in the file"
            continue
        for place, content in read(Path(name)).files.items():
            file = folder / str(number) / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
