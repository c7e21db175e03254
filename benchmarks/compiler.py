"""The C++ compiler of this machine, and what it has to be told to build against the installed torch."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from time import perf_counter

NAMES = ("c++", "g++", "clang++")


def find_compiler() -> str | None:
    """The one that ``CXX`` names, else the first that is here; None where there is none."""
    return next(
        (found for name in (os.environ.get("CXX", ""), *NAMES) if name and (found := shutil.which(name))),
        None,
    )


def version_of(compiler: str) -> str:
    """The first line of what it says of itself."""
    said = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True)
    return said.stdout.splitlines()[0]


def compile_against_torch(source: Path) -> tuple[Path, float]:
    """Build a program, unless the same has been built before; returns it and the seconds that it took.

    The program lies in the user's cache folder, under a name made of all that it depends on.

    Raises:
        RuntimeError: if there is no compiler, or it finds fault with the source.
    """
    compiler = find_compiler()
    if compiler is None:
        raise RuntimeError(f"no C++ compiler: none of {', '.join(NAMES)} is here")
    options = torch_options()
    identity = [version_of(compiler), *options, source.read_text()]
    key = hashlib.sha256("\0".join(identity).encode()).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "runner-benchmarks", key)
    program, took = folder / source.stem, folder / "seconds"
    if not took.exists():
        folder.mkdir(parents=True, exist_ok=True)
        started = perf_counter()
        done = subprocess.run(
            [compiler, str(source), *options, "-o", str(program)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{source.name} does not compile:\n{done.stderr}")
        took.write_text(f"{perf_counter() - started:.3f}")
    return program, float(took.read_text())


def torch_options() -> list[str]:
    """Headers, libraries, standard and ABI of the torch package that Python imports."""
    import torch
    from torch.utils.cpp_extension import include_paths, library_paths

    libraries = library_paths()
    return [
        "-O3",
        "-DNDEBUG",
        "-std=c++20",
        f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}",
        *(f"-isystem{path}" for path in include_paths()),
        *(f"-L{path}" for path in libraries),
        *(f"-Wl,-rpath,{path}" for path in libraries),
        "-ltorch",
        "-ltorch_cpu",
        "-lc10",
        "-pthread",
    ]
