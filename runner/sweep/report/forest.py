"""A program that asks scikit-learn's random forest what each of its inputs matters.

It is a process of its own, since scikit-learn takes longer to import than a sweep's pictures take to draw. It
reads JSON, ``inputs`` [jobs, keys] and ``order`` [jobs], and writes JSON: ``lost``, of each key what R² loses
when its values are shuffled, and ``explained``, R² of the order of jobs unseen by a tree (out of bag).
The same question has the same answer.
"""

import json
import sys

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance

TREES, SHUFFLES = 50, 5


def main() -> None:
    """The program."""
    asked = json.load(sys.stdin)
    inputs, order = np.array(asked["inputs"]), np.array(asked["order"])
    forest = RandomForestRegressor(TREES, oob_score=True, random_state=0).fit(inputs, order)
    lost = permutation_importance(forest, inputs, order, n_repeats=SHUFFLES, random_state=0)
    json.dump({"lost": lost.importances_mean.tolist(), "explained": float(forest.oob_score_)}, sys.stdout)


if __name__ == "__main__":
    main()
