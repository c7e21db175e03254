"""The article's listings, line by line, in eager Python.

Two things differ, so that it learns what the others learn: the velocity lasts (the article makes it anew in
every step), and weights are drawn within 1/sqrt(fan_in) (the article's are N(0, 1)).
"""

from collections.abc import Callable, Iterator
from typing import Protocol

import torch
from torch import Tensor

from benchmarks.programs import task as common
from benchmarks.programs.task import BATCH, BETA, Task, Timing


class Memory:
    """Listing 5: all tensors in one place; whoever pushes one keeps its address."""

    def __init__(self) -> None:
        self.values: list[Tensor] = []
        self.velocity: list[Tensor] = []

    def push(self, value: Tensor) -> int:
        """Keep a tensor and return its address."""
        self.values.append(value)
        self.velocity.append(torch.zeros(()))
        return len(self.values) - 1

    def new_push(self, size: tuple[int, int], bound: float, requires_grad: bool) -> int:
        """Draw a tensor within ``bound`` and keep it."""
        return self.push(torch.empty(size).uniform_(-bound, bound).requires_grad_(requires_grad))

    def get(self, address: int) -> Tensor:
        """The tensor at an address."""
        return self.values[address]

    def apply_grads_sgd_momentum(self, learning_rate: float) -> None:
        """One step of every tensor that has a gradient."""
        for counter, t in enumerate(self.values):
            if t.requires_grad:
                g = t.grad
                assert g is not None
                self.velocity[counter] = BETA * self.velocity[counter] + (1.0 - BETA) * g
                t.data = t.data - learning_rate * self.velocity[counter]
                g.zero_()


class Compute(Protocol):
    """Listing 3: whatever computes with tensors of a memory."""

    def forward(self, mem: Memory, input: Tensor) -> Tensor:
        """The result for a batch."""


class Linear:
    """Listing 3: ``input W + b``."""

    def __init__(self, mem: Memory, ninputs: int, noutputs: int) -> None:
        bound = ninputs**-0.5
        self.params = {
            "W": mem.new_push((ninputs, noutputs), bound, True),
            "b": mem.new_push((1, noutputs), bound, True),
        }

    def forward(self, mem: Memory, input: Tensor) -> Tensor:
        """``[B, ninputs]`` to ``[B, noutputs]``."""
        w = mem.get(self.params["W"])
        b = mem.get(self.params["b"])
        return input.matmul(w) + b


class MyModel:
    """Listing 1: 784-128-10."""

    def __init__(self, mem: Memory) -> None:
        self.l1 = Linear(mem, 784, 128)
        self.l2 = Linear(mem, 128, 10)

    def forward(self, mem: Memory, input: Tensor) -> Tensor:
        """Logits."""
        o = self.l1.forward(mem, input)
        o = o.relu()
        return self.l2.forward(mem, o)


def cross_entropy(target: Tensor, pred: Tensor) -> Tensor:
    """Listing 4."""
    return torch.nn.functional.nll_loss(pred.log_softmax(-1), target)


def get_batches(x: Tensor, y: Tensor, batch_size: int, shuffle: bool) -> Iterator[tuple[Tensor, Tensor]]:
    """Listing 7: the whole set in a new order, cut into batches."""
    num_rows = x.shape[0]
    num_batches = (num_rows + batch_size - 1) // batch_size
    indices = torch.randperm(num_rows) if shuffle else torch.arange(num_rows)
    x = x.index_select(0, indices)
    y = y.index_select(0, indices)
    for i in range(num_batches):
        start = i * batch_size
        end = min(start + batch_size, num_rows)
        yield x.narrow(0, start, end - start), y.narrow(0, start, end - start)


def train(
    mem: Memory,
    x: Tensor,
    y: Tensor,
    model: Compute,
    batch_size: int,
    errfunc: Callable[[Tensor, Tensor], Tensor],
    learning_rate: float,
) -> float:
    """Listing 6: one epoch, and its mean error."""
    batch_error = torch.tensor(0.0)
    batches = 0
    for batchx, batchy in get_batches(x, y, batch_size, True):
        pred = model.forward(mem, batchx)
        error = errfunc(batchy, pred)
        batch_error += error.detach()
        batches += 1
        torch.autograd.backward(error)
        mem.apply_grads_sgd_momentum(learning_rate)
    return batch_error.item() / batches


def measure(task: Task) -> Timing:
    """Listing 2, timed."""
    torch.set_num_threads(task.threads)
    torch.manual_seed(0)
    x, y = (torch.from_numpy(array) for array in task.mnist())
    mem = Memory()
    mymodel = MyModel(mem)
    return common.time_epochs(task, lambda: train(mem, x, y, mymodel, BATCH, cross_entropy, task.lr))


if __name__ == "__main__":
    common.main(measure)
