"""How a run was started: what Hydra knows of it beyond the config."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from runner.process.masking import masked_value


@dataclass(frozen=True)
class Launch:
    """Where a run writes and what it is called.

    Attributes:
        folder: the run's own folder.
        model: the name of the model's YAML.
        differing: overrides that tell this run from others, as typed but for secrets (``optim.lr=0.3``).
        command: the command line or call that started it, without secrets.
        parent: the MLflow run of the sweep that it belongs to.
        job: its number in the sweep.
        rerun_of: the run that it does again.
        began: when a run that goes on was begun, in milliseconds since 1970.
    """

    folder: Path
    model: str
    differing: tuple[str, ...]
    command: str
    parent: str | None = None
    job: int | None = None
    rerun_of: str | None = None
    began: int | None = None

    def run_name(self, optim: str, seed: object) -> str:
        """What the run is called in MLflow: ``mlp-momentum lr=0.3 seed=0``."""
        pairs = dict(override.lstrip("+").split("=", 1) for override in self.differing if "=" in override)
        shown = {key: value for key, value in pairs.items() if key not in ("model", "optim", "optim.type")}
        shown.setdefault("seed", str(seed))
        short = {key: key.rsplit(".", 1)[-1] for key in shown}
        clashing = {name for name in short.values() if list(short.values()).count(name) > 1}
        words = [
            f"{key if short[key] in clashing else short[key]}={value}"
            for key, value in sorted(shown.items(), key=lambda item: item[0] == "seed")
        ]
        return " ".join([f"{self.model}-{optim}", *words])


def command_line() -> str:
    """The command line that started this process, as it can be typed again, but for secrets."""
    return shlex.join(["python", "-m", "runner", *map(masked_value, sys.argv[1:])])
