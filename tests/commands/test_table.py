"""``runner <command>`` is one of the commands, in one style."""

import importlib
import pkgutil
from pathlib import Path

import pytest

from runner import commands
from runner.commands import table
from runner.commands.arguments import is_bare, parse
from runner.errors import ConfigError
from tests.conftest import CommandLine

NO_COMMANDS = {"arguments", "exit_code", "help", "table", "together"}


def test_each_module_is_a_command_of_the_table() -> None:
    modules = {module.name for module in pkgutil.iter_modules([str(Path(commands.__file__).parent)])}
    assert set(table.COMMANDS) == modules - NO_COMMANDS


@pytest.mark.parametrize("name", table.COMMANDS)
def test_all_help_in_the_same_form(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"runner.commands.{name}")
    assert table.run(name, ["--help"]) == 0
    head, blank, sentence, *rest = capsys.readouterr().out.splitlines()
    assert head.startswith(f"runner {name} ")
    assert (blank, sentence[0].isupper()) == ("", True)
    keys = {word.strip(" ,") for line in rest if line.startswith("  ") for word in line.split("  ")[1:2]}
    told = ", ".join(keys)
    for key in module.KNOWN:
        assert key.removesuffix("!").partition(".")[0] in told, key


def test_an_unknown_command_is_told_with_the_nearest_and_all(command_line: CommandLine) -> None:
    done = command_line("evalute", "run=1")
    assert done.returncode == 2
    told = (
        f"command: unknown 'evalute'. Did you mean 'evaluate'? Known: {', '.join(sorted(table.COMMANDS))}\n"
    )
    assert done.stderr == told


@pytest.mark.parametrize("word", ["a=b", "+a=b", "~a", "-m", "--help", "++a.b=1"])
def test_what_hydra_reads_is_no_command(word: str) -> None:
    assert not is_bare(word)


@pytest.mark.parametrize("word", ["12", "1e5", "true", "my folder/(old)", "it's", "a,b", "7f0c"])
def test_a_bare_first_word_is_the_value_of_the_first_key(word: str) -> None:
    assert parse([word, "part=val"], ["run!", "part"]).of("run") == word


def test_only_the_first_word_may_be_bare() -> None:
    with pytest.raises(ConfigError, match=r"^val: arguments are key=value, only the first may be bare: run$"):
        parse(["12", "val"], ["run!", "part"])


def test_resume_and_rerun_may_stand_among_the_words() -> None:
    assert table.as_run("resume", "resume=ab") == "run=ab"
    assert table.as_run("resume", "train.epochs=3") == "train.epochs=3"


def test_sync_takes_its_folder_bare_or_by_name(in_tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["nowhere"], ["folder=nowhere"]):
        assert table.run("sync", words) == 1
        assert capsys.readouterr().err == "nowhere is no folder\n"
    assert table.run("sync", []) == 0
