"""The runner's own source travels with a model as one file."""

import importlib.util
import io
import os
import shutil
import zipfile
import zipimport
from pathlib import Path

import runner
from runner.tracking.source_archive import ARCHIVE, archive_of, source_archive
from tests.conftest import client_of

PACKAGE = Path(runner.__file__).parent


def test_it_holds_every_file_of_the_package_and_nothing_that_python_compiled() -> None:
    with zipfile.ZipFile(io.BytesIO(source_archive())) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    files = [file for file in PACKAGE.rglob("*") if file.is_file() and file.parent.name != "__pycache__"]
    assert held == {str(file.relative_to(PACKAGE.parent)): file.read_bytes() for file in files}


def test_the_same_files_give_the_same_bytes_whenever_they_were_written(tmp_path: Path) -> None:
    copy = shutil.copytree(PACKAGE / "config", tmp_path / "config")
    for number, file in enumerate(copy.rglob("*.py")):
        os.utime(file, (number, number))
        file.chmod(0o600)
    assert archive_of(copy) == archive_of(PACKAGE / "config")
    assert source_archive() is source_archive(), "it is made once a process"


def test_python_imports_from_it_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ARCHIVE).write_bytes(source_archive())
    spec = zipimport.zipimporter(str(tmp_path / ARCHIVE)).find_spec("runner")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    inner = zipimport.zipimporter(f"{tmp_path / ARCHIVE}/runner").find_spec("errors")
    assert inner is not None
    assert inner.loader is not None
    module = importlib.util.module_from_spec(inner)
    inner.loader.exec_module(module)
    assert str(module.__file__).startswith(str(tmp_path / ARCHIVE))
    assert issubclass(module.TrackingError, module.RunnerError)


def test_a_logged_model_is_a_handful_of_files(in_tmp_path: Path) -> None:
    result = runner.run(["data=iris", "train.epochs=1", "tracking.pictures=false"])
    (model,) = client_of(in_tmp_path).search_logged_models(["1"])
    folder = Path(str(model.artifact_location).removeprefix("file://"))
    assert model.source_run_id == result.run_id
    assert len([file for file in folder.rglob("*") if file.is_file()]) <= 12
    assert (folder / "code" / ARCHIVE).read_bytes() == source_archive()
