"""The article's listings in C++ over LibTorch: compiles ``article_libtorch.cpp`` and runs it."""

import json
import subprocess
from pathlib import Path

from benchmarks.compiler import compile_against_torch
from benchmarks.programs import task as common
from benchmarks.programs.task import BATCH, BETA, Task, Timing


def measure(task: Task) -> Timing:
    """Compile, train and time; the program reads the idx files itself."""
    program, compile_seconds = compile_against_torch(Path(__file__).with_suffix(".cpp"))
    raw = task.data / "MNIST" / "raw"
    arguments = [raw, task.epochs, task.threads, task.lr, BATCH, BETA]
    done = subprocess.run([program, *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    return Timing(found["seconds"], found["losses"], compile_seconds)


if __name__ == "__main__":
    common.main(measure)
