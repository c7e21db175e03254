"""An installed wheel works from any folder, with the YAML inside it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


@pytest.mark.slow
def test_an_installed_wheel_carries_its_yaml(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip"]
    subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(REPOSITORY)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
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
