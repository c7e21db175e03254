"""The store that is used where no other is asked for."""

import os
from pathlib import Path

from runner.config import sqlite_uri


def tracking_uri() -> str:
    """The store that the environment names, else a SQLite file under the launch folder."""
    named = os.environ.get("MLFLOW_TRACKING_URI")
    return named or sqlite_uri.from_path(Path.cwd() / "outputs" / "mlflow.db")
