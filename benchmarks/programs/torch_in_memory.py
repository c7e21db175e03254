"""Plain PyTorch without the DataLoader: each batch is taken out of tensors that lie in memory."""

import torch
from torch.nn.functional import cross_entropy

from benchmarks.programs import task as common
from benchmarks.programs.task import BATCH, Task, Timing
from benchmarks.programs.torch_parts import make_model, make_rule, tensors


def measure(task: Task) -> Timing:
    """Train and time."""
    images, labels = tensors(task)
    model = make_model(task.model).to(task.device)
    rule = make_rule(model, task)

    def epoch() -> float:
        total = torch.zeros((), device=task.device)
        batches = torch.split(torch.randperm(len(labels), device=task.device), BATCH)
        for indices in batches:
            rule.zero_grad()
            loss = cross_entropy(model(images[indices]), labels[indices])
            torch.autograd.backward(loss)
            rule.step()
            total += loss.detach()
        return total.item() / len(batches)

    return common.time_epochs(task, epoch)


if __name__ == "__main__":
    common.main(measure)
