"""A run that is done again gives the same bits, or it is told what does not and why that may be."""

import subprocess
from pathlib import Path

import pytest
import torch
from mlflow.entities import Run

import runner
from runner.again.comparison import NOT_COMPARED
from runner.again.rerun import IS_AS_IT_WAS, rerun
from runner.commands.arguments import parse
from runner.commands.rerun import KNOWN
from runner.errors import ConfigError, RunnerError
from tests.conftest import CommandLine, client_of, runs_in

SMALL = ("data.limit=200", "train.epochs=3", "tracking.log_model=false", "tracking.pictures=false")

PARTS = """
class Scaled:
    def __init__(self, scope, in_shape):
        self.out_shape = in_shape

    def forward(self, store, x):
        return x * FACTOR


LAYERS = {"scaled": Scaled}
"""


def again(*words: str) -> int:
    return rerun(parse(words, KNOWN, IS_AS_IT_WAS), "python -m runner", None)


class Place:
    """A folder in which runs are started, and done again."""

    def __init__(self, folder: Path, output: pytest.CaptureFixture[str]) -> None:
        self.folder, self.output = folder, output
        self.client = client_of(folder)

    def run(self, *overrides: str) -> Run:
        return self.client.get_run(runner.run([*SMALL, *overrides]).run_id)

    def again(self, run: Run, *words: str, code: int = 0) -> tuple[list[str], Run]:
        """The lines that are told, and the new run."""
        assert again(run.info.run_id, *words) == code
        new = runs_in(self.folder)[0]
        assert new.data.tags["rerun_of"] == run.info.run_id
        return self.output.readouterr().out.splitlines(), new

    def text_of(self, run: Run, artifact: str) -> str:
        return (Path(run.info.artifact_uri.removeprefix("file://")) / artifact).read_text()


