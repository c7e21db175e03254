"""Where runs are found."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from runner import sqlite_uri


@dataclass(frozen=True)
class Location:
    """Where a run is found: the store, the experiment in it, the run."""

    uri: str
    experiment_id: str
    run_id: str

    @property
    def how_to_look(self) -> str:
        """The command, or for a server the page, that shows the run."""
        if self.uri.startswith("http"):
            return f"{self.uri.rstrip('/')}/#/experiments/{self.experiment_id}/runs/{self.run_id}"
        path = sqlite_uri.to_path(self.uri)
        uri = self.uri
        if path is not None and path.is_relative_to(Path.cwd()):
            uri = sqlite_uri.from_path(path.relative_to(Path.cwd()))
        return f"mlflow ui --backend-store-uri {shlex.quote(uri)}"
