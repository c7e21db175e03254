"""``runner show``: a run, in the terminal."""

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from runner.commands.arguments import Arguments, run_program
from runner.errors import in_a_line
from runner.process.importing import without_collections

if TYPE_CHECKING:  # imported when there is something to show
    from mlflow import MlflowClient
    from mlflow.entities import Run

USAGE = """runner show <run> [key=value …]

Shows a run: its result, its config flattened as it can be typed, its tags and files, and how to go on with
it, do it again and look at it.

  run           the run's id, or as much of its beginning as no other has
  tracking.uri  the store; outputs/mlflow.db if nothing else is said"""

KNOWN = ("run!", "tracking.uri")

INTERNAL = ("mlflow.", "runner.")
"""How the tags begin that are told elsewhere, or concern nobody."""


def main(words: Sequence[str]) -> int:
    """The command; its exit code."""
    return run_program(words, USAGE, KNOWN, show)


def show(arguments: Arguments) -> int:
    """Find and print; the exit code.

    Raises:
        RunnerError: if there is no such run, or the store can't be had.
    """
    with without_collections():
        from runner.tracking.artifacts import Artifacts
        from runner.tracking.console import PipeConsole
        from runner.tracking.lookup import existing_store, find_run, metrics_of
        from runner.tracking.store import told_as_tracking_error
    client = existing_store(arguments.store())
    run = find_run(client, arguments.required("run"))
    with told_as_tracking_error(str(client.tracking_uri)):
        files = list(Artifacts(client, run.info.artifact_uri).names())
    sections = {
        "run": about(run),
        "result": {name: f"{value:.6g}" for name, value in sorted(metrics_of(run).items())},
        "config": dict(sorted(run.data.params.items())),
        "tags": {key: value for key, value in sorted(run.data.tags.items()) if not key.startswith(INTERNAL)},
        "files": dict.fromkeys(files, ""),
        "what next": next_steps(client, run),
    }
    console = PipeConsole(highlight=False, soft_wrap=True)
    for title, lines in sections.items():
        if lines:
            console.print(title, style="bold")
            width = max(map(len, lines))
            for key, value in lines.items():
                console.print(in_a_line(f"  {key:<{width}}  {value}".rstrip()), markup=False)
    return 0


def about(run: "Run") -> dict[str, str]:
    """What it is called and how it stands."""
    from runner.commands.list import NAME_TAG, duration_of, started_at

    tags: Mapping[str, str] = run.data.tags
    told = {
        "id": run.info.run_id,
        "name": tags.get(NAME_TAG, ""),
        "status": run.info.status,
        "started": started_at(run),
        "took": duration_of(run),
        "folder": tags.get("runner.folder", ""),
    }
    return {key: value for key, value in told.items() if value}


def next_steps(client: "MlflowClient", run: "Run") -> dict[str, str]:
    """What to type to go on with it, to do it again, and to look at it."""
    from runner.commands.list import PARENT_TAG, SWEEP_TAG
    from runner.tracking.location import which_store

    run_id, tags, store = run.info.run_id, run.data.tags, which_store(str(client.tracking_uri))
    sweep = tags.get(SWEEP_TAG)
    steps = {"look": ["ui", *store]}
    if sweep == run_id:
        if run.info.status != "FINISHED":
            steps["go on"] = ["-m", f"sweep.resume={run_id}", *store]
        steps["its jobs"] = ["list", f"sweep={run_id[:8]}", *store]
        if "best_run_id" in tags:
            steps["its best"] = ["show", tags["best_run_id"], *store]
    else:
        if PARENT_TAG in tags:
            steps["its sweep"] = ["show", str(sweep), *store]
        elif run.info.status != "FINISHED":
            steps["go on"] = ["resume", run_id, *store]
        steps["do again"] = ["rerun", run_id, *store]
        if run.outputs and run.outputs.model_outputs:
            steps["evaluate"] = ["evaluate", run_id, *store]
    return {what: shlex.join(["runner", *words]) for what, words in steps.items()}