@pytest.fixture
def place(in_tmp_path: Path, one_thread: None, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(in_tmp_path, capsys)


def timeless(run: Run) -> dict[str, float]:
    return {name: value for name, value in run.data.metrics.items() if not name.startswith(NOT_COMPARED)}


@pytest.mark.parametrize(
    "overrides",
    [
        "optim=momentum",
        "optim=adam +model.layers.d={type:dropout,p:0.3} schedule=cosine train.average=0.9 data.val=0.2",
        "data.augment=[{type:RandomCrop,size:8,padding:1}] data.mixup=0.4 train.metrics=[f1]",
        "train.early_stopping.patience=1 train.early_stopping.min_delta=9 train.restore_best=true",
    ],
    ids=["mlp", "dropout", "augmented", "early stopped"],
)
def test_a_run_is_the_same_to_the_bit_when_it_is_done_again(place: Place, overrides: str) -> None:
    run = place.run(*overrides.split())
    lines, new = place.again(run)
    assert lines[-1].startswith("same to the bit: ")
    assert not [line for line in lines if line.startswith("not as it was")]
    assert timeless(new) == timeless(run)
    assert new.data.tags["config_hash"] == run.data.tags["config_hash"]


@pytest.mark.slow
def test_the_command_line_does_it_in_another_process(command_line: CommandLine, in_tmp_path: Path) -> None:
    assert command_line(*SMALL).returncode == 0
    (run,) = runs_in(in_tmp_path)
    done = command_line(f"rerun={run.info.run_id}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "same to the bit: 3 epochs, 20 values"
    assert timeless(runs_in(in_tmp_path)[0]) == timeless(run)


@pytest.mark.slow
def test_it_computes_with_as_many_threads_as_the_run_did(place: Place) -> None:
    torch.set_num_threads(3)
    run = place.run()
    torch.set_num_threads(1)
    lines, new = place.again(run)
    assert (run.data.tags["threads"], new.data.tags["threads"]) == ("3", "3")
    assert lines[-1].startswith("same to the bit: ")


@pytest.mark.slow
def test_a_number_that_comes_out_otherwise_is_told(place: Place) -> None:
    run = place.run()
    value = run.data.metrics["test/loss"] * (1 + 1e-12)
    forged = place.client.create_run(run.info.experiment_id)
    place.client.log_metric(forged.info.run_id, "test/loss", value, step=3)
    place.client.log_text(forged.info.run_id, place.text_of(run, "config.yaml"), "config.yaml")
    lines, _ = place.again(place.client.get_run(forged.info.run_id), code=1)
    now = run.data.metrics["test/loss"]
    told = f"not the same: test/loss at epoch 3: {value!r} then, {now!r} now; 1 of 1 values differ, by 1e-12 "
    assert lines[-1].startswith(told)


@pytest.mark.slow
def test_surroundings_that_have_changed_are_told_beforehand(place: Place) -> None:
    run = place.run()
    versions = run.data.tags["versions"]
    place.client.set_tag(run.info.run_id, "versions", versions.replace("numpy ", "numpy 0."))
    place.client.set_tag(run.info.run_id, "device_name", "Abacus, X87")
    lines, new = place.again(run)
    numpy = next(each for each in versions.split(", ") if each.startswith("numpy "))
    assert f"not as it was: versions: numpy 0.{numpy[6:]} then, {numpy} now" in lines
    name = new.data.tags["device_name"]
    assert lines.index(f"not as it was: device_name: Abacus, X87 then, {name} now") < len(lines) - 1


@pytest.mark.slow
def test_code_that_has_been_changed_is_told(place: Place) -> None:
    parts = place.folder / "parts.py"
    parts.write_text(PARTS.replace("FACTOR", "0.5"))
    git(place.folder, "init", "-q")
    git(place.folder, "add", "parts.py")
    git(place.folder, "commit", "-qm", "a")
    run = place.run("plugins=[./parts.py]", "model.layers.a1.type=scaled")
    assert run.data.tags["git_dirty"] == "false"
    parts.write_text(PARTS.replace("FACTOR", "0.25"))
    with pytest.raises(ConfigError, match="it runs only if you say so"):
        place.again(run)
    with pytest.raises(ConfigError, match=r"parts\.py has changed since the run was started"):
        place.again(run, "plugins=true")
    lines, new = place.again(run, "plugins=true", "plugins.changed=allow", code=1)
    assert "not as it was: plugins: parts.py has changed" in lines
    assert "not as it was: git_dirty: false then, true now" in lines
    assert lines[-1].startswith("not the same: ")
    assert new.data.tags["git_commit"] == run.data.tags["git_commit"]
    assert "-        return x * 0.5\n+        return x * 0.25\n" in place.text_of(new, "uncommitted.diff")


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def test_other_data_are_told(place: Place) -> None:
    table = place.folder / "table.csv"
    overrides = "data=csv data.root=. data.file=table.csv data.label=y data.kind=regression loss=mse"
    table.write_text("x,y\n" + "".join(f"{i},{2 * i}\n" for i in range(40)))
    run = place.run(*overrides.split(), "model=linear")
    table.write_text("x,y\n" + "".join(f"{i},{i * i}\n" for i in range(40)))
    lines, _ = place.again(run, code=1)
    assert lines[-1].endswith("(the data are others)")


def test_a_run_that_was_stopped_is_the_same_as_far_as_it_went(place: Place) -> None:
    run = place.run()
    config = place.text_of(run, "config.yaml")
    place.client.log_text(run.info.run_id, config.replace("epochs: 3", "epochs: 5"), "config.yaml")
    lines, new = place.again(run)
    assert lines[-1] == "same to the bit, as far as it went: 3 epochs, 15 values"
    assert len(place.client.get_metric_history(new.info.run_id, "test/loss")) == 5


def test_a_run_from_before_a_key_is_done_again_without_it(place: Place) -> None:
    run = place.run()
    lines = place.text_of(run, "config.yaml").splitlines(keepends=True)
    older = [line for line in lines if "deterministic" not in line and "clip_norm" not in line]
    assert len(older) == len(lines) - 2
    place.client.log_text(run.info.run_id, "".join(older), "config.yaml")
    assert place.again(run)[0][-1].startswith("same to the bit: ")


def test_a_run_that_diverged_diverges_again(place: Place) -> None:
    overrides = ["data=linear", "loss=mse", "model=linear", "optim.lr=1e20"]
    with pytest.raises(RunnerError):
        place.run(*overrides)
    lines, new = place.again(runs_in(place.folder)[0])
    assert lines[-1].startswith("same to the bit: ")
    assert new.info.status == "FAILED"


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "code"), [("stacked", 1), ("solo", 0)])
def test_a_sweeps_job_is_done_again_by_itself(
    command_line: CommandLine, place: Place, mode: str, code: int
) -> None:
    """One that was trained in a stack differs by rounding, which is told as the reason."""
    done = command_line("-m", *SMALL, "optim=momentum", "seed=0,1", f"sweep.mode={mode}")
    assert done.returncode == 0, done.stderr
    job, *_ = (run for run in runs_in(place.folder) if "job" in run.data.tags)
    lines, new = place.again(job, code=code)
    if mode == "solo":
        assert lines[-1].startswith("same to the bit: ")
    else:
        assert "(the run was stacked with 1 more: sums round otherwise there" in lines[-1]
        for name in ("train/loss", "test/loss"):
            assert new.data.metrics[name] == pytest.approx(job.data.metrics[name], rel=1e-5)
    assert "sweep_id" not in new.data.tags
    with pytest.raises(ConfigError, match="is a sweep"):
        again(job.data.tags["sweep_id"])


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        (["rerun=nobody"], "run: there is no run 'nobody'", 1),
        (["rerun=nobody", "seed=2"], "seed: is as it was", 2),
        (["rerun", "nobody"], "run: there is no run 'nobody'", 1),
        (["-m", "rerun=nobody"], "-m: unknown", 2),
    ],
)
def test_what_cannot_be_done_again_is_told(
    command_line: CommandLine, words: list[str], told: str, code: int
) -> None:
    done = command_line(*words)
    assert (done.returncode, done.stderr.startswith(told)) == (code, True), done.stderr
    assert done.stderr.count("\n") == 1


def test_a_config_that_is_none_is_refused(place: Place) -> None:
    run = place.run("train.epochs=1")
    place.client.log_text(run.info.run_id, "[1, 2]", "config.yaml")
    with pytest.raises(ConfigError, match=r"run: the config.yaml of run '\w+': is no config"):
        place.again(run)
