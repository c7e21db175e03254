"""How much each swept key matters: scikit-learn's permutation importance, in a random forest.

The forest learns the jobs' order by the objective, not its values, of which one that has diverged would hide
all others. Then each key's values are shuffled, and what the forest loses by that is the key's importance.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runner.pictures.axes import number

FOREST = Path(__file__).with_name("forest.py")


@dataclass(frozen=True)
class Importance:
    """What the forest says.

    Attributes:
        shares: of each key its importance, all together 1.
        explained: R² of the jobs' order, each told by the trees that have not seen it (out of bag). At or
            below 0 the shares mean nothing.
    """

    shares: Mapping[str, float]
    explained: float


def importance_of(keys: Mapping[str, Sequence[str]], values: Sequence[float]) -> Importance:
    """Ask a forest.

    Args:
        keys: of each the jobs' values as typed.
        values: the jobs' objectives, all of them finite.

    Raises:
        subprocess.CalledProcessError: if its process comes to no answer.
    """
    inputs = np.column_stack([as_numbers(texts) for texts in keys.values()])
    order = np.unique(values, return_inverse=True)[1]
    question = json.dumps({"inputs": inputs.tolist(), "order": order.tolist()})
    command = [sys.executable, "-P", str(FOREST)]  # -P: nothing is imported from the working folder
    answer = json.loads(
        subprocess.run(command, input=question, capture_output=True, text=True, check=True).stdout
    )
    lost = np.maximum(answer["lost"], 0)
    shares = lost / (lost.sum() or 1)
    return Importance(dict(zip(keys, shares.tolist(), strict=True)), answer["explained"])


def as_numbers(texts: Sequence[str]) -> list[float]:
    """A key's values as numbers, if all are some; else by the order in which they first come."""
    numbers = [value for text in texts if (value := number(text)) is not None]
    if len(numbers) == len(texts):
        return numbers
    distinct = list(dict.fromkeys(texts))
    return [float(distinct.index(text)) for text in texts]
