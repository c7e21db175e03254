"""Functions over batches that are recorded once and replayed from then on."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor

from runner.engine.cuda_graph import CudaGraph
from runner.engine.impure_calls import ImpureCalls
from runner.engine.program import Program
from runner.engine.python_state import State, Watch, difference
from runner.engine.recording import record

log = logging.getLogger(__name__)


class Captured:
    """A function whose calls become a flat list of operators on a CPU, a CUDA graph on a GPU.

    Called again on the same tensors, whatever they hold by then, it runs the operators that the function
    called the first time, without Python's and autograd's share of the work: to the bit what the function
    computes, on a CPU up to the rounding of sums over narrow matrices (``narrow``). A function that cannot
    be captured is called as it is, and the log says why.

    A plugin's part may count batches in an attribute or draw from Python's and numpy's generators: a record
    would repeat what it was when it was made. Such a call is not recorded; a second one like it ends all
    recording, for a first one may only have put something by for later.

    Args:
        function: takes tensors and changes others that stay where they are; returns nothing. It does the
            same to every batch of a shape.
        device: where the tensors are.
        parts: whose Python state the function may read or change, by what a user calls them.

    Attributes:
        python_state: why nothing is recorded, if it is Python state that changes from call to call.
    """

    def __init__(
        self, function: Callable[..., None], device: torch.device, parts: Mapping[str, object] | None = None
    ) -> None:
        self._function = function
        self._on_gpu = device.type == "cuda"
        self._replays: dict[tuple[object, ...], Callable[[], None]] = {}
        self._watch = Watch(parts or {})
        self._state: State = {}
        self._changing: Counter[tuple[object, ...]] = Counter()
        self._capturable = True
        self.python_state: str | None = None

    def __call__(self, *inputs: Tensor) -> None:
        """Call the function, record its call, or replay it."""
        if not self._capturable:
            self._function(*inputs)
            return
        # with gradients or without: an LSTM keeps what its backward pass reads only where they are enabled
        key = torch.is_grad_enabled(), *[(tensor.data_ptr(), tensor.shape) for tensor in inputs]
        replay = self._replays.get(key)
        if replay is not None:
            replay()
        elif self._on_gpu:
            self._replays[key] = CudaGraph(partial(self._watched, key, *inputs), self._give_up)
            self._replays[key]()
        else:
            self._record(key, *inputs)

    @property
    def is_watched(self) -> bool:
        """Whether there may be Python state: then first calls may not be recorded yet."""
        return self._watch.is_needed

    def forget_if_changed(self) -> None:
        """Record anew from here on if Python state is another than after the last recorded call."""
        if self._replays and difference(self._state, self._watch.look()):
            self._replays.clear()

    def _record(self, key: tuple[object, ...], *inputs: Tensor) -> None:
        with self._repeatable(key) as problems:
            calls, obstacle = record(self._function, *inputs)
        if obstacle is not None:
            self._give_up(obstacle)
        elif not problems:
            self._replays[key] = Program(calls).run

    def _watched(self, key: tuple[object, ...], *inputs: Tensor) -> None:
        with self._repeatable(key):
            self._function(*inputs)

    @contextmanager
    def _repeatable(self, key: tuple[object, ...]) -> Iterator[list[str]]:
        """The context of a call that is to be repeated; in the list is, afterwards, why it can't be."""
        problems: list[str] = []
        if not self._watch.is_needed:
            yield problems
            return
        before = self._watch.look()
        with ImpureCalls() as impure:
            yield problems
        self._state = self._watch.look()
        changed = difference(before, self._state)
        if impure.found:
            problems.append(f"{impure.found} gives something else each time")
        elif changed:
            problems.append(f"{changed} changes from batch to batch")
        if problems:
            self._changing[key] += 1
            if self._changing[key] > 1:
                self.python_state = problems[0]
                self._give_up(problems[0])

    def _give_up(self, obstacle: str) -> None:
        if self._capturable:
            log.warning("training step by step, it cannot be captured: %s", obstacle)
        self._capturable = False
