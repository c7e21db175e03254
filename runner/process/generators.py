"""Python's and numpy's random generators, and what numpy's objects hold, for those who know torch alone."""

import random
from collections.abc import Mapping
from typing import Any, cast

import numpy as np


def seed_generators(seed: int) -> None:
    """Seed the generators that a process has without making any."""
    random.seed(seed)
    np.random.seed(seed % 2**32)


def global_generators() -> dict[str, object]:
    """Where those generators are."""
    _, words, *numbers = cast(Any, np.random.get_state())
    return {"random": random.getstate(), "numpy.random": (words.tobytes(), *numbers)}


def held_by(value: Any) -> object | None:
    """What one of numpy's arrays, numbers or generators holds, or one of Python's generators; else None."""
    if isinstance(value, random.Random):
        return value.getstate()
    if isinstance(value, np.ndarray | np.generic):
        return type(value), value.shape, value.dtype, hash(value.tobytes())
    if isinstance(value, np.random.RandomState):
        return repr(as_lists(value.get_state(legacy=False)))
    if isinstance(value, np.random.Generator | np.random.BitGenerator):
        return repr(as_lists(cast(Any, getattr(value, "bit_generator", value)).state))
    return None


def as_lists(value: object) -> object:
    """The same with lists in place of arrays."""
    if isinstance(value, Mapping):
        return {key: as_lists(item) for key, item in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value
