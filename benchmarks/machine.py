"""What a measurement was taken on and with."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.compiler import find_compiler, version_of
from benchmarks.process import CHECKOUT

PACKAGES = ("torch", "torchvision", "lightning", "jax", "mlflow", "hydra-core", "numpy")


def describe(threads: int) -> dict[str, str]:
    """Everything that a reader needs to judge the numbers, as names and values."""
    compiler = find_compiler()
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "runner": commit(),
        "CPU": f"{cpu_model()}, {os.cpu_count()} cores",
        "threads": str(threads),
        "load before": ", ".join(f"{load:.2f}" for load in os.getloadavg()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.release()}, {' '.join(platform.libc_ver())}",
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {version_or_none(name)}" for name in PACKAGES),
        "compiler": version_of(compiler) if compiler else "none",
    }


def cpu_model() -> str:
    """What the processor calls itself."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def version_or_none(package: str) -> str:
    """The installed version."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def commit() -> str:
    """The commit of this checkout, and whether the runner or its YAML have been changed since."""
    git = ["git", "-C", str(CHECKOUT)]
    try:
        head = subprocess.run(
            [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True
        )
        changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "runner", "conf"], check=False)
    except (OSError, subprocess.CalledProcessError):
        return version_or_none("runner")
    return head.stdout.strip() + (" with changes" if changed.returncode else "")
