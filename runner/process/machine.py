"""What a run computes on, as its tags tell it: another device, or other threads, round otherwise."""

import platform
from pathlib import Path

import torch

THREADS = "threads"
"""The tag that says how many threads torch computes with."""

CPUS = Path("/proc/cpuinfo")


def machine_tags(device: torch.device) -> dict[str, str]:
    """The device, what it is called, and the threads."""
    return {
        "device": device.type,
        "device_name": device_name(device),
        THREADS: str(torch.get_num_threads()),
    }


def device_name(device: torch.device) -> str:
    """A GPU's name, or the CPU's with the instructions that torch uses of it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{cpu_name()}, {torch.backends.cpu.get_cpu_capability()}"


def cpu_name() -> str:
    """The processor, in whatever words the system has."""
    if CPUS.exists():
        with CPUS.open() as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
