"""What epochs come to: which was best, and whether there is any use in another."""

import math
from collections.abc import Sequence

from runner.config.schema import Train
from runner.errors import DivergedError
from runner.objective import cost
from runner.training.loop import Epoch


def divergence(epoch: Epoch, policy: str = "fail") -> str | None:
    """What of an epoch is no finite number any more, if something is.

    Where updates that would do harm are left out (``skip``), a batch's loss may be none without any harm.
    """
    names = ["val/loss", "test/loss"] if policy == "skip" else ["train/loss", "val/loss", "test/loss"]
    for name in names:
        value = epoch.metrics.get(name, 0.0)
        if not math.isfinite(value):
            return f"{name} is {value}"
    return None if epoch.is_finite else "a parameter is no finite number"


def diverged(epoch: Epoch, problem: str, fault: str | None, lr: float) -> DivergedError:
    """The error that ends a run: the epoch, what is wrong, the step where that began."""
    where = f" ({fault})" if fault else ""
    return DivergedError(
        f"epoch {epoch.number}: {problem}{where}. A smaller optim.lr ({lr} now) "
        "or another initialiser may help"
    )


def over(epochs: Sequence[Epoch], train: Train, objective: str) -> str:
    """Why training is over; nothing if it isn't."""
    if not epochs:
        return ""
    reason = stops(epochs, train, objective)
    if reason is not None:
        return f"stopped after epoch {len(epochs)}: {reason}"
    return f"all {len(epochs)} epochs are done" if len(epochs) >= train.epochs else ""


def stops(epochs: Sequence[Epoch], train: Train, objective: str) -> str | None:
    """Why no other epoch shall begin, if so: nothing gets better any more, or the time is over."""
    stopping = train.early_stopping
    if stopping.patience is not None:
        metric = stopping.metric or objective
        since = epochs_since_improvement(
            [cost(metric, e.metrics[metric]) for e in epochs], stopping.min_delta
        )
        if since >= stopping.patience:
            return f"{metric} has not improved for {since} epoch{'s' if since > 1 else ''}"
    trained = sum(epoch.metrics["time/epoch_seconds"] for epoch in epochs)
    if train.max_time is not None and trained >= train.max_time:
        return f"it has trained for {trained:.3g} s, train.max_time is {train.max_time}"
    return None


def epochs_since_improvement(costs: Sequence[float], min_delta: float) -> int:
    """How many values there are after the last that improved on the best by more than ``min_delta``."""
    lowest, since = math.inf, 0
    for value in costs:
        improved = value < lowest - min_delta
        lowest, since = (value, 0) if improved else (lowest, since + 1)
    return since


def is_best(epochs: Sequence[Epoch], objective: str) -> bool:
    """Whether the last of the epochs is the best so far."""
    costs = [cost(objective, epoch.metrics[objective]) for epoch in epochs]
    return all(costs[-1] < before for before in costs[:-1])


def kept(epochs: Sequence[Epoch], train: Train, objective: str) -> Epoch:
    """The epoch whose weights are kept: the last, or the best."""
    costs = [cost(objective, epoch.metrics[objective]) for epoch in epochs]
    return epochs[costs.index(min(costs))] if train.restore_best else epochs[-1]


def best_epoch(epochs: Sequence[Epoch], objective: str) -> Epoch:
    """The first of those with the best objective."""
    return min(epochs, key=lambda epoch: cost(objective, epoch.metrics[objective]))


def best(epochs: Sequence[Epoch], objective: str) -> dict[str, float]:
    """The epoch with the best objective, and what was measured after it."""
    epoch = best_epoch(epochs, objective)
    measured = {name: value for name, value in epoch.metrics.items() if name.startswith(("val/", "test/"))}
    return {"best/epoch": epoch.number} | {f"best/{name}": value for name, value in measured.items()}
