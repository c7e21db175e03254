"""The same once more, in a new run, held against its numbers."""

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from runner.again.comparison import Rows, compared, last_epoch, verdict
from runner.again.resume import CHANGED, PLUGINS_CHANGED
from runner.commands.arguments import Arguments
from runner.config.plain import Plain
from runner.errors import ConfigError, DivergedError, in_a_line
from runner.process.importing import without_collections
from runner.process.launch import Launch

if TYPE_CHECKING:  # these import torch and mlflow
    from runner.build import Parts
    from runner.process.parallel import Workers
    from runner.tracking.location import Location
    from runner.tracking.terminal import Display
    from runner.trained.run import TrainedRun
    from runner.training.loop import Epoch

KEY = "rerun"
MAY_BE_SAID = ("tracking.uri", "data.root", "plugins", PLUGINS_CHANGED)

IS_AS_IT_WAS = f"is as it was, that the run be the same. What can be said: {', '.join(MAY_BE_SAID)}"


def rerun(arguments: Arguments, command: str, workers: "Workers | None") -> int:
    """Do again what the command line names; 0 if all its numbers come out the same to the bit, 1 if not.

    Raises:
        ConfigError: if a value is wrong, or what it names is no run that can be done again.
        RunnerError: if store, run or data can't be had, or training fails otherwise than by diverging.
    """
    wanted = arguments.plugins()
    with without_collections():
        from torch import set_num_threads

        from runner.again.surroundings import changes, reasons, surroundings, surroundings_of
        from runner.config.check import check
        from runner.config.stored import as_data
        from runner.experiment import run
        from runner.plugins.changed import TAG, changes_since, refuse_changed
        from runner.process.machine import threads_of
        from runner.process.parallel import ALONE
        from runner.tracking.terminal import Terminal
        from runner.trained.run import find
    uri = arguments.store()
    old = find(uri, arguments.required("run"))
    then = rows_of(old)
    plain, folder = again(as_data(old.recorded(), wanted, arguments.of("data.root")), uri)
    tags: dict[str, str] = old.run.data.tags
    if arguments.choice(PLUGINS_CHANGED, CHANGED) == "refuse":
        refuse_changed("run", tags.get(TAG), plain["plugins"], f"{PLUGINS_CHANGED}=allow")
    config = check(plain)
    set_num_threads(threads_of(tags))
    told_apart = (f"rerun_of={old.run_id[:8]}",)
    launch = Launch(folder, tags.get("model", "model"), told_apart, command, rerun_of=old.run_id)
    for line in changes(surroundings_of(old), surroundings(config, launch, workers or ALONE)):
        print(in_a_line(f"not as it was: {line}"))
    for line in changes_since(tags.get(TAG), plain["plugins"]):
        print(in_a_line(f"not as it was: plugins: {line}"))
    folder.mkdir(parents=True, exist_ok=True)
    heard = Heard(Terminal())
    try:
        run(config, launch, heard, workers or ALONE)
    except DivergedError as error:  # which may be just what it did
        print(error, file=sys.stderr)
    is_same, told = verdict(then, compared(heard.rows))
    new = None if heard.run_id is None else find(uri, heard.run_id)
    print(in_a_line(told if is_same else told + reasons(old, new)))
    return 0 if is_same else 1


def rows_of(old: "TrainedRun") -> Rows:
    """What a run has measured that it can be held to.

    Raises:
        ConfigError: if there is no such thing.
        TrackingError: if the store can't be read.
    """
    if old.run.data.tags.get("sweep_id") == old.run_id:
        raise ConfigError([f"{KEY}: '{old.run_id}' is a sweep. Name one of its jobs by its run's id"])
    then = compared(old.history())
    if not then:
        raise ConfigError([f"{KEY}: run '{old.run_id}' has no epoch that another could be held against"])
    return then


def again(recorded: Plain, uri: str) -> tuple[Plain, Path]:
    """A run's config for another run, keys that are newer as by default, and that one's folder."""
    from runner.config.completed import completed  # imports pydantic
    from runner.config.compose import compose_run

    composed = compose_run([], None)
    plain = completed(recorded, composed.plain)
    plain["tracking"] = {**plain["tracking"], "uri": uri, "offline": False, "register": None}
    return plain, Path(composed.hydra.run.dir).absolute()


class Heard:
    """Shows a run, and remembers its numbers.

    Args:
        shown: shows it.

    Attributes:
        rows: what has been measured.
        run_id: the run's, once it has ended well.
    """

    def __init__(self, shown: "Display") -> None:
        self._shown = shown
        self.rows: Rows = {}
        self.run_id: str | None = None

    def _remember(self, epoch: int, metrics: Mapping[str, float]) -> None:
        self.rows |= {(epoch, name): value for name, value in metrics.items()}

    def training(self, name: str, parts: "Parts", epochs: int, done: int) -> AbstractContextManager[object]:
        """Show what is trained, and how far."""
        return self._shown.training(name, parts, epochs, done)

    def epoch(self, epoch: "Epoch") -> None:
        """Show and remember an epoch."""
        self._remember(epoch.number, epoch.metrics)
        self._shown.epoch(epoch)

    def finish(self, last: "Epoch", final: Mapping[str, float], location: "Location") -> None:
        """Show and remember the end."""
        self._remember(last_epoch(self.rows), final)
        self.run_id = location.run_id
        self._shown.finish(last, final, location)
