"""What a run computes on, as its tags tell it: another device, or other threads, round otherwise."""

import platform
from collections.abc import Mapping
from pathlib import Path

import torch

THREADS = "threads"
"""The tag that says how many threads torch computes with."""

MOST_THREADS = 1024
"""So many threads a store may say that a run had."""

CPUS = Path("/proc/cpuinfo")


def machine_tags(device: torch.device) -> dict[str, str]:
    """The device, what it is called, and the threads."""
    return {
        "device": device.type,
        "device_name": device_name(device),
        THREADS: str(torch.get_num_threads()),
    }


def threads_of(tags: Mapping[str, str]) -> int:
    """The threads that a run had by its tags; those of this process if they say no such number."""
    told = tags.get(THREADS, "")
    is_number = told.isascii() and told.isdecimal() and len(told) < 5
    return int(told) if is_number and 1 <= int(told) <= MOST_THREADS else torch.get_num_threads()


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
