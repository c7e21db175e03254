"""What a training loop goes on from, of one model or of a stack: gathered, and put back where it was."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor

from runner.data.batches import Batches
from runner.nn.store import ParameterStore
from runner.optim.rules import State
from runner.process.generators import seed_generators
from runner.training.snapshot import Snapshot, under, within


def seed_noise(store: ParameterStore, seed: int, epoch: int, rank: int = 0) -> None:
    """Let all that an epoch draws beside its order follow from a seed, the epoch's number and the worker.

    Layers draw from the store's generator, modules of ``torch.nn`` from that of the whole process, a plugin's
    parts perhaps from Python's or numpy's.
    """
    own = int.from_bytes(sha256(f"{seed} {epoch} {rank}".encode()).digest()[:8])
    torch.manual_seed(own)
    seed_generators(own)
    store.seed_noise(own)


def snapshot_of(
    epoch: int, store: ParameterStore, state: State, batches: Batches, values: Mapping[str, Any]
) -> Snapshot:
    """The state of store, rule and batch order after an epoch, and what else is told (``values``)."""
    tensors = {name: value.clone() for name, value in state.items() if isinstance(value, Tensor)}
    rule = {name: value for name, value in state.items() if name not in tensors}
    order = torch.stack([generator.get_state() for generator in batches.generators])
    return Snapshot(
        epoch=epoch,
        tensors=under("store.", store.snapshot()) | under("rule.", tensors) | {"order": order},
        values={**values, "rule": rule},
    )


def restore(snapshot: Snapshot, store: ParameterStore, state: State, batches: Batches) -> None:
    """Put everything back, into the memory that it was in, to which records of steps point.

    Raises:
        ValueError: if it is the state of another model, rule or number of models.
    """
    order = snapshot.tensors["order"].cpu()
    if len(order) != len(batches.generators):
        raise ValueError(f"order: expects {len(batches.generators)} generators, gets {len(order)}")
    store.restore(within("store.", snapshot.tensors))
    saved = {**within("rule.", snapshot.tensors), **snapshot.values["rule"]}
    for name in state.keys() - saved.keys():
        del state[name]
    for name, value in saved.items():
        there = state.get(name)
        if isinstance(there, Tensor) and isinstance(value, Tensor):
            if there.shape != value.shape:
                raise ValueError(f"{name}: expects {list(there.shape)}, gets {list(value.shape)}")
            there.copy_(value)
        else:
            state[name] = value
    for generator, own in zip(batches.generators, order, strict=True):
        generator.set_state(own.clone())  # torch reads from where its memory begins
