"""Lightning: a LightningModule, a DataLoader, and the Trainer in the mode that it has for measuring itself.

``barebones=True`` leaves out logger, checkpoints, progress bar and summary.
"""

import logging
import warnings
from time import perf_counter

import lightning
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.programs import task as common
from benchmarks.programs.task import BATCH, Task, Timing
from benchmarks.programs.torch_parts import make_model, make_rule, tensors


class Classifier(LightningModule):
    """A model that times its own epochs."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task
        self.model = make_model(task.model)
        self.seconds: list[float] = []
        self.losses: list[float] = []

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The rule that all programs have."""
        return make_rule(self.model, self.task)

    def on_train_epoch_start(self) -> None:
        """The epoch's batches have not been asked for yet."""
        self.started = perf_counter()
        self.steps, self.total = 0, torch.zeros((), device=self.device)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """One batch's loss."""
        images, labels = batch
        loss = cross_entropy(self.model(images), labels)
        self.total += loss.detach()
        self.steps += 1
        return loss

    def on_train_epoch_end(self) -> None:
        """The last step is done."""
        self.losses.append(self.total.item() / self.steps)
        self.seconds.append(perf_counter() - self.started)


def measure(task: Task) -> Timing:
    """Train and time."""
    warnings.filterwarnings("ignore")  # advice on workers and barebones, which are meant so
    logging.getLogger(lightning.pytorch.__name__).setLevel(logging.ERROR)
    images, labels = (tensor.cpu() for tensor in tensors(task))
    loader = DataLoader(TensorDataset(images, labels), BATCH, shuffle=True, num_workers=0)
    classifier = Classifier(task)
    accelerator = "gpu" if task.device == "cuda" else "cpu"
    trainer = Trainer(max_epochs=1 + task.epochs, accelerator=accelerator, devices=1, barebones=True)
    trainer.fit(classifier, loader)
    return Timing(classifier.seconds[1:], classifier.losses)


if __name__ == "__main__":
    common.main(measure)
