"""Commands of the pages that the tests can't type as they stand, each with the reason."""

import re
from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class Otherwise:
    """What is done in place of a command.

    Attributes:
        pattern: what the command has in it.
        reason: why it is not run as it stands.
        words: what is typed behind it; None: it is left out.
        without: a module; where it is installed, the command is run as it stands.
    """

    pattern: str
    reason: str
    words: str | None = None
    without: str | None = None


JOBLIB, SUBMITIT = (f"hydra_plugins.hydra_{name}_launcher" for name in ("joblib", "submitit"))

OTHERWISE = [
    Otherwise("^pip install", "would change what the tests run in; CI types README's two"),
    Otherwise("^pytest", "is what runs this"),
    Otherwise("^python -m benchmarks", "takes an hour, and is to be alone on the machine"),
    Otherwise(
        "^mlflow (ui|server|models serve)",
        "serves until it is stopped; a server of the tests' own stands for it",
    ),
    Otherwise("^runner ui", "serves until it is stopped; tests/browser opens its pages"),
    Otherwise("^curl ", "asks a server that serves a model; tests of serving do"),
    Otherwise("submitit_slurm", "needs a Slurm cluster"),
    Otherwise("launcher.address=auto", "needs a Ray cluster that runs, with GPUs"),
    Otherwise("launcher=ray", "needs the extra 'ray', tests/sweep/test_ray.py", without="ray"),
    Otherwise("launcher=joblib", "needs the extra 'joblib'", without=JOBLIB),
    Otherwise("launcher=submitit", "needs the extra 'slurm'", without=SUBMITIT),
    Otherwise("precision=tf32|device=cuda", "needs a GPU"),
    Otherwise(
        "data=mnist|experiment=(article|lenet_mnist|lstm_mnist)",
        "MNIST is where the tests have it; that the command fits together, a few samples show",
        "data.root={mnist} data.limit=256 train.epochs=1",
    ),
]


def otherwise(command: str) -> Otherwise | None:
    """What is done in place of a command, if it can't be run as it stands."""
    for each in OTHERWISE:
        if re.search(each.pattern, command) and (each.without is None or not is_installed(each.without)):
            return each
    return None


def is_installed(module: str) -> bool:
    """Whether a module is there."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
