"""The same comparison on a GPU, where there is one."""

from benchmarks.results import Findings
from benchmarks.sections.epochs import DATALOADER, IN_MEMORY, LIGHTNING, Race
from benchmarks.sections.section import NotMeasuredError, Section, Setup

RACE = Race("mlp", {LIGHTNING: None, DATALOADER: None, IN_MEMORY: None}, device="cuda")


def measure(setup: Setup) -> Findings:
    """MNIST 784-128-10, or the reason why not."""
    import torch

    if not torch.cuda.is_available():
        raise NotMeasuredError("the GPU was not measured, torch sees none")
    findings = RACE(setup)
    return findings.model_copy(update={"notes": (f"On one {torch.cuda.get_device_name()}.", *findings.notes)})


GPU = Section("MNIST, 784-128-10, on a GPU", measure)
