"""Functions over batches that are recorded once and replayed from then on."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from runner.engine.cuda_graph import CudaGraph
from runner.engine.program import Program
from runner.engine.recording import NotCapturableError, Recorder

log = logging.getLogger(__name__)


class Replay(Protocol):
    """A function with its arguments, to be computed anew."""

    def run(self) -> None:
        """Compute."""


class Captured:
    """A function whose calls become a flat list of operators on a CPU, a CUDA graph on a GPU.

    Called again on the same tensors, whatever they hold by then, it does what the function does, to the
    bit, without Python's and autograd's share of the work. A function that cannot be captured is called as
    it is, and the log says why.

    Args:
        function: takes tensors and changes others that stay where they are; returns nothing. All that it
            does to them is done by torch's operators, the same ones for every batch of a shape.
        device: where the tensors are.
    """

    def __init__(self, function: Callable[..., None], device: torch.device) -> None:
        self._function = function
        self._on_gpu = device.type == "cuda"
        self._replays: dict[tuple[object, ...], Replay] = {}
        self._capturable = True

    def __call__(self, *inputs: Tensor) -> None:
        """Call the function, record its call, or replay it."""
        if not self._capturable:
            self._function(*inputs)
            return
        replay = self._replays.get(key := tuple((tensor.data_ptr(), tensor.shape) for tensor in inputs))
        try:
            if replay is not None:
                replay.run()
            elif self._on_gpu:
                self._replays[key] = CudaGraph(partial(self._function, *inputs))
                self._replays[key].run()
            else:
                self._replays[key] = self._record(*inputs)
        except NotCapturableError as reason:
            log.warning("training step by step, it cannot be captured: %s", reason)
            self._capturable = False
            self._function(*inputs)

    def _record(self, *inputs: Tensor) -> Program:
        with Recorder() as recorder:
            self._function(*inputs)
        return Program(recorder.calls)
