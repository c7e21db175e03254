"""Where runs are found."""

import json
import shlex
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runner.config.overrides import as_override
from runner.config.tracking_uri import tracking_uri
from runner.process import atomic
from runner.process.masking import masked_value

PARENT = "parent.json"
"""What a sweep's folder says of its parent run."""

UI = "python -m runner ui"
"""The command that shows MLflow's pages on the usual store."""


@dataclass(frozen=True)
class Location:
    """Where a run is found: the store, the experiment in it, the run.

    Attributes:
        uri: of the store.
        experiment_id: empty as long as there is no run.
        run_id: a name of this machine's own as long as there is none.
        spooled: the folder of a run that is not in the store yet.
    """

    uri: str
    experiment_id: str
    run_id: str
    spooled: str | None = None

    @classmethod
    def read(cls, path: Path) -> "Location":
        """What ``write`` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def found(cls, path: Path) -> "Location | None":
        """The same, if the file is there and whole."""
        with suppress(OSError, ValueError, TypeError):
            return cls.read(path)
        return None

    def write(self, path: Path) -> None:
        """Write it to a file, whole or not at all; the URI may hold secrets."""
        atomic.write_private(path, json.dumps(vars(self)))

    @property
    def how_to_look(self) -> str:
        """The command, or for a server the page, that shows the run; or that brings it into the store."""
        if self.spooled is not None:
            return how_to_send(Path(self.spooled), self.uri)
        if self.uri.startswith("http"):
            server = masked_value(self.uri).rstrip("/")
            return f"{server}/#/experiments/{self.experiment_id}/runs/{self.run_id}"
        return " ".join([UI, *map(shlex.quote, which_store(self.uri))])


def how_to_send(folder: Path, uri: str) -> str:
    """The command that sends what lies in a run's folder to the store that it names."""
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    return f"python -m runner sync {shlex.join([str(shown), *which_store(uri)])}"


def which_store(uri: str) -> list[str]:
    """The word of a command line that names a store, unless it is the one that is taken without."""
    return [] if uri == tracking_uri() else [f"tracking.uri={as_override(masked_value(uri))}"]
