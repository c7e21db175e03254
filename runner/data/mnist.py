"""MNIST: its four idx files, downloaded by torchvision where they are missing."""

import contextlib
import io
import logging
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import ClassVar

from runner.data.array_file import ArrayFile
from runner.data.dataset import Dataset, Split
from runner.errors import DataError, RunnerError
from runner.types import Shape, Task

log = logging.getLogger(__name__)

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@dataclass(frozen=True, kw_only=True)
class MNIST:
    """70,000 handwritten digits of 28x28 pixels in [0, 1]: 60,000 to train on, 10,000 to test on.

    Read from the four idx files in ``<root>/MNIST/raw``; where one is missing, all are downloaded there by
    torchvision, which checks their MD5. Source: Y. LeCun, C. Cortes, C. Burges (1998).
    """

    root: Path

    task: ClassVar[Task] = "classification"
    in_shape: ClassVar[Shape] = (1, 28, 28)
    out_shape: ClassVar[Shape] = (10,)

    def load(self) -> Dataset:
        """Read both parts.

        Raises:
            DataError: if there are neither files nor a network, or the files are damaged.
            RunnerError: if a download is needed and torchvision does not fit the installed torch.
        """
        if not all((self._folder / name).exists() for name in FILES):
            self._download()
        return Dataset(self._read("train"), self._read("t10k"))

    def _read(self, part: str) -> Split:
        try:
            images = ArrayFile.open(self._folder / f"{part}-images-idx3-ubyte").read()
            labels = ArrayFile.open(self._folder / f"{part}-labels-idx1-ubyte").read()
        except DataError as error:
            raise DataError(f"data=mnist: {error}. {self._way_out}") from error
        if images.shape[1:] != self.in_shape[1:] or len(images) != len(labels) or labels.max() > 9:
            raise DataError(
                f"data=mnist: the files in {self._folder} are not MNIST: images {tuple(images.shape)}, "
                f"{len(labels)} labels up to {labels.max()}. {self._way_out}"
            )
        return Split(images.unsqueeze(1), labels.long())

    def _download(self) -> None:
        datasets = import_torchvision_datasets()
        chatter = io.StringIO()  # torchvision prints each mirror that fails; the error below says it once
        try:
            with contextlib.redirect_stdout(chatter):
                datasets.MNIST(self.root.expanduser(), download=True)
        except Exception as error:  # whatever torchvision, urllib or the disk says: the way out is the same
            reason = " ".join(str(error).split())
            raise DataError(
                f"data=mnist: no readable MNIST in {self._folder} and the download failed ({reason}). Either "
                f"put the four files ({', '.join(FILES)}) there or name another folder with "
                "data.root=<folder>, or run once with a network"
            ) from error
        finally:
            log.debug("torchvision: %s", chatter.getvalue())

    @property
    def _folder(self) -> Path:
        return (self.root.expanduser() / "MNIST" / "raw").absolute()

    @property
    def _way_out(self) -> str:
        return (
            f"Remove the files in {self._folder} and let the runner download them, or name another folder "
            "with data.root=<folder>"
        )


def import_torchvision_datasets() -> ModuleType:
    """torchvision.datasets, or an error that says how to mend an installation where it can't be imported.

    A CPU build of torch beside a CUDA build of torchvision fails on import ("operator torchvision::nms
    does not exist").

    Raises:
        RunnerError: if the import fails.
    """
    try:
        from torchvision import datasets
    except (ImportError, OSError, RuntimeError) as error:
        raise RunnerError(
            f"torchvision does not work with torch {version('torch')}: {error}. The two have to come from "
            "one build: pip install --force-reinstall torch torchvision"
        ) from error
    return datasets  # type: ignore[no-any-return]
