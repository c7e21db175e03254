"""What torchrun tells each of the processes that it starts, read without importing torch."""

import os


def world_size() -> int:
    """How many processes there are; 1 without torchrun."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which of them this one is; the first, 0, reads the command line and reports."""
    return int(os.environ.get("RANK", "0")) if world_size() > 1 else 0


def local_rank() -> int:
    """Which of those on this machine it is, and so which GPU it takes."""
    return int(os.environ.get("LOCAL_RANK", "0")) if world_size() > 1 else 0
