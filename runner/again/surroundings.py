"""With what a run was made, and with what it would be made here and now."""

from collections.abc import Mapping
from pathlib import Path

from runner.build import find_device
from runner.config.check import Config
from runner.process.launch import Launch
from runner.process.machine import machine_tags
from runner.process.parallel import Workers
from runner.tracking.events import launch_tags
from runner.tracking.repository import uncommitted
from runner.trained.run import TrainedRun

COMPARED = (
    "git_commit",
    "git_dirty",
    "git_diff",
    "runner_version",
    "runner_code",
    "versions",
    "device",
    "device_name",
    "threads",
    "workers",
)
"""The tags that tell of it."""

STACKED = "stacked"
"""How the tag ``way`` begins of a sweep's job that was not trained by itself."""


def surroundings_of(run: TrainedRun) -> dict[str, str]:
    """With what a run was made; what was uncommitted stands with its sweep, if it is a job of one.

    Raises:
        RunnerError: if the store can't be read.
    """
    sweep = run.sweep()
    shared: dict[str, str] = {} if sweep is None else sweep.run.data.tags
    return {**{key: value for key, value in shared.items() if key.startswith("git_")}, **run.run.data.tags}


def surroundings(config: Config, launch: Launch, workers: Workers) -> dict[str, str]:
    """With what a run would be made.

    Raises:
        ConfigError: if its device is not here.
    """
    changes = uncommitted(Path.cwd())
    return {
        **launch_tags(launch),
        **({} if changes is None else changes.tags),
        **machine_tags(find_device(config.device)),
        "workers": str(workers.size),
    }


def changes(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """A line for each of the surroundings that has changed, as far as it was recorded."""
    lines = []
    for key in COMPARED:
        if key in then and then[key] != now.get(key):
            before, after = (value.split(", ") for value in (then[key], now.get(key, "none")))
            gone = ", ".join(each for each in before if each not in after)
            come = ", ".join(each for each in after if each not in before)
            lines.append(f"{key}: {gone} then, {come} now")
    return lines


def reasons(old: TrainedRun, new: TrainedRun | None) -> str:
    """Why the numbers of two runs may differ, as far as the store tells, each in brackets."""
    found = []
    way = old.run.data.tags.get("way", "")
    if way.startswith(STACKED):
        found.append(f"the run was {way}: sums round otherwise there, and dropout draws other values")
    if new is not None and new.digest_of_data() != old.digest_of_data():
        found.append("the data are others")
    return "".join(f" ({reason})" for reason in found)
