"""What software a run is made with, as its tags tell it."""

import platform
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import runner

PACKAGES = ("torch", "torchvision", "mlflow", "numpy", "hydra-core")
"""Whose versions are told: all that computes, and what reads and writes for it."""


@cache
def software_tags() -> dict[str, str]:
    """Versions, and a digest of the runner's own code, which may be edited without getting another one."""
    others = [f"{name} {version(name)}" for name in PACKAGES]
    return {
        "runner_version": runner.__version__,
        "runner_code": code_digest(Path(__file__).parent.parent),
        "versions": ", ".join([f"python {platform.python_version()}", *others]),
    }


def code_digest(package: Path) -> str:
    """16 hex digits that name the Python files in a folder."""
    digest = sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(str(file.relative_to(package)).encode())
        digest.update(sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
