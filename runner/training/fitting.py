"""A snapshot from a file held against the training that it is to be put into, before anything changes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from runner.errors import CheckpointError
from runner.training.snapshot import Snapshot

MEASURED = ("train/loss", "lr", "time/epoch_seconds")
"""Metrics that every epoch has, which training goes by."""

SELECTED = "store.kept."
"""How the names of the best epoch's parameters and buffers begin, which are there once there is one."""


class Resumable(Protocol):
    """A training, of one model or of a stack."""

    def snapshot(self) -> Snapshot:
        """Its state."""

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a state."""


def restore_from_file(training: Resumable, snapshot: Snapshot, metrics: Iterable[str]) -> None:
    """Go on from a snapshot that a file holds.

    Args:
        training: at its beginning.
        snapshot: the state.
        metrics: those of each epoch that the config goes by.

    Raises:
        CheckpointError: if the state is another training's, or none.
    """
    try:
        refuse_unfit(snapshot, training.snapshot(), metrics)
        training.restore(snapshot)
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"the checkpoint does not fit this config: {error}") from error


def refuse_unfit(snapshot: Snapshot, fresh: Snapshot, metrics: Iterable[str]) -> None:
    """Refuse a snapshot that is none of this training's.

    Args:
        snapshot: from a file.
        fresh: of the training before its first epoch.
        metrics: those of each epoch that the config goes by.

    Raises:
        ValueError: naming what differs.
    """
    refuse_other_tensors(snapshot, fresh)
    refuse_other_numbers(snapshot, fresh)
    stacked = "histories" in fresh.values
    histories = snapshot.values.get("histories") if stacked else [snapshot.values.get("history")]
    count = len(fresh.values["histories"]) if stacked else 1
    if not isinstance(histories, list) or len(histories) != count:
        raise ValueError(f"histories: are not those of {count} models")
    for history in histories:
        refuse_other_history(history, snapshot.epoch, (*MEASURED, *metrics))
    if stacked and not isinstance(snapshot.values.get("is_recorded"), bool):
        raise ValueError("is_recorded: is neither true nor false")


def refuse_other_tensors(snapshot: Snapshot, fresh: Snapshot) -> None:
    """Refuse tensors of other names, shapes or types; what an optimizer makes at its first step is free."""
    expected = dict(fresh.tensors)
    expected |= {f"{SELECTED}{name}": fresh.tensors[f"store.{name}"] for name in ("params", "buffers")}
    for name, own in expected.items():
        there = snapshot.tensors.get(name)
        if there is None and name.startswith(SELECTED):
            continue
        if there is None or there.shape != own.shape or there.dtype != own.dtype:
            found = "nothing" if there is None else f"{list(there.shape)} of {there.dtype}"
            raise ValueError(f"{name}: expects {list(own.shape)} of {own.dtype}, gets {found}")
    made = has_state(fresh)
    for name in snapshot.tensors.keys() - expected.keys():
        if made or not name.startswith("rule."):
            raise ValueError(f"{name}: this training has no such tensor")


def refuse_other_numbers(snapshot: Snapshot, fresh: Snapshot) -> None:
    """Refuse what an optimizer's state can't be beside its tensors."""
    state = snapshot.values.get("rule")
    if not isinstance(state, Mapping) or (has_state(fresh) and state.keys() != fresh.values["rule"].keys()):
        raise ValueError("rule: is not the state of this optimizer")
    for name, value in state.items():
        if not isinstance(value, int | float):
            raise ValueError(f"rule.{name}: expects a number, gets {value!r}")


def has_state(fresh: Snapshot) -> bool:
    """Whether the optimizer makes its state before its first step."""
    return bool(fresh.values["rule"]) or any(name.startswith("rule.") for name in fresh.tensors)


def refuse_other_history(history: object, epochs: int, metrics: Sequence[str]) -> None:
    """Refuse what is no record of so many epochs, each with some metrics at least."""
    if not isinstance(history, list) or len(history) != epochs:
        raise ValueError(f"history: is not that of {epochs} epochs")
    for number, measured in enumerate(history, 1):
        values = measured if isinstance(measured, dict) else {}
        odd = [name for name, value in values.items() if not isinstance(value, int | float)]
        odd += [name for name in metrics if name not in values]
        if odd:
            raise ValueError(f"history: {odd[0]} of epoch {number} is no number")
