"""What the programs on ``torch.nn`` share: the models, the rule, the data as tensors."""

import torch
from torch import Tensor, nn

from benchmarks.programs.task import BETA, Task


class LSTMClassifier(nn.Module):
    """Reads an image ``[B, 28, 28]`` row by row; the last row's hidden state gives the logits ``[B, 10]``."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(28, 128, batch_first=True)
        self.head = nn.Linear(128, 10)

    def forward(self, rows: Tensor) -> Tensor:
        """Logits."""
        hidden, _ = self.lstm(rows)
        logits: Tensor = self.head(hidden[:, -1])
        return logits


def make_model(name: str) -> nn.Module:
    """The model of a task; torch's own defaults draw weights and biases within 1/sqrt(fan_in)."""
    if name == "mlp":
        return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    if name == "lstm":
        return LSTMClassifier()
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def make_rule(model: nn.Module, task: Task) -> torch.optim.Optimizer:
    """The article's momentum as torch has it.

    It differs in the first step alone: torch starts its velocity with the whole first gradient, the
    article with 0.1 of it.
    """
    return torch.optim.SGD(model.parameters(), task.lr, momentum=BETA, dampening=BETA)


def tensors(task: Task) -> tuple[Tensor, Tensor]:
    """The training data on the task's device, and torch with as many threads as the task allows."""
    torch.set_num_threads(task.threads)
    torch.manual_seed(0)
    images, labels = task.mnist()
    return torch.from_numpy(images).to(task.device), torch.from_numpy(labels).to(task.device)
