"""All sections by the names that the command line knows, in the page's order."""

from benchmarks.sections.checkpoints import CHECKPOINTS
from benchmarks.sections.epochs import LENET, LSTM, MNIST
from benchmarks.sections.gpu import GPU
from benchmarks.sections.memory import MEMORY
from benchmarks.sections.scale import SCALE
from benchmarks.sections.section import Section
from benchmarks.sections.stacks import STACKS, STACKS_LENET, STACKS_MNIST
from benchmarks.sections.start import START
from benchmarks.sections.sweep import SWEEP
from benchmarks.sections.tracking import TRACKING

SECTIONS: dict[str, Section] = {
    "mnist": MNIST,
    "lenet": LENET,
    "lstm": LSTM,
    "start": START,
    "tracking": TRACKING,
    "checkpoints": CHECKPOINTS,
    "sweep": SWEEP,
    "stacks": STACKS,
    "stacks_mnist": STACKS_MNIST,
    "stacks_lenet": STACKS_LENET,
    "scale": SCALE,
    "memory": MEMORY,
    "gpu": GPU,
}
