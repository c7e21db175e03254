"""The floor: the five matrix products of a 784-128-10 step and nothing else.

No data is read but the number of samples, nothing is learnt: each product goes into a buffer that is there,
from operands that stay in the cache.
"""

import torch
from torch import Tensor

from benchmarks.programs import task as common
from benchmarks.programs.task import BATCH, Task, Timing, time_epochs


class Step:
    """The products of a step on a batch of ``size`` samples."""

    def __init__(self, size: int) -> None:
        self.x, self.h, self.d = torch.rand(size, 784), torch.rand(size, 128), torch.rand(size, 10)
        self.W1, self.W2 = torch.rand(784, 128), torch.rand(128, 10)
        self.o1, self.o2, self.dh = torch.empty(size, 128), torch.empty(size, 10), torch.empty(size, 128)
        self.gW1, self.gW2 = torch.empty(784, 128), torch.empty(128, 10)

    def run(self) -> Tensor:
        """Forward twice, backward thrice."""
        torch.mm(self.x, self.W1, out=self.o1)
        torch.mm(self.h, self.W2, out=self.o2)
        torch.mm(self.h.t(), self.d, out=self.gW2)
        torch.mm(self.d, self.W2.t(), out=self.dh)
        return torch.mm(self.x.t(), self.dh, out=self.gW1)


def measure(task: Task) -> Timing:
    """Time them; there is no loss."""
    torch.set_num_threads(task.threads)
    samples = len(task.mnist()[1])
    full, rest = divmod(samples, BATCH)
    step = Step(BATCH)
    last = Step(rest)

    def epoch() -> float:
        for _ in range(full):
            step.run()
        if rest:
            last.run()
        return 0.0

    return Timing(time_epochs(task, epoch).seconds, losses=[])


if __name__ == "__main__":
    common.main(measure)
