"""The prices of houses in California, downloaded once."""

import hashlib
import io
import tarfile
import urllib.request
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from runner.data.named_file import refuse_web_page
from runner.data.numbers import NumberTable
from runner.errors import DataError

FILE = "cal_housing.tgz"
URL = "https://ndownloader.figshare.com/files/5976036"
SHA256 = "aaa5c9a6afe2225cc2aed2723682ae403280c4a3695a2ddda4ffb5d8215ea681"
"""What scikit-learn, too, downloads and holds it against."""

MEMBER = "CaliforniaHousing/cal_housing.data"
TIMEOUT = 60.0


@dataclass(frozen=True, kw_only=True)
class California(NumberTable):
    """A regression: the median price of 20,640 districts' houses, in 100,000 dollars, by 8 values.

    Values are standardised; a fifth is to test on. Read from ``<root>/california/cal_housing.tgz``, which is
    downloaded if it is not there. Source: R. K. Pace and R. Barry, Sparse Spatial Autoregressions (1997).
    """

    root: Path

    names: ClassVar[Sequence[str]] = (
        "MedInc",
        "HouseAge",
        "AveRooms",
        "AveBedrms",
        "Population",
        "AveOccup",
        "Latitude",
        "Longitude",
    )
    label: ClassVar[str] = "MedHouseVal"

    def _read(self) -> npt.NDArray[Any]:
        if not self._path.exists():
            self._download()
        refuse_web_page(self._path)
        try:
            with tarfile.open(self._path, "r:gz") as archive:
                member = archive.extractfile(MEMBER)
                if member is None:
                    raise ValueError(f"{MEMBER} is no file in it")
                rows = np.loadtxt(io.TextIOWrapper(member), delimiter=",", ndmin=2)
            longitude, latitude, age, rooms, bedrooms, population, households, income, price = rows.T
        except (OSError, tarfile.TarError, zlib.error, KeyError, ValueError, EOFError) as error:
            raise DataError(f"data=california: {self._path} cannot be read: {error}. Remove it") from error
        columns = [
            income,
            age,
            rooms / households,
            bedrooms / households,
            population,
            population / households,
            latitude,
            longitude,
        ]
        return np.column_stack([*columns, price / 100_000])

    def _download(self) -> None:
        try:
            with urllib.request.urlopen(URL, timeout=TIMEOUT) as answer:
                content = answer.read()
        except OSError as error:
            raise DataError(
                f"data=california: {self._path} is not there and the download failed ({error}). Either put "
                f"{URL} there under that name or name another folder with data.root=<folder>, or run once "
                "with a network"
            ) from error
        if hashlib.sha256(content).hexdigest() != SHA256:
            raise DataError(f"data=california: what {URL} gives is not the data set, its SHA-256 differs")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_bytes(content)

    @property
    def _path(self) -> Path:
        return (self.root.expanduser() / "california" / FILE).absolute()
