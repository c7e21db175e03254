"""What can be told of a run, each as the line of its journal; times are milliseconds since 1970."""

import os
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from runner.config.overrides import flatten
from runner.config.plain import Plain, to_yaml, without_sweep
from runner.process.launch import Launch
from runner.process.masking import masked, masked_values
from runner.tracking.data_input import DataInput
from runner.tracking.journal import Event
from runner.tracking.location import Location
from runner.tracking.outcome import Failure, Status
from runner.tracking.process import hostname, this_process
from runner.tracking.repository import git_commit
from runner.tracking.saved_model import SavedModel, digests_in
from runner.tracking.software import software_tags

VALUE_LENGTH, NAME_LENGTH = 6000, 250
"""MLflow's limits; a longer value stands whole in config.yaml or in the log."""

CONFIG_NAME, TRACE_NAME, MODEL_FOLDER = "config.yaml", "traceback.txt", ".model"

MODEL_FOLDERS = (MODEL_FOLDER, "model")
"""The second is an earlier version's, which may be a folder of the user's own: nothing in it is deleted."""

VANISHED = "the process vanished"
"""Why a run is KILLED that could not say so itself."""

TOKEN, FOLDER, HOST = "runner.token", "runner.folder", "runner.host"
PROCESS, HEARTBEAT = "runner.process", "runner.heartbeat"
"""Tags of every run: what tells whether it was made, where it writes, and who writes it."""

RERUN_OF = "rerun_of"
"""The tag that names the run that is done again."""


def now() -> int:
    """Milliseconds since 1970, as MLflow counts."""
    return int(time.time() * 1000)


def begun(
    plain: Plain, launch: Launch, tags: Mapping[str, str], start: int | None = None, sweep: Path | None = None
) -> Event:
    """A run begins.

    Args:
        plain: the resolved config.
        launch: how the run was started.
        tags: what else the run is tagged with.
        start: when; now if left out.
        sweep: the folder of the sweep that the run is a job of, where the journal of its parent is.
    """
    described = {
        **launch_tags(launch),
        "model": launch.model,
        "optim": type_of(plain, "optim"),
        "data": type_of(plain, "data"),
        **tags,
    }
    within = None if sweep is None else os.path.relpath(sweep, launch.folder)
    return beginning(run_name(launch, plain), plain["tracking"], described, start, within)


def beginning(
    name: str, tracking: Plain, tags: Mapping[str, str], start: int | None = None, sweep: str | None = None
) -> Event:
    """A run, of whatever kind, begins; its token tells whether it has been made."""
    return {
        "kind": "begun",
        "uri": tracking["uri"],
        "experiment": tracking["experiment"],
        "name": name,
        "tags": {**tags, TOKEN: secrets.token_hex(16)},
        "time": start or now(),
        "sweep": sweep,
    }


def reopened(folder: Path, run_id: str | None, tracking: Plain) -> Event:
    """A run that has ended, or whose process has vanished, goes on; None is the journal's own.

    Why it had ended is no longer so, and the file that says it in the run's folder is deleted.
    """
    (folder / TRACE_NAME).unlink(missing_ok=True)
    where = {FOLDER: str(folder.absolute()), HOST: hostname()}
    writer = {**where, PROCESS: str(this_process()), HEARTBEAT: str(now())}
    return {
        "kind": "reopened",
        "uri": tracking["uri"],
        "experiment": tracking["experiment"],
        "run_id": run_id,
        "tags": writer,
    }


def heads_sweep() -> Event:
    """The run is the parent of the sweep in whose folder its journal is."""
    return {"kind": "sweep"}


def continued(location: Location) -> Event:
    """What follows is of a run that is there."""
    return {"kind": "continued", "uri": location.uri, "run_id": location.run_id}


def configured(plain: Plain) -> Event:
    """The config, as parameters."""
    flat = flatten(masked_values(without_sweep(plain)))
    return {"kind": "params", "values": {key: value[:VALUE_LENGTH] for key, value in flat.items()}}


