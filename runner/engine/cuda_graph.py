"""A function's kernels as one CUDA graph: launched at once, without Python or torch in between."""

from collections.abc import Callable

import torch

WARM_UP = 3
"""Calls before a capture, in which libraries choose their kernels and allocate what they work with."""


class CudaGraph:
    """A function that is called as it is a few times, then captured, then replayed.

    The first calls are real ones, on the side stream that torch asks for, so that nothing has to be
    undone; capturing computes nothing.

    Args:
        function: works on tensors that stay where they are.
        give_up: is told why the function can't be captured, if it can't: a graph never waits for the GPU.
    """

    def __init__(self, function: Callable[[], None], give_up: Callable[[str], None]) -> None:
        self._function = function
        self._give_up = give_up
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        """Compute."""
        self._calls += 1
        if self._calls <= WARM_UP:
            self._warm_up()
            return
        if self._graph is None:
            graph = torch.cuda.CUDAGraph()
            try:
                with torch.cuda.graph(graph):
                    self._function()
            except RuntimeError as error:
                self._give_up(str(error).splitlines()[0])
                self._function()
                return
            self._graph = graph
        self._graph.replay()

    def _warm_up(self) -> None:
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            self._function()
        torch.cuda.current_stream().wait_stream(side)
