"""A run's page, of what the store has of it: a run that goes on or has failed has one, too."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from tempfile import TemporaryDirectory

from runner.errors import in_a_line
from runner.objective import cost, remember
from runner.pictures.figure import as_png
from runner.pictures.learning_curves import PARTS, learning_curves
from runner.reports.html import render
from runner.reports.page import REPEATS, Picture, duration, moment
from runner.tracking.artifacts import Artifacts
from runner.tracking.events import TRACE_NAME
from runner.tracking.lookup import metrics_of
from runner.tracking.store import told_as_tracking_error
from runner.trained.run import TrainedRun

MOST_PICTURES = 24

MODEL = "model"
"""What MLflow calls the folder of a run's model."""

ENDING = ".png"


def page_of(run: TrainedRun) -> str:
    """The page.

    Raises:
        TrackingError: if the store can't be read.
    """
    info, data = run.run.info, run.run.data
    tags = data.tags
    with told_as_tracking_error(run.client.tracking_uri):
        experiment = run.client.get_experiment(info.experiment_id).name
        artifacts = Artifacts(run.client, info.artifact_uri)
        found = list(pictures(artifacts))
        trace = text_of(artifacts, TRACE_NAME)
    history = run.history()
    if not found:
        found = curves(history, in_a_line(data.params.get("objective", "")), tags)
    metrics = metrics_of(run.run)
    last = {name: max(step for step, named in history if named == name) for name in sorted(data.metrics)}
    values = {
        "title": info.run_name,
        "status": info.status,
        "failure": tags.get("failure"),
        "facts": {
            "experiment": experiment,
            "run": run.run_id,
            "job of sweep": tags.get("sweep_id"),
            "started": moment(info.start_time),
            "took": duration(info.start_time, info.end_time),
            "model, rule, data": ", ".join(tags[name] for name in ("model", "optim", "data") if name in tags),
            "device": tags.get("device"),
            "objective": data.params.get("objective"),
            "started by": tags.get("command"),
            "commit": tags.get("git_commit"),
            "versions": tags.get("versions"),
        },
        "command_does": "Run it again, in a new run:",
        "command": REPEATS.format(run=run.run_id),
        "metrics": {name: (f"{metrics[name]:.6g}", step) for name, step in last.items()},
        "pictures": found,
        "trace": trace,
        "named_tables": {
            "Configuration": dict(sorted(data.params.items())),
            "Tags": {key: value for key, value in sorted(tags.items()) if not key.startswith("mlflow.")},
        },
    }
    return render("run.html", values)


def pictures(artifacts: Artifacts) -> Iterator[Picture]:
    """The PNGs among a run's artifacts, by their names; of many, the first. Raises what MLflow raises."""
    names = sorted(pngs_in(artifacts), key=lambda name: ("learning_curves" not in name, name))
    with TemporaryDirectory() as folder:
        for name in names[:MOST_PICTURES]:
            path = artifacts.download(name, folder)
            yield Picture(PurePosixPath(name).stem.replace("_", " "), "", path.read_bytes())


def pngs_in(artifacts: Artifacts, folder: str | None = None) -> Iterator[str]:
    """The names of PNGs in a folder of artifacts and in those below. Raises what MLflow raises."""
    for entry in artifacts.list(folder):
        if entry.is_dir and entry.path != MODEL:
            yield from pngs_in(artifacts, entry.path)
        elif entry.path.endswith(ENDING):
            yield entry.path


def curves(history: dict[tuple[int, str], float], objective: str, tags: dict[str, str]) -> list[Picture]:
    """Its learning curves, if it has come to the end of an epoch."""
    epochs: dict[int, dict[str, float]] = {}
    for (step, name), value in history.items():
        if name.partition("/")[0] in PARTS:
            epochs.setdefault(step, {})[name] = value
    in_order = [epochs[step] for step in sorted(epochs)]
    if not in_order:
        return []
    if "objective_better" in tags:
        remember(objective.rpartition("/")[2], tags["objective_better"] == "smaller")
    judged = [index for index, epoch in enumerate(in_order) if objective in epoch]
    best = min(judged, key=lambda index: cost(objective, in_order[index][objective]), default=0)
    return [Picture("learning curves", "", as_png(learning_curves(in_order, best + 1, objective)))]


def text_of(artifacts: Artifacts, name: str) -> str | None:
    """A text among a run's artifacts, if it has left that. Raises what MLflow raises."""
    if name not in {entry.path for entry in artifacts.list()}:
        return None
    with TemporaryDirectory() as folder:
        return artifacts.download(name, folder).read_text(encoding="utf-8")
