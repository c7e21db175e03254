"""A function's kernels as one CUDA graph: launched at once, without Python or torch in between."""

from collections.abc import Callable

import torch
from torch import Tensor

from runner.engine.recording import NotCapturableError

WARM_UP = 3
"""Calls before a capture, in which libraries choose their kernels and allocate what they work with."""


class CudaGraph:
    """A function that is called as it is a few times, then captured, then replayed.

    The first calls are real ones, on the side stream that torch asks for, so that nothing has to be
    undone.

    Args:
        function: works on tensors that stay where they are, and never waits for the GPU.

    Attributes:
        result: the tensor that holds what the function returns, after a run.
    """

    def __init__(self, function: Callable[[], Tensor | None]) -> None:
        self._function = function
        self._calls = 0
        self.result: Tensor | None = None
        self._graph: torch.cuda.CUDAGraph | None = None

    def run(self) -> None:
        """Compute.

        Raises:
            NotCapturableError: if the function does what a graph cannot hold.
        """
        self._calls += 1
        if self._graph is None and self._calls <= WARM_UP:
            self._warm_up()
            return
        if self._graph is None:
            self._graph = self._capture()
        self._graph.replay()

    def _warm_up(self) -> None:
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            self.result = self._function()
        torch.cuda.current_stream().wait_stream(side)

    def _capture(self) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                self.result = self._function()
        except RuntimeError as error:
            raise NotCapturableError(str(error).splitlines()[0]) from error
        return graph
