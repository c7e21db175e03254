"""Plain PyTorch as its tutorials have it: ``nn``, ``torch.optim``, ``DataLoader``."""

import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.programs import task as common
from benchmarks.programs.task import BATCH, Task, Timing
from benchmarks.programs.torch_parts import make_model, make_rule, tensors


def measure(task: Task) -> Timing:
    """Train and time."""
    loader = DataLoader(TensorDataset(*tensors(task)), BATCH, shuffle=True, num_workers=0)
    model = make_model(task.model).to(task.device)
    rule = make_rule(model, task)

    def epoch() -> float:
        total = torch.zeros((), device=task.device)
        for images, labels in loader:
            rule.zero_grad()
            loss = cross_entropy(model(images), labels)
            torch.autograd.backward(loss)
            rule.step()
            total += loss.detach()
        return total.item() / len(loader)

    return common.time_epochs(task, epoch)


if __name__ == "__main__":
    common.main(measure)
