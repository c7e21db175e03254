"""Small data files as their users or publishers write them."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from runner.data.california import MEMBER, California
from runner.data.image_folder import ImageFolder
from runner.data.series import Series
from runner.data.table_file import CSV, Parquet
from runner.data.text import Text

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


def write_text(folder: Path) -> Text:
    """Fifty times the same word."""
    (folder / "word.txt").write_text("naïve\n" * 50)
    return Text(root=folder, file=Path("word.txt"), length=10)


def write_series(folder: Path) -> Series:
    """Two sine waves, of 50 steps; one value is missing."""
    steps = np.arange(50) / 5
    table = pd.DataFrame({"slow": np.sin(steps), "fast": 10 + np.sin(3 * steps)})
    table.loc[3, "fast"] = None
    table.to_csv(folder / "waves.csv", index=False)
    return Series(root=folder, file=Path("waves.csv"), window=4, horizon=2)


def write_images(folder: Path) -> ImageFolder:
    """Five images of each of two classes, of several sizes and modes."""
    for place, name in enumerate(["cat", "dog"]):
        (folder / "pets" / name).mkdir(parents=True)
        for number in range(5):
            mode = ("RGB", "L", "RGBA", "P", "1")[number]
            image = Image.new("RGB", (6 + number, 9), (200 * place, 100, 50)).convert(mode)
            image.save(folder / "pets" / name / f"{number}.png")
    return ImageFolder(root=folder, folder=Path("pets"), size=8)
