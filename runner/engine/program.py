"""A recorded function as a flat list of operator calls on memory that stays where it is.

Run again, the list computes what the function computes on whatever its input buffers hold by then. Autograd
has no part in it any more, views are there already, and results go where they are wanted: a gradient into
its slice of the store, an intermediate value into memory that an earlier one has left.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_map_only

from runner.engine.memory import Memory
from runner.engine.narrow import Turned, turn_narrow
from runner.engine.operators import (
    CLONES,
    CONSTANT,
    DIRECT,
    aten,
    in_place_variant,
    out_variant,
    takes_place,
)
from runner.engine.recording import Call, storage_of

Step = Callable[[], object]


class Program:
    """The calls of a recorded function, ready to be repeated.

    Args:
        calls: what was recorded, every tensor of it still alive.
    """

    def __init__(self, calls: Sequence[Call]) -> None:
        own = {storage_of(result) for call in calls for result in call.fresh}
        written = {storage_of(tensor) for call in calls if call.writes for tensor in call.tensors}
        calls = [call for call in calls if call.writes or (call.fresh and not is_constant(call, written))]
        calls, turned = turn_narrow(calls)
        moved = needless_copies(calls, own, turned)
        memory = Memory(calls, moved, turned)
        self._steps: list[Step] = []
        for place, call in enumerate(calls):
            self._steps += bind(call, place, memory)
            memory.free_after(place)

    def run(self) -> None:
        """Compute everything anew; gradients have to be enabled or not as they were."""
        for step in self._steps:
            step()


def is_constant(call: Call, written: set[int]) -> bool:
    """Whether a call need not be repeated: it gives the same in every run, as does a number as a tensor."""
    same = call.operator in CONSTANT or (call.operator in CLONES and not call.tensors)
    return same and not any(storage_of(result) in written for result in call.fresh)


def needless_copies(calls: Sequence[Call], own: set[int], turned: Turned) -> list[tuple[Tensor, Tensor]]:
    """Copies ``(source, target)`` whose source can be computed in the target's place at once.

    That is so if the target's memory is none that the function makes (``own``), the source is contiguous,
    fills its memory, is not ``turned`` and comes from an operator that writes where it is told, and if
    nothing else reads the source later or touches the target meanwhile.
    """
    made = {storage_of(call.fresh[0]): place for place, call in enumerate(calls) if takes_place(call)}
    for storage in turned:
        made.pop(storage, None)
    touched = [{storage_of(tensor) for tensor in call.tensors} for call in calls]
    found: dict[int, tuple[Tensor, Tensor]] = {}
    for place, call in enumerate(calls):
        pairs = copies(call)
        if interfere(pairs):
            continue
        for source, target in pairs:
            storage = storage_of(source)
            whole = source.is_contiguous() and source.nbytes == source.untyped_storage().nbytes()
            fits = target.is_contiguous() and (source.dtype, source.size()) == (target.dtype, target.size())
            if (
                (whole and fits and storage in made and storage_of(target) not in own)
                and not any(storage in later for later in touched[place + 1 :])
                and not any(storage_of(target) in other for other in touched[made[storage] : place])
            ):
                found.setdefault(storage, (source, target))
    return list(found.values())


def copies(call: Call) -> list[tuple[Tensor, Tensor]]:
    """The pairs of source and target of a call that does nothing but copy."""
    if call.operator is aten._foreach_copy_.default:
        return list(zip(call.args[1], call.args[0], strict=True))
    return [(call.args[1], call.args[0])] if call.operator is aten.copy_.default else []


def interfere(pairs: Sequence[tuple[Tensor, Tensor]]) -> bool:
    """Whether the order of some copies matters: one writes what another reads or writes."""
    ranges = sorted(
        (storage_of(target), target.storage_offset(), target.storage_offset() + target.numel())
        for _, target in pairs
    )
    overlap = any(a[0] == b[0] and a[2] > b[1] for a, b in pairwise(ranges))
    return overlap or not {storage_of(s) for s, _ in pairs}.isdisjoint(place for place, _, _ in ranges)


def bind(call: Call, place: int, memory: Memory) -> list[Step]:
    """A call's repetition, in the cheapest form that it has."""
    operator, fresh = call.operator, call.fresh
    pairs = copies(call)
    if pairs:
        return [partial(memory.at(t).copy_, memory.at(s)) for s, t in pairs if not memory.is_moved(s, t)]
    if not fresh:
        return [repeat(operator, call, memory)]
    if torch.Tag.pointwise in operator.tags and not call.writes:
        overwriting = in_place_variant(operator)
        first = storage_of(call.tensors[0]) if call.tensors else None
        own = [tensor for tensor in call.tensors if storage_of(tensor) == first]
        if overwriting and memory.inherit(fresh[0], place, own):
            return [repeat(overwriting, call, memory)]
        if takes_place(call):
            memory.inherit(fresh[0], place, call.tensors)
    if not takes_place(call):
        return [repeat_afloat(call, memory)]
    if operator in CLONES:
        return [partial(memory.settle(fresh[0]).copy_, memory.at(call.args[0]))]
    variant = out_variant(operator)
    assert variant is not None
    outs = {name: memory.settle(result) for name, result in zip(variant.outs, fresh, strict=True)}
    return [repeat(variant.operator, call, memory, outs)]


def repeat(
    operator: OpOverload, call: Call, memory: Memory, outs: Mapping[str, Tensor] | None = None
) -> Step:
    """The operator on a call's arguments, writing into ``outs``."""
    args, kwargs = tree_map_only(Tensor, memory.at, (call.args, dict(call.kwargs)))
    return partial(DIRECT.get(operator, operator), *args, **kwargs, **(outs or {}))


def repeat_afloat(call: Call, memory: Memory) -> Step:
    """The operator with results in memory of its own choice, to which their readers are pointed."""
    compute = repeat(call.operator, call, memory)
    known = {id(tensor) for tensor in call.fresh}
    readers = [
        (i, memory.let_float(r)) for i, r in enumerate(call.results) if r is not None and id(r) in known
    ]

    def step() -> None:
        made = compute()
        results = made if isinstance(made, tuple | list) else (made,)
        for index, pointed in readers:
            storage = results[index].untyped_storage()
            for reader in pointed:
                reader.point_to(storage)

    return step
