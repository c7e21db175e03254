"""The most memory that training from memory-mapped arrays takes, as the data grow."""

from pathlib import Path
from typing import Any

from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from benchmarks.process import CHECKOUT, last_json, run_python
from benchmarks.programs.task import Task
from benchmarks.results import Findings, Table
from benchmarks.sections.section import Section, Setup
from runner.config.overrides import as_override

FACTORS = (1, 4, 16)
"""How often MNIST's training part is repeated."""

MIB = 2**20


def overrides(folder: Path, mnist: Path) -> list[str]:
    """How the runner is told to train from the arrays in ``folder`` and test on MNIST's own idx files."""
    raw = mnist / "MNIST" / "raw"
    files = {
        "inputs": folder / "inputs.npy",
        "targets": folder / "targets.npy",
        "test_inputs": raw / "t10k-images-idx3-ubyte",
        "test_targets": raw / "t10k-labels-idx1-ubyte",
    }
    given = ["optim=momentum", "train.epochs=2", "device=cpu", "data=arrays", "data.classes=10"]
    return [*given, *(f"data.{key}={as_override(str(path))}" for key, path in files.items())]


def write_arrays(folder: Path, factor: int, mnist: Path) -> int:
    """Write ``inputs.npy``, float32, and ``targets.npy``, MNIST ``factor`` times; returns their bytes."""
    images, labels = Task("lenet", mnist, epochs=0, threads=1).mnist()
    size = 0
    arrays: tuple[tuple[str, NDArray[Any]], ...] = (("inputs", images), ("targets", labels))
    for name, array in arrays:
        shape = (factor * len(array), *array.shape[1:])
        repeated = open_memmap(folder / f"{name}.npy", "w+", array.dtype, shape)
        repeated.reshape(factor, *array.shape)[:] = array
        repeated.flush()
        size += repeated.nbytes
    return size


def measure(setup: Setup) -> Findings:
    """One run of two epochs a factor."""
    mnist = setup.mnist()
    rows = []
    samples = {}
    for factor in FACTORS:
        folder = setup.work / f"times_{factor}"
        folder.mkdir()
        size = write_arrays(folder, factor, mnist)
        command = ["-m", "benchmarks.programs.peak_memory", *overrides(folder, mnist), *own_places(folder)]
        _, stdout = run_python(command, threads=setup.threads, folder=CHECKOUT)
        peak = samples[str(factor)] = last_json(stdout)
        least = samples[str(FACTORS[0])]
        cells = [f"{size / MIB:,.0f}", *(f"{peak[kind] / MIB:,.0f}" for kind in ("resident", "own"))]
        rows.append((f"{factor} x MNIST", *cells, f"{peak['own'] / least['own']:.2f}"))
        setup.say(f"{factor} x: {peak['own'] / MIB:,.0f} MiB of its own")
        for file in folder.glob("*.npy"):
            file.unlink()
    columns = ("data", "on disk, MiB", "resident, MiB", "of its own, MiB", "own, to 1 x")
    return Findings(tables=(Table(columns=columns, rows=tuple(rows)),), notes=NOTES, samples=samples)


def own_places(folder: Path) -> list[str]:
    """Everything that the run writes goes under ``folder``."""
    return [
        f"tracking.uri={as_override(f'sqlite:///{folder}/mlflow.db')}",
        f"hydra.run.dir={as_override(f'{folder}/run')}",
    ]


NOTES = (
    "The greatest values over a run of two epochs. Resident counts the pages of mapped files that happen to "
    "be in memory, which the system takes back when it needs them; its own is the rest.",
)

MEMORY = Section("Peak memory, training from memory-mapped arrays", measure)
