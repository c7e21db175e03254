"""From a YAML description of a neural-network experiment to a tracked result.

On the command line ``python -m runner model=mlp optim=momentum``, from Python
``runner.run(["model=mlp", "optim=momentum"])``.
"""

from runner.api import run
from runner.errors import ConfigError, DataError, DivergedError, RunnerError, TrackingError

__version__ = "0.1.0"

__all__ = ["ConfigError", "DataError", "DivergedError", "RunnerError", "TrackingError", "run"]
