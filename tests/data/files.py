"""Small data files as their users or publishers write them."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd

from runner.data.california import MEMBER, California
from runner.data.table_file import CSV, Parquet

FLOWERS = """length,colour,code,species
1.0,red,7,rose
2.0,,7,rose
,red,8,rose
4.0,blue,8,rose
5.0,red,7,tulip
6.0,blue,7,tulip
7.0,,8,tulip
8.0,red,8,tulip
"""
"""Numbers, categories and classes; of the first two some are missing."""


def write_csv(folder: Path) -> CSV:
    """Eight flowers of two species, two of them to test on."""
    (folder / "flowers.csv").write_text(FLOWERS)
    return CSV(root=folder, file=Path("flowers.csv"), label="species", test=0.25)


def write_parquet(folder: Path) -> Parquet:
    """The same flowers."""
    pd.read_csv(io.StringIO(FLOWERS)).to_parquet(folder / "flowers.parquet")
    return Parquet(root=folder, file=Path("flowers.parquet"), label="species", test=0.25)


def write_california(folder: Path) -> California:
    """Ten districts as the archive has them."""
    rows = np.random.default_rng(0).uniform(1, 100, (10, 9))
    text = io.StringIO()
    np.savetxt(text, rows, delimiter=",")
    content = text.getvalue().encode()
    (folder / "california").mkdir()
    with tarfile.open(folder / "california" / "cal_housing.tgz", "w:gz") as archive:
        member = tarfile.TarInfo(MEMBER)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return California(root=folder)