def learns_from(data: DataInput) -> Event:
    """The run has data."""
    return {"kind": "data", "data": masked_values(asdict(data))}


def measured(values: Mapping[str, float], step: int, when: int | None = None) -> Event:
    """Metrics of a step."""
    return {"kind": "metrics", "values": dict(values), "step": step, "time": when or now()}


def left(folder: Path, files: Mapping[str, str | bytes], names: Sequence[str] = ()) -> Event:
    """Files of the run's folder, those that are there; those with a content are written there first."""
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return {"kind": "files", "names": [*files, *names]}


def tagged(values: Mapping[str, str]) -> Event:
    """The run has these tags, too."""
    return {"kind": "tags", "values": {key: masked(value) for key, value in values.items()}}


def noted(text: str) -> Event:
    """What is to be said of the run in words, as a ``Note`` has it; the latest counts."""
    return {"kind": "note", "text": text}


def kept(folder: Path, model: SavedModel) -> Event:
    """What has been learnt, which is brought into the run's folder.

    A run has one model of as many epochs, and its token says so: when a run that was killed near its end is
    gone on with and leaves the same model again, the store has it already.
    """
    if model.folder != folder / MODEL_FOLDER:
        shutil.rmtree(folder / MODEL_FOLDER, ignore_errors=True)
        shutil.move(model.folder, folder / MODEL_FOLDER)
    told = asdict(model) | {"folder": MODEL_FOLDER, "files": digests_in(folder / MODEL_FOLDER)}
    return {"kind": "model", "model": told, "token": f"model after {model.step} epochs"}


def ended(
    folder: Path, status: Status, failure: Failure | None, when: int | None = None, leaves_trace: bool = True
) -> list[Event]:
    """The run has ended; why, if not well, stands in a file, too."""
    reason = None if failure is None else masked(failure.reason)[:VALUE_LENGTH]
    end = {"kind": "ended", "status": status, "failure": reason, "time": when or now()}
    if failure is None or not leaves_trace:
        return [end]
    return [left(folder, {TRACE_NAME: masked(failure.trace)}), end]


def vanished(when: int) -> Event:
    """The run's process has gone without a word."""
    return {"kind": "ended", "status": "KILLED", "failure": VANISHED, "time": when}


def config_yaml(plain: Plain) -> str:
    """A run's config as its config.yaml has it."""
    return to_yaml(masked_values(without_sweep(plain)))


def run_name(launch: Launch, plain: Plain) -> str:
    """What the run is called in MLflow."""
    return masked(launch.run_name(type_of(plain, "optim"), plain.get("seed")))[:NAME_LENGTH]


def launch_tags(launch: Launch) -> dict[str, str]:
    """What every run is tagged with, a sweep's parent too: who writes it where, versions, command, sweep."""
    command = masked(launch.command)[:VALUE_LENGTH]
    tags = {
        **software_tags(),
        "command": command,
        "mlflow.source.name": command,
        "mlflow.source.type": "LOCAL",
        FOLDER: str(launch.folder.absolute()),
        HOST: hostname(),
        PROCESS: str(this_process()),
        HEARTBEAT: str(now()),
    }
    commit = git_commit(Path.cwd())
    if commit is not None:
        tags |= {"git_commit": commit, "mlflow.source.git.commit": commit}
    if launch.job is not None:
        tags["job"] = str(launch.job)
    if launch.rerun_of is not None:
        tags[RERUN_OF] = launch.rerun_of
    return tags | ({} if launch.parent is None else sweep_tags(launch.parent))


def sweep_tags(parent_id: str) -> dict[str, str]:
    """What makes a run a job of a sweep."""
    return {"sweep_id": parent_id, "mlflow.parentRunId": parent_id}


def type_of(plain: Plain, section: str) -> str:
    """The name of a component, as far as there is one."""
    component = plain.get(section)
    return str(component.get("type")) if isinstance(component, Mapping) else str(component)
