"""All sections by the names that the command line knows, in the page's order."""

from benchmarks.sections.epochs import LENET, LSTM, MNIST
from benchmarks.sections.section import Section

SECTIONS: dict[str, Section] = {
    "mnist": MNIST,
    "lenet": LENET,
    "lstm": LSTM,
}
