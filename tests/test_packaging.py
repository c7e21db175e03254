"""An installed wheel works from any folder, with the YAML inside it."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import runner
from runner.tracking.software import software_tags
from tests.conftest import REPOSITORY


@pytest.mark.slow
def test_an_installed_wheel_carries_its_yaml(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip"]
    subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(REPOSITORY)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.startswith(f"runner_experiments-{runner.__version__}-")
    installed = tmp_path / "installed"
    subprocess.run([*pip, "install", "-q", "--no-deps", "--target", str(installed), str(wheel)], check=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    program = "import runner.config.compose; print(runner.config.compose.conf_folder())"
    where = subprocess.run(
        [sys.executable, "-c", program],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout.strip()) == installed / "runner" / "conf"
    done = subprocess.run(
        [sys.executable, "-m", "runner", "optim=momentum", "train.epochs=1"],
        cwd=elsewhere, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "mlp-momentum epochs=1 seed=0" in done.stdout
    assert (elsewhere / "outputs" / "mlflow.db").exists()


def test_the_console_script_is_the_module() -> None:
    script = Path(sys.executable).with_name("runner")
    by_script = subprocess.run([script, "--cfg", "job"], capture_output=True, text=True, check=True)
    by_module = subprocess.run(
        [sys.executable, "-m", "runner", "--cfg", "job"], capture_output=True, text=True, check=True
    )
    assert by_script.stdout == by_module.stdout


def test_the_distribution_has_a_name_of_its_own_and_the_version_of_its_code() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["name"] == "runner-experiments"  # PyPI's runner is another project
    assert project["dynamic"] == ["version"]  # from runner.__version__
    assert project["scripts"] == {"runner": "runner.__main__:main"}
    assert software_tags()["runner_version"] == runner.__version__


def test_the_commands_that_install_extras_name_no_distribution_of_another_project() -> None:
    files = [
        file
        for folder in ("runner", "hydra_plugins", "conf", "docs", "tests", "benchmarks")
        for file in (REPOSITORY / folder).rglob("*")
        if file.suffix in {".py", ".md", ".yaml"}
    ]
    foreign = re.compile(r"pip install [^\n]*['\" ]runner\b(?!-experiments)|\brunner\[\w")
    told = {str(file): foreign.findall(file.read_text(encoding="utf-8")) for file in files}
    assert {file: found for file, found in told.items() if found and file != __file__} == {}


def test_extras_that_messages_name_are_those_of_the_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    code = [*REPOSITORY.glob("runner/**/*.py"), *REPOSITORY.glob("hydra_plugins/*.py")]
    named = {extra for file in code for extra in re.findall(r"how_to_install\(['\"](\w+)", file.read_text())}
    assert named
    assert named <= project["optional-dependencies"].keys()
