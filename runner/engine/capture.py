"""Functions over batches that are recorded once and replayed from then on."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Generic, Protocol, TypeVar, cast

import torch
from torch import Tensor

from runner.engine.cuda_graph import CudaGraph
from runner.engine.program import Program
from runner.engine.recording import NotCapturableError, Recorder

log = logging.getLogger(__name__)


Result = TypeVar("Result", bound=Tensor | None)


class Replay(Protocol):
    """A function with its arguments, to be computed anew."""

    result: Tensor | None

    def run(self) -> None:
        """Compute; what the function returns is in ``result``."""


class Captured(Generic[Result]):
    """A function whose calls become a flat list of operators on a CPU, a CUDA graph on a GPU.

    Called again on the same tensors, whatever they hold by then, it does what the function does, to the
    bit, without Python's and autograd's share of the work. A function that cannot be captured is called as
    it is, and the log says why.

    Args:
        function: takes tensors, changes others that stay where they are, and returns one or none. All that
            it does to them is done by torch's operators, the same ones for every batch of a shape.
        device: where the tensors are.
    """

    def __init__(self, function: Callable[..., Result], device: torch.device) -> None:
        self._function = function
        self._on_gpu = device.type == "cuda"
        self._replays: dict[tuple[object, ...], Replay] = {}
        self._capturable = True

    def __call__(self, *inputs: Tensor) -> Result:
        """Call the function, record its call, or replay it; the result holds until the next call."""
        if not self._capturable:
            return self._function(*inputs)
        # with gradients or without: an LSTM keeps what its backward pass reads only where they are enabled
        key = torch.is_grad_enabled(), *[(tensor.data_ptr(), tensor.shape) for tensor in inputs]
        replay = self._replays.get(key)
        try:
            if replay is None and not self._on_gpu:
                return self._record(key, *inputs)
            if replay is None:
                replay = self._replays[key] = CudaGraph(partial(self._function, *inputs))
            replay.run()
        except NotCapturableError as reason:
            log.warning("training step by step, it cannot be captured: %s", reason)
            self._capturable = False
            return self._function(*inputs)
        return cast(Result, replay.result)

    def _record(self, key: tuple[object, ...], *inputs: Tensor) -> Result:
        recorder = Recorder()
        with recorder:
            result = self._function(*inputs)
        self._replays[key] = Program(recorder.calls, result)
        return result
