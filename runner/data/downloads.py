"""Data sets that torchvision downloads, and what is said where it can't."""

import contextlib
import io
import logging
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from runner.errors import DataError, RunnerError

log = logging.getLogger(__name__)


def fetch(name: str, folder: Path, files: str, make: Callable[[ModuleType], Any]) -> Any:
    """Have torchvision make a data set, which downloads it if it is not there and checks its MD5.

    Args:
        name: what the set is called here.
        folder: where its files are, or will be.
        files: which those are.
        make: makes it of ``torchvision.datasets``.

    Raises:
        DataError: if there are neither readable files nor a network.
        RunnerError: if torchvision does not fit the installed torch.
    """
    datasets = import_torchvision_datasets()
    chatter = io.StringIO()  # torchvision prints each mirror that fails; the error below says it once
    try:
        with contextlib.redirect_stdout(chatter):
            return make(datasets)
    except Exception as error:  # whatever torchvision, urllib or the disk says: the way out is the same
        reason = " ".join(str(error).split())
        raise DataError(
            f"data={name}: not readable in {folder} and the download failed ({reason}). Either put {files} "
            "there or name another folder with data.root=<folder>, or run once with a network"
        ) from error
    finally:
        log.debug("torchvision: %s", chatter.getvalue())


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
