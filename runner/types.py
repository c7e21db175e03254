"""Types that the signatures of components share.

A range stands beside its type and is checked once, when a config is read.
"""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
Fraction = Annotated[float, Ge(0), Lt(1)]
Probability = Annotated[float, Ge(0), Le(1)]
Share = Annotated[float, Gt(0), Lt(1)]
PositiveInt = Annotated[int, Gt(0), Lt(2**63)]
NonNegativeInt = Annotated[int, Ge(0), Lt(2**63)]
PositiveSizes = PositiveInt | tuple[PositiveInt, ...]
NonNegativeSizes = NonNegativeInt | tuple[NonNegativeInt, ...]
Seed = Annotated[int, Ge(0), Lt(2**63)]

Dim = PositiveInt | Literal[-1]
"""A dimension of a sample as torch counts them, the batch being 0: 1, 2, …, or -1 for the last."""

Shape = tuple[int, ...]
"""The shape of one sample, without the batch dimension."""

Task = Literal["classification", "regression", "multilabel"]
"""What targets are: class indices ``[N]``, values ``[N, D]``, or D labels of 0 and 1 each, ``[N, D]``."""

Precision = Literal["float32", "tf32", "bf16"]
"""In which numbers a model computes; parameters, gradients and losses are float32 always."""
