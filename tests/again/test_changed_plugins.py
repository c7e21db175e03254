"""Plugins that have changed since a run was started are refused by file, unless that is meant."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

import runner
from runner.again.rerun import IS_AS_IT_WAS, MAY_BE_SAID, rerun
from runner.commands.arguments import parse
from runner.errors import ConfigError
from runner.experiment import Result
from runner.plugins.changed import TAG, changes, tag_of
from runner.sweep.resume import refuse_other_plugins
from runner.tracking.store import connect
from tests.again.test_resume import resume_by, rows
from tests.conftest import client_of

WORDS = (
    "plugins=[./parts.py]", "data=iris", "model=mlp", "model.layers.a1.type=bent", "train.epochs=2",
    "tracking.log_model=false", "tracking.pictures=false",
)  # fmt: skip

PLUGIN = """
from helper import factor


class Bent:
    def __init__(self, scope, in_shape):
        self.out_shape = in_shape

    def forward(self, store, x):
        return (factor * x).tanh()


LAYERS = {"bent": Bent}
"""


@pytest.fixture
def bent(in_tmp_path: Path, one_thread: None) -> Result:
    """A run with a plugin of two files."""
    (in_tmp_path / "parts.py").write_text(PLUGIN)
    (in_tmp_path / "helper.py").write_text("factor = 2.0\n")
    return runner.run(list(WORDS))


EDITS = {
    "helper.py has changed": {"helper.py": "factor = 3.0\n"},
    "parts.py has changed": {"parts.py": PLUGIN.replace("factor * x", "x")},
    "parts.py has changed, helper.py is not there, more.py is new": {
        "parts.py": PLUGIN.replace("helper", "more"), "more.py": "factor = 4.0\n", "helper.py": "",
    },
}  # fmt: skip


def edited(folder: Path, told: str) -> None:
    for name, text in EDITS[told].items():
        (folder / name).write_text(text)


def rerun_by(*words: str) -> int:
    return rerun(parse(words, ("run!", *MAY_BE_SAID), IS_AS_IT_WAS), "python -m runner", None)


@pytest.mark.parametrize(
    "told", [pytest.param(each, marks=[pytest.mark.slow] * (place > 0)) for place, each in enumerate(EDITS)]
)
def test_resume_and_rerun_refuse_edited_files_by_name(bent: Result, in_tmp_path: Path, told: str) -> None:
    edited(in_tmp_path, told)
    whole = rf"^plugins: {told} since the run was started\. .*, or type plugins\.changed=allow$"
    with pytest.raises(ConfigError, match=whole):
        resume_by(f"run={bent.run_id}", "train.epochs=3", "plugins=true")
    with pytest.raises(ConfigError, match=whole):
        rerun_by(f"run={bent.run_id}", "plugins=true")
    client = client_of(in_tmp_path)
    assert [run.info.run_id for run in client.search_runs(["1"])] == [bent.run_id]
    assert rows(in_tmp_path, client.get_run(bent.run_id), "test/loss") == [1, 2]


def test_files_that_are_what_they_were_are_no_obstacle_wherever_they_lie(
    bent: Result, in_tmp_path: Path
) -> None:
    (in_tmp_path / "moved").mkdir()
    for name, new in (("parts.py", "renamed.py"), ("helper.py", "helper.py")):
        (in_tmp_path / name).rename(in_tmp_path / "moved" / new)
    assert resume_by(f"run={bent.run_id}", "train.epochs=3", "plugins=[moved/renamed.py]") == 0
    client = client_of(in_tmp_path)
    assert rows(in_tmp_path, client.get_run(bent.run_id), "test/loss") == [1, 2, 3]


def test_edited_files_are_taken_where_that_is_meant(
    bent: Result, in_tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited(in_tmp_path, "helper.py has changed")
    words = ("plugins=true", "plugins.changed=allow")
    assert rerun_by(f"run={bent.run_id}", *words) == 1
    assert "not as it was: plugins: helper.py has changed\n" in capsys.readouterr().out
    assert resume_by(f"run={bent.run_id}", "train.epochs=3", *words) == 0


def test_a_run_of_an_earlier_version_cannot_be_compared(bent: Result, in_tmp_path: Path) -> None:
    client = client_of(in_tmp_path)
    client.delete_tag(bent.run_id, TAG)
    edited(in_tmp_path, "helper.py has changed")
    assert resume_by(f"run={bent.run_id}", "train.epochs=3", "plugins=true") == 0


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        ("a.py=1, b.py=2", "a.py=1, b.py=2", []),
        ("a.py=1, b.py=2", "b.py=2, a.py=1", []),
        ("a.py=1", "c.py=1", []),
        ("a.py=1, b.py=2", "a.py=1, b.py=3", ["b.py has changed"]),
        ("a.py=1, b.py=1", "a.py=2, b.py=1", ["a.py has changed"]),
        ("a.py=1, b.py=2", "a.py=1", ["b.py is not there"]),
        ("a.py=1", "a.py=1, b.py=2", ["b.py is new"]),
        ("parts.py=1, parts.py=2", "parts.py=1, parts.py=3", ["parts.py has changed"]),
        ("a=b.py=1", "a=b.py=2", ["a=b.py has changed"]),
    ],
)
def test_files_are_compared_by_content(then: str, now: str, told: list[str]) -> None:
    assert changes(then, now) == told


def test_a_plugin_of_too_many_files_is_recorded_as_one(in_tmp_path: Path) -> None:
    (in_tmp_path / "pack").mkdir()
    for number in range(400):
        (in_tmp_path / "pack" / f"m{number}.py").write_text(f"x = {number}")
    (in_tmp_path / "pack" / "__init__.py").touch()
    parts = in_tmp_path / "parts.py"
    parts.write_text("import pack")
    before = tag_of([str(parts)])
    assert len(before) < 100
    (in_tmp_path / "pack" / "m7.py").write_text("x = 8")
    assert changes(before, tag_of([str(parts)])) == ["parts.py has changed"]


def test_a_sweep_that_is_continued_is_held_to_the_files_that_it_was_started_with(in_tmp_path: Path) -> None:
    parts = in_tmp_path / "parts.py"
    parts.write_text("x = 1")
    uri = f"sqlite:///{in_tmp_path}/mlflow.db"
    config = OmegaConf.create(
        {"plugins": [str(parts)], "tracking": {"uri": uri}, "sweep": {"plugins_changed": "refuse"}}
    )
    client = connect(uri)
    sweep = client.create_run(
        client.create_experiment("runner"), tags={TAG: tag_of([str(parts)])}
    ).info.run_id
    refuse_other_plugins(sweep, config)
    parts.write_text("x = 2")
    told = r"^plugins: parts\.py has changed since the sweep .*, or type plugins\.changed=allow$"
    with pytest.raises(ConfigError, match=told):
        refuse_other_plugins(sweep, config)
    config.sweep.plugins_changed = "allow"
    refuse_other_plugins(sweep, config)
