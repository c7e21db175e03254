"""Mistakes in a plugin's code are told by part and line."""

from pathlib import Path

import pytest

import runner
from runner.errors import ConfigError, RunnerError
from tests.conftest import CommandLine, client_of, runs_in
from tests.test_own_parts import examples

QUICK = [
    "train.epochs=1",
    "tracking.log_model=false",
    "tracking.pictures=false",
    "data={type: sine}",
    "loss=mse",
]

PARTS = {
    "self.beta = scope": (["model.layers.a1.type=swish"], "model.layers.a1 (swish of {file})"),
    "return x * torch.sigmoid": (["model.layers.a1.type=swish"], "model.layers.a1 (swish of {file})"),
    "return torch.log(": (["loss.type=log_cosh"], "loss (log_cosh of {file})"),
    "return (prediction - target)": (["train.metrics=[bias]"], "train.metrics (bias of {file})"),
    "params.sub_": (["optim.type=sign_sgd", "~optim.weight_decay"], "optim (sign_sgd of {file})"),
    "return 1 - abs": (
        ["schedule={type: triangle}", "+schedule.period=3"],
        "schedule (triangle of {file})",
    ),
    "W.bernoulli_": (
        ["model.layers.l1.init.type=signs"],
        "model.layers.l1.init (signs of {file})",
    ),
    "x = torch.linspace": ([], "data (sine of {file})"),
}
"""The line of the page's examples that fails, what is typed to use it, and the part that is told."""


@pytest.fixture
def parts(in_tmp_path: Path) -> Path:
    path = in_tmp_path / "parts.py"
    path.write_text("\n\n".join(examples()))
    return path


def fail_at(parts: Path, line: str) -> int:
    """Have a line of a plugin's file fail; its number."""
    lines = parts.read_text().splitlines()
    number = next(place for place, text in enumerate(lines) if text.strip().startswith(line))
    indent = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
    lines[number] = f"{indent}torch.zeros(2) + torch.zeros(3)"
    parts.write_text("\n".join(lines))
    return number + 1


@pytest.mark.parametrize("line", PARTS)
def test_the_part_the_line_and_the_exception_are_told(parts: Path, line: str) -> None:
    number = fail_at(parts, line)
    words, place = PARTS[line]
    with pytest.raises(RunnerError) as error:
        runner.run(["plugins=[./parts.py]", *QUICK, *words])
    told = f"{place.format(file=parts)}, line {number}: RuntimeError: The size of tensor a (2) must match"
    assert str(error.value).startswith(told)
    assert len(str(error.value).splitlines()) == 1


def test_a_constructor_that_fails_is_found_before_anything_is_created(parts: Path) -> None:
    fail_at(parts, "self.beta = scope")
    with pytest.raises(ConfigError):
        runner.run(["plugins=[./parts.py]", *QUICK, "model.layers.a1.type=swish"])
    assert client_of(parts.parent).get_experiment_by_name("runner") is None


def test_the_traceback_stays_with_the_run(parts: Path) -> None:
    number = fail_at(parts, "return torch.log(")
    with pytest.raises(RunnerError) as error:
        runner.run(["plugins=[./parts.py]", *QUICK, "loss.type=log_cosh"])
    (run,) = runs_in(parts.parent)
    assert (run.info.status, run.data.tags["failure"]) == ("FAILED", str(error.value))
    path = client_of(parts.parent).download_artifacts(run.info.run_id, "traceback.txt")
    assert f'parts.py", line {number}, in __call__' in Path(path).read_text()


def test_what_a_helper_in_another_file_raises_is_told_with_that_file(
    in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = in_tmp_path / "my_mistaken"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "helper.py").write_text("def wrong(x):\n    return {}[x.dim()]\n")
    (package / "parts.py").write_text(
        "from my_mistaken.helper import wrong\n\n"
        "class Odd:\n    def __init__(self, scope, in_shape):\n        self.out_shape = in_shape\n\n"
        "    def forward(self, store, x):\n        return wrong(x)\n\n"
        "LAYERS = {'odd': Odd}\n"
    )
    monkeypatch.syspath_prepend(in_tmp_path)
    with pytest.raises(RunnerError) as error:
        runner.run(["plugins=[my_mistaken.parts]", "model.layers.a1.type=odd"])
    told = "model.layers.a1 (odd of my_mistaken.parts), line 2 of helper.py: KeyError: 2"
    assert str(error.value) == told


@pytest.mark.slow
@pytest.mark.parametrize("sweep", [[], ["-m", "seed=1,2"]])
def test_the_command_line_shows_no_traceback(
    parts: Path, command_line: CommandLine, sweep: list[str]
) -> None:
    fail_at(parts, "return torch.log(")
    done = command_line(*sweep, "plugins=[./parts.py]", *QUICK, "loss.type=log_cosh")
    assert done.returncode == 1
    assert f"loss (log_cosh of {parts}), line" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
