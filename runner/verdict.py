"""What epochs come to: which was best, and whether there is any use in another."""

import math
from collections.abc import Sequence

from runner.errors import DivergedError
from runner.loop import Epoch
from runner.objective import cost


def stop_if_diverged(epoch: Epoch, lr: float) -> None:
    """Training is over when a loss is no number any more.

    Raises:
        DivergedError: naming the epoch and the loss.
    """
    for name in ("train/loss", "test/loss"):
        value = epoch.metrics[name]
        if not math.isfinite(value):
            raise DivergedError(
                f"epoch {epoch.number}: {name} is {value}. A smaller optim.lr ({lr} now) "
                "or another initialiser may help"
            )


def best(epochs: Sequence[Epoch], objective: str) -> dict[str, float]:
    """The epoch with the best objective, and what was measured after it."""
    epoch = min(epochs, key=lambda epoch: cost(objective, epoch.metrics[objective]))
    measured = {name: value for name, value in epoch.metrics.items() if name.startswith("test/")}
    return {"best/epoch": epoch.number} | {f"best/{name}": value for name, value in measured.items()}
