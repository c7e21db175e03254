"""Where the values of a recorded program lie."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, UntypedStorage

from runner.engine.narrow import Turned, view_turned
from runner.engine.recording import Call, storage_of


class Reader(NamedTuple):
    """A tensor that is pointed to new memory in each run, and which view of that memory it is."""

    tensor: Tensor
    offset: int
    size: torch.Size
    stride: tuple[int, ...]

    def point_to(self, storage: UntypedStorage) -> None:
        """Read that memory from now on."""
        self.tensor.set_(storage, self.offset, self.size, self.stride)


class Memory:
    """A place for everything that a program computes, chosen once.

    What a run computes is written over when nobody reads it any more, the latest first, as it is the
    likeliest to be in the cache still. Tensors from outside (parameters, input buffers) stay where they
    are. Results whose memory only their operator can allocate float: each run points their readers anew.

    Args:
        calls: the recorded calls, in the order that the program makes them.
        moved: pairs of a computed tensor, which fills its memory, and a place from outside to compute it in.
        turned: what is stored column by column.
    """

    def __init__(self, calls: Sequence[Call], moved: Sequence[tuple[Tensor, Tensor]], turned: Turned) -> None:
        last_use = {
            storage_of(tensor): place
            for place, call in enumerate(calls)
            for tensor in (*call.tensors, *call.fresh)
        }
        self._dying: defaultdict[int, set[int]] = defaultdict(set)
        for storage, place in last_use.items():
            self._dying[place].add(storage)
        self._moved = moved
        self._turned = turned
        self._homes: dict[int, tuple[UntypedStorage, int]] = {
            storage_of(source): (target.untyped_storage(), int(target.storage_offset()) * target.itemsize)
            for source, target in moved
        }
        self._reserved = set(self._homes)
        self._free: defaultdict[int, list[UntypedStorage]] = defaultdict(list)
        self._readers: dict[int, list[Reader]] = {}

    def is_moved(self, source: Tensor, target: Tensor) -> bool:
        """Whether ``source`` is computed in the place of ``target``."""
        return any(source is s and target is t for s, t in self._moved)

    def settle(self, tensor: Tensor) -> Tensor:
        """Find room for a tensor that is about to be computed."""
        storage = storage_of(tensor)
        if storage not in self._homes and storage not in self._readers:
            size = tensor.untyped_storage().nbytes()
            room = self._free[size].pop() if self._free[size] else UntypedStorage(size)  # type: ignore[no-untyped-call]
            self._homes[storage] = (room, 0)
        return self.at(tensor)

    def let_float(self, tensor: Tensor) -> list[Reader]:
        """Leave a tensor's memory to its operator; gives its readers, a list that is filled later."""
        return self._readers.setdefault(storage_of(tensor), [])

    def inherit(self, heir: Tensor, place: int, candidates: Sequence[Tensor]) -> bool:
        """Let a tensor be computed over one of those that a call reads for the last time, if it can.

        It can if every view of that memory that the call reads lies as the tensor itself: elementwise, a
        value is then read before it is written over.
        """
        new = storage_of(heir)
        for old in candidates:
            storage = storage_of(old)
            owned = storage in self._homes or storage in self._readers
            last = storage in self._dying[place] and storage not in self._reserved
            views = [tensor for tensor in candidates if storage_of(tensor) == storage]
            alike = all(layout_of(view) == layout_of(heir) for view in views)
            alike &= self._turned.get(storage) == self._turned.get(new)
            if owned and last and alike and new not in self._homes:
                if storage in self._homes:
                    self._homes[new] = self._homes[storage]
                else:
                    self._readers[new] = self._readers[storage]
                self._reserved.add(storage)  # handed on, so not free
                return True
        return False

    def free_after(self, place: int) -> None:
        """Make the room of what the call at ``place`` was the last to read free for others."""
        for storage in self._dying[place] - self._reserved:
            if storage in self._homes:
                room, _ = self._homes[storage]
                self._free[room.nbytes()].append(room)

    def at(self, tensor: Tensor) -> Tensor:
        """The tensor that stands for a recorded one in the program: the same view, in its place."""
        storage = storage_of(tensor)
        if storage in self._homes:
            room, first = self._homes[storage]
            offset, strides = self._view(tensor)
            offset += first // tensor.itemsize
            return torch.empty(0, dtype=tensor.dtype).set_(room, offset, tensor.size(), strides)
        stand_in = tensor.detach()
        if storage in self._readers:
            self._readers[storage].append(
                Reader(stand_in, int(tensor.storage_offset()), tensor.size(), tensor.stride())
            )
        return stand_in

    def _view(self, tensor: Tensor) -> tuple[int, tuple[int, ...]]:
        """Which view of its memory a tensor is: its offset and strides."""
        shape = self._turned.get(storage_of(tensor))
        view = view_turned(tensor, shape) if shape else (int(tensor.storage_offset()), tensor.stride())
        assert view is not None, "only what has such views alone is turned"
        return view


def layout_of(tensor: Tensor) -> tuple[object, ...]:
    """How a tensor's values lie in its memory."""
    size = tensor.untyped_storage().nbytes()
    return tensor.dtype, tensor.size(), tensor.stride(), tensor.storage_offset(), size
