"""Small tables that scikit-learn carries, read without importing the package, which takes about a second."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from runner.data.numbers import NumberTable
from runner.errors import DataError

CELLS = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)
"""What is measured of a tumour's cells."""


@dataclass(frozen=True, kw_only=True)
class Iris(NumberTable):
    """150 irises of 3 species by 4 lengths, standardised; 30 of them to test on.

    Source: R. A. Fisher, The Use of Multiple Measurements in Taxonomic Problems (1936).
    """

    names: ClassVar[Sequence[str]] = (
        "sepal length (cm)",
        "sepal width (cm)",
        "petal length (cm)",
        "petal width (cm)",
    )
    label: ClassVar[str] = "species"
    classes: ClassVar[Sequence[str] | None] = ("setosa", "versicolor", "virginica")

    def _read(self) -> npt.NDArray[Any]:
        return read_rows("iris.csv", header=True)


@dataclass(frozen=True, kw_only=True)
class Wine(NumberTable):
    """178 wines of 3 growers by 13 analyses, standardised; 36 of them to test on.

    Source: S. Aeberhard and M. Forina, Wine, UCI Machine Learning Repository (1991).
    """

    names: ClassVar[Sequence[str]] = (
        "alcohol",
        "malic_acid",
        "ash",
        "alcalinity_of_ash",
        "magnesium",
        "total_phenols",
        "flavanoids",
        "nonflavanoid_phenols",
        "proanthocyanins",
        "color_intensity",
        "hue",
        "od280/od315_of_diluted_wines",
        "proline",
    )
    label: ClassVar[str] = "grower"
    classes: ClassVar[Sequence[str] | None] = ("class_0", "class_1", "class_2")

    def _read(self) -> npt.NDArray[Any]:
        return read_rows("wine_data.csv", header=True)


@dataclass(frozen=True, kw_only=True)
class BreastCancer(NumberTable):
    """569 tumours, malignant or benign, by 30 measures of their cells, standardised; 114 to test on.

    Source: W. Wolberg, O. Mangasarian, N. Street, W. Street, Breast Cancer Wisconsin (Diagnostic), UCI
    Machine Learning Repository (1995).
    """

    names: ClassVar[Sequence[str]] = (
        *(f"mean {each}" for each in CELLS),
        *(f"{each} error" for each in CELLS),
        *(f"worst {each}" for each in CELLS),
    )
    label: ClassVar[str] = "tumour"
    classes: ClassVar[Sequence[str] | None] = ("malignant", "benign")

    def _read(self) -> npt.NDArray[Any]:
        return read_rows("breast_cancer.csv", header=True)


@dataclass(frozen=True, kw_only=True)
class Diabetes(NumberTable):
    """A regression: the progress of 442 patients' disease, 25 to 346, after a year, by 10 values before.

    Values are standardised; 88 patients are to test on. Source: B. Efron, T. Hastie, I. Johnstone, R.
    Tibshirani, Least Angle Regression (2004).
    """

    names: ClassVar[Sequence[str]] = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
    label: ClassVar[str] = "progression"

    def _read(self) -> npt.NDArray[Any]:
        values = read_rows("diabetes_data_raw.csv.gz", separator=None)
        targets = read_rows("diabetes_target.csv.gz")
        return np.column_stack([values, targets])


def read_rows(name: str, *, header: bool = False, separator: str | None = ",") -> npt.NDArray[Any]:
    """A file's rows, float64; ``header`` if its first line is none.

    Raises:
        DataError: if scikit-learn is not installed.
    """
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise DataError(f"{name} comes with scikit-learn, which is not installed")
    path = Path(package.origin).parent / "datasets" / "data" / name
    return np.loadtxt(path, delimiter=separator, skiprows=int(header))
