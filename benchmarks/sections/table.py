"""All sections by the names that the command line knows, in the page's order."""

from benchmarks.sections.epochs import LENET, LSTM, MNIST
from benchmarks.sections.gpu import GPU
from benchmarks.sections.memory import MEMORY
from benchmarks.sections.section import Section
from benchmarks.sections.start import START
from benchmarks.sections.tracking import TRACKING

SECTIONS: dict[str, Section] = {
    "mnist": MNIST,
    "lenet": LENET,
    "lstm": LSTM,
    "start": START,
    "tracking": TRACKING,
    "memory": MEMORY,
    "gpu": GPU,
}
