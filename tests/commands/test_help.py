"""``runner --help`` tells of commands, groups and the config that the words compose."""

import subprocess
import sys
from pathlib import Path

import pytest

from runner.commands import help
from runner.commands.table import COMMANDS


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert help.main(words) == 0
    return capsys.readouterr().out.splitlines()


def test_it_tells_of_commands_groups_and_options(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "--help")
    for name, summary in COMMANDS.items():
        assert any(line.startswith(f"{name} ") and line.endswith(f" {summary}") for line in lines)
    assert any(line.startswith("optim: adagrad, adam, adamw, ") for line in lines)
    assert not any(line.startswith("hydra") for line in lines)
    assert "  batch_size: 128" in lines


def test_the_options_are_those_of_the_config_that_the_words_compose(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "  lr: 0.3" in shown(capsys, "-h")
    lines = shown(capsys, "optim=adam", "optim.lr=0.07", "--help")
    assert {"  type: adam", "  lr: 0.07"} <= set(lines)
    assert "  root: outputs/data" in shown(capsys, "--help")
    assert "  label: ???" in shown(capsys, "data=csv", "--help"), "what is missing is no mistake here"
    assert "  experiment: runner" in shown(capsys, "--help", "--resolve")


def test_the_users_own_folder_is_among_the_groups(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for place in ("model/mine.yaml", "own/deep/one.yaml"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text("a: 1\n")
    lines = shown(capsys, "--config-dir", str(tmp_path), "--help")
    assert any(line.startswith("model: ") and ", lstm, mine, mlp, " in line for line in lines)
    assert "own/deep: one" in lines


def test_a_mistake_beside_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert help.main(["--help", "model=lente"]) == 2
    assert capsys.readouterr().err.startswith("model: unknown 'lente'. Did you mean 'lenet'? Known: ")


@pytest.mark.parametrize("words", [["--hydra-help"], ["--help", "--cfg", "job"], ["-h", "--config-path=a"]])
def test_other_flags_get_hydras_help(words: list[str]) -> None:
    assert not help.is_asked_for(words)


def test_a_reader_who_goes_away_ends_it_quietly() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "runner", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert (process.stderr.read(), process.wait()) == (b"", 141)
