"""Configs that want more than to be read, names that lead elsewhere, code, bombs: refused in a line."""

from pathlib import Path

import pytest

import runner
from runner.build import build
from runner.config.check import check
from runner.config.compose import compose_run
from runner.errors import ConfigError, RunnerError
from runner.prepare import draw_parameters
from tests.conftest import CommandLine, runs_in
from tests.faults.strange import assert_lines, within


def refusal(*overrides: str, config_dir: Path | None = None) -> str:
    """What is said of a command line, which takes no more than seconds."""
    with within(20), pytest.raises(ConfigError) as error:
        build(check(compose_run(overrides, config_dir).plain))
    assert_lines(error.value.problems)
    return str(error.value)


@pytest.mark.parametrize(
    "key", ["", "model.", "model.layers.l1.", "optim.", "loss.", "data.", "train.", "tracking."]
)
def test_nothing_is_made_by_its_target(key: str) -> None:
    assert "unknown key '_target_'" in refusal(f"+{key}_target_=os.system")


@pytest.mark.parametrize(
    "override",
    [
        "optim.type=os.system",
        "data.type=builtins.eval",
        "loss.type=__import__",
        "model.layers.a1.type=os.system",
    ],
)
def test_a_type_is_a_name_in_a_table_and_nothing_else(override: str) -> None:
    assert "unknown" in refusal(override)


@pytest.mark.parametrize("name", ["functional.relu", "Module.__init__", "modules.os", "__builtins__", "init"])
def test_a_name_of_torchs_is_one_of_its_modules(name: str) -> None:
    assert "is no module of torch.nn" in refusal(f"model.layers.a1.type=torch.nn.{name}")


def test_a_name_does_not_lead_out_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "secret.yaml").write_text("# @package _global_\nseed: 3\n")
    for name in ("../../secret", f"/{tmp_path}/secret", "../experiment/../../secret"):
        assert "experiment" in refusal(f"experiment={name}", config_dir=tmp_path / "conf")
    (tmp_path / "conf" / "experiment" / "far.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /model: ../model/mlp\n"
    )
    assert refusal("experiment=far", config_dir=tmp_path / "conf") == (
        "model: '../model/mlp' is no name in a folder of YAML"
    )


BOMBS = {
    "aliases": "a0: &a0 [1,1,1,1,1,1,1,1,1]\n"
    + "".join(f"a{n + 1}: &a{n + 1} [{','.join([f'*a{n}'] * 9)}]\n" for n in range(12)),
    "merges": "a0: &a0 {x0: 1}\n"
    + "".join(f"a{n + 1}: &a{n + 1} {{x: *a{n}, y: *a{n}, z: *a{n}}}\n" for n in range(16)),
    "depth": "a: " + "[" * 1500 + "]" * 1500 + "\n",
    "depth of mappings": "".join(" " * n + "a:\n" for n in range(2000)),
    "itself": "a: &a [*a]\n",
    "tag": "a: !!python/object/apply:os.system ['true']\n",
    "no UTF-8": "a: \udcff\n",
    "binary": "a: \0\n",
    "digits": f"a: {'9' * 5000}\n",
    "list": "- 1\n",
    "text": "hello\n",
    "a page of the web": "<!DOCTYPE html><html></html>\n",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_yaml_that_unfolds_is_refused(tmp_path: Path, bomb: str) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "bomb.yaml").write_text(BOMBS[bomb], errors="surrogateescape")
    assert refusal("+experiment=bomb", config_dir=tmp_path)


@pytest.mark.parametrize(
    "override", ["seed=" + "[" * 500 + "]" * 500, "seed=" + "{a:" * 300 + "1" + "}" * 300]
)
def test_an_override_that_is_nested_too_deeply_is_refused(override: str) -> None:
    assert refusal(override) == "the config is nested too deeply"


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("train.epochs=1e400", "train.epochs: inf should be a valid integer"),
        ("train.batch_size=99999999999999999999", "should be less than"),
        (f"train.epochs={'9' * 5000}", "4300 digits"),
        ("optim.lr=1e400", "optim.lr: inf should be a finite number"),
        ("model=null", "Config group override must be a string"),
        ("data.root='~nobody_at_all/x'", "data.root: '~nobody_at_all/x' should begin with a home folder"),
    ],
)
def test_numbers_and_names_that_are_none_are_refused(override: str, told: str) -> None:
    assert told in refusal(override)


@pytest.mark.parametrize("width", [10**12, 2**63 - 1])
def test_a_model_larger_than_memory_is_told_in_a_line(width: int) -> None:
    parts = build(check(compose_run([f"model.layers.l1.out_features={width}"], None).plain))
    with pytest.raises(RunnerError, match=r"^model: does not fit into memory: no room for .* GiB$"):
        draw_parameters(parts)


def test_batches_larger_than_memory_are_told_in_a_line(in_tmp_path: Path) -> None:
    told = r"^training: does not fit into memory: .*; a smaller train\.batch_size needs less$"
    batches = ["data=spirals", "data.samples=100000", "train.batch_size=100000"]
    with pytest.raises(RunnerError, match=told):
        runner.run([*batches, "model.layers.l1.out_features=1000000"])
    (run,) = runs_in(in_tmp_path)
    assert run.info.status == "FAILED"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "code"),
    [
        ("+_target_=os.system", 2),
        ("experiment=../../x", 2),
        ("seed=" + "[" * 500 + "]" * 500, 2),
        (f"seed={'9' * 5000}", 2),
        ("model=null", 2),
        ("model.layers.l1.out_features=1000000000000", 1),
    ],
)
def test_the_command_line_refuses_in_a_line(command_line: CommandLine, override: str, code: int) -> None:
    done = command_line(override)
    assert done.returncode == code, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
