"""Functions over batches that are recorded once and replayed from then on."""

import logging
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from runner.engine.cuda_graph import CudaGraph
from runner.engine.program import Program
from runner.engine.recording import record

log = logging.getLogger(__name__)


class Captured:
    """A function whose calls become a flat list of operators on a CPU, a CUDA graph on a GPU.

    Called again on the same tensors, whatever they hold by then, it runs the operators that the function
    called the first time, without Python's and autograd's share of the work: to the bit what the function
    computes, on a CPU up to the rounding of sums over narrow matrices (``narrow``). A function that cannot
    be captured is called as it is, and the log says why.

    Args:
        function: takes tensors and changes others that stay where they are; returns nothing. It does the
            same to every batch of a shape, and keeps nothing in Python from one to the next: a number or a
            list that it changes would stay what it was when the call was recorded.
        device: where the tensors are.
    """

    def __init__(self, function: Callable[..., None], device: torch.device) -> None:
        self._function = function
        self._on_gpu = device.type == "cuda"
        self._replays: dict[tuple[object, ...], Callable[[], None]] = {}
        self._capturable = True

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
            self._replays[key] = CudaGraph(partial(self._function, *inputs), self._give_up)
            self._replays[key]()
        else:
            calls, obstacle = record(self._function, *inputs)
            if obstacle is None:
                self._replays[key] = Program(calls).run
            else:
                self._give_up(obstacle)

    def _give_up(self, obstacle: str) -> None:
        log.warning("training step by step, it cannot be captured: %s", obstacle)
        self._capturable = False
