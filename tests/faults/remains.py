"""What command lines have left in a folder and its store, but for what differs each time."""

import csv
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run

from runner.config import sqlite_uri
from tests import warm
from tests.faults.killing import environment, library

OF_ITS_TIME = (
    "runner.token", "runner.process", "runner.heartbeat", "mlflow.note.content", "git_diff",
)  # fmt: skip
"""Tags that differ from run to run."""

OF_ITS_BEGINNING = ("command", "mlflow.source.name", "runner.folder")
"""Tags of a job that are others if it had not begun before its sweep was killed."""

LEFTOVERS = ("events.jsonl", "events.sent")
"""Files that no sweep leaves."""

OF_ITS_COMMAND = " sweep.mode=3"
"""A word of the sweep's command line that is not repeated where it is gone on with."""

LOGS = ("runner.log", "report.html", "learning_curves.png", "MLmodel", "cells.json", "best.yaml")
"""Files that tell of times, ids or folders."""


@dataclass
class Place:
    """A folder in which command lines are started, each with a store of its own."""

    folder: Path

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(sqlite_uri.from_path(self.folder / "outputs" / "mlflow.db"))

    def start(self, *arguments: str) -> warm.Ended:
        return warm.run(self.folder, arguments, environment(), preloaded=library())

    def runs(self) -> list[Run]:
        """All, the oldest first."""
        ids = [each.experiment_id for each in self.client.search_experiments()]
        return list(self.client.search_runs(ids, order_by=["attributes.start_time ASC"], max_results=1000))

    def found(self) -> dict[str, Any]:
        """All that is there but what differs each time: times, ids, processes."""
        runs = self.runs()
        names = {run.info.run_id: called(run) for run in runs}
        assert len(set(names.values())) == len(names), f"runs that are there twice: {sorted(names.values())}"
        versions = [self.version(each, names) for each in self.client.search_model_versions()]
        there = {names[run.info.run_id]: self.run(run, names) for run in runs}
        is_sweep = any("job" in run.data.tags for run in runs)
        files = self.leftovers() if is_sweep else self.files()
        return {**there, "versions": sorted(map(str, versions)), "files": sorted(files)}

    def run(self, run: Run, names: dict[str, str]) -> dict[str, Any]:
        """A run, as far as it doesn't differ each time."""
        others = (*OF_ITS_TIME, *OF_ITS_BEGINNING) if "job" in run.data.tags else OF_ITS_TIME
        tags = {key: names.get(value, value) for key, value in run.data.tags.items() if key not in others}
        of_run = f"source_run_id = '{run.info.run_id}'"
        outputs = run.outputs.model_outputs if run.outputs else []
        return {
            "status": run.info.status,
            "name": run.info.run_name,
            "tags": self.anywhere(tags),
            "params": self.anywhere(run.data.params),
            "rows": self.rows(run),
            "data": [each.dataset.digest for each in (run.inputs.dataset_inputs if run.inputs else [])],
            "artifacts": self.artifacts(Path(run.info.artifact_uri.removeprefix("file://"))),
            "models": [self.model(each.model_id) for each in outputs],
            "logged": len(self.client.search_logged_models([run.info.experiment_id], of_run)),
        }

    def anywhere(self, values: Mapping[str, str]) -> dict[str, str]:
        """Values that name neither the folder nor how the sweep was started."""
        told = {key: value.replace(str(self.folder), "<folder>") for key, value in values.items()}
        return {key: value.removesuffix(OF_ITS_COMMAND) for key, value in told.items()}

    def rows(self, run: Run) -> list[tuple[str, int, float]]:
        """All of a run; of a sweep's parent the last ones: it is told the best of each time that it ends."""
        if run.data.tags.get("sweep_id") == run.info.run_id:
            return sorted((name, 0, value) for name, value in run.data.metrics.items())
        histories = {
            name: self.client.get_metric_history(run.info.run_id, name)
            for name in run.data.metrics
            if not name.startswith(("time/", "system/"))
        }
        return sorted((name, row.step, row.value) for name, rows in histories.items() for row in rows)

    def model(self, model_id: str) -> Any:
        model = self.client.get_logged_model(model_id)
        return str(model.status), self.artifacts(Path(model.artifact_location.removeprefix("file://")))

    def version(self, version: Any, names: Mapping[str, str]) -> Any:
        """A registered version; which number a job's has depends on who was first."""
        tags = {key: value for key, value in version.tags.items() if key != "runner.token"}
        aliases = list(self.client.get_registered_model(version.name).aliases)
        return version.name, names.get(version.run_id), tags, version.description, aliases

    def artifacts(self, folder: Path) -> dict[str, Any]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(folder)): self.content(path) for path in files}

    def content(self, path: Path) -> Any:
        """What is in a file, as far as it doesn't differ each time."""
        if path.name in LOGS:
            return "there"
        if path.name == "cells.csv":
            with path.open(newline="") as file:
                return [
                    without_times({key: as_number(text) for key, text in row.items()})
                    for row in csv.DictReader(file)
                ]
        if path.name == "results.jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            results = {each["job"]: each for each in lines}  # the last counts
            return {
                job: {**without_times(each), "metrics": without_times(each["metrics"]), "overrides": None}
                for job, each in results.items()
            }
        return hashlib.sha256(path.read_bytes().replace(os.fsencode(self.folder), b"")).hexdigest()[:12]

    def leftovers(self) -> Iterator[str]:
        for pattern in LEFTOVERS:
            yield from map(str, (self.folder / "outputs" / "sweeps").rglob(pattern))

    def files(self) -> Iterator[str]:
        """What lies beside the store, but checkpoints before the last: their writer leaves some out."""
        for path in (self.folder / "outputs").rglob("*"):
            name = str(path.relative_to(self.folder / "outputs"))
            is_older = path.stem.startswith("epoch-") and not path.stem.endswith("0003")
            is_other = name.startswith(("mlartifacts", "mlflow.db")) or name.endswith(".lock")
            if path.is_file() and not is_older and not is_other:
                yield name


def as_number(text: str) -> float | str:
    """Of a job that had ended before its sweep was gone on with, whole numbers are told as ``3.0``."""
    try:
        return float(text)
    except ValueError:
        return text


def without_times(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if not key.startswith(("time/", "run_id"))}


def called(run: Run) -> str:
    """What a run is known by in each of its lives."""
    return f"{run.data.tags.get('job', 'parent')} {run.data.tags.get('config_hash', '')}"


def differences(found: Any, expected: Any, place: str = "") -> list[str]:
    """Where two things differ, a line each."""
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = sorted({*found, *expected}, key=str)
        return [
            line for key in keys for line in differences(found.get(key), expected.get(key), f"{place}/{key}")
        ]
    if isinstance(found, list) and isinstance(expected, list):
        more, less = ([x for x in a if x not in b] for a, b in ((found, expected), (expected, found)))
        count = f"{len(found)} of {len(expected)}"
        return [] if found == expected else [f"{place}: {count}, too much {more[:6]}, lacks {less[:6]}"]
    return [] if found == expected else [f"{place}: {found!r} instead of {expected!r}"]
