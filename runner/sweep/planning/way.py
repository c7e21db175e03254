"""Ways to train a group of jobs on the cores that there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Way:
    """How many models a stack, how many stacks side by side, how many of torch's threads each.

    A block of 1 is a model trained by the program that a single run has.
    """

    block: int
    lanes: int
    threads: int

    @property
    def is_stack(self) -> bool:
        """Whether models train as one."""
        return self.block > 1

    def __str__(self) -> str:
        models = "one by one" if not self.is_stack else f"stacks of {self.block}"
        beside = f", {self.lanes} side by side" if self.lanes > 1 else ""
        return f"{models}{beside}, {self.threads} thread{'s' * (self.threads > 1)} each"

    def blocks(self, items: Sequence[Item]) -> list[Sequence[Item]]:
        """The items in blocks of nearly the same size, no lane having one more than another if it can be."""
        count = ceil(len(items) / self.block)
        if self.lanes > 1:
            count = min(ceil(count / self.lanes) * self.lanes, len(items))
        bounds = [round(place * len(items) / count) for place in range(count + 1)]
        return [items[start:end] for start, end in pairwise(bounds)]
