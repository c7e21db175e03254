"""What a run's page in MLflow shows: pictures, the model, a note, system metrics."""

import io
from pathlib import Path

import pytest
from mlflow.entities import Run
from PIL import Image

import runner
from runner.errors import RunnerError
from runner.tracking.note import NOTE
from tests.conftest import CommandLine, client_of, runs_in

QUICK = ("train.epochs=2", "tracking.log_model=false", "model.layers.l1.out_features=16")

CURVES, MATRIX = "pictures/learning_curves.png", "pictures/confusion_matrix.png"
MISTAKES, AGAINST = "pictures/mistakes.png", "pictures/predicted_against_true.png"


def only_run(folder: Path) -> Run:
    (run,) = runs_in(folder)
    return run


def pictures_of(folder: Path, run: Run) -> dict[str, Image.Image]:
    """The pictures of a run, as the store gives them."""
    client = client_of(folder)
    found: dict[str, Image.Image] = {}
    for file in client.list_artifacts(run.info.run_id, "pictures"):
        content = Path(client.download_artifacts(run.info.run_id, file.path, str(folder))).read_bytes()
        assert len(content) < 60_000
        found[file.path] = Image.open(io.BytesIO(content))
    return found


def note_of(run: Run) -> str:
    return str(run.data.tags[NOTE])


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ((), {CURVES, MATRIX, MISTAKES}),
        (("data=iris",), {CURVES, MATRIX}),
        (("data=diabetes", "loss=mse", "optim.lr=0.01"), {CURVES, AGAINST}),
        (
            ("data.target=input", "loss=bce_with_logits", "model=autoencoder"),
            {CURVES, AGAINST, "pictures/reconstructions.png"},
        ),
    ],
    ids=["images", "table", "regression", "autoencoder"],
)
def test_a_run_has_the_pictures_of_its_task(
    in_tmp_path: Path, words: tuple[str, ...], names: set[str]
) -> None:
    runner.run([*QUICK, *words])
    pictures = pictures_of(in_tmp_path, only_run(in_tmp_path))
    assert pictures.keys() == names
    for picture in pictures.values():
        assert min(picture.size) >= 250
        colours = picture.convert("RGB").getcolors()
        assert colours is not None
        assert len(colours) > 4, "something is drawn"


def test_pictures_are_not_drawn_where_they_are_not_wanted(in_tmp_path: Path) -> None:
    runner.run([*QUICK, "tracking.pictures=false", "tracking.system_metrics=false"])
    run = only_run(in_tmp_path)
    files = {file.path for file in client_of(in_tmp_path).list_artifacts(run.info.run_id)}
    assert files == {"config.yaml", "model.txt", "runner.log"}


def test_a_model_that_makes_no_mistake_has_no_picture_of_any(in_tmp_path: Path) -> None:
    words = ["train.overfit_batches=1", "train.batch_size=8", "train.epochs=60", "optim=momentum"]
    runner.run([*words, "tracking.log_model=false"])
    run = only_run(in_tmp_path)
    assert run.data.metrics["test/accuracy"] == 1
    assert pictures_of(in_tmp_path, run).keys() == {CURVES, MATRIX}


def test_a_run_whose_pictures_can_not_be_drawn_is_finished_and_says_why(
    in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.trained.pictures.as_png", lambda _: 1 / 0)
    result = runner.run([*QUICK])
    assert only_run(in_tmp_path).info.status == "FINISHED"
    told = "the pictures could not be drawn: ZeroDivisionError: division by zero"
    assert told in (result.folder / "runner.log").read_text()


def test_the_model_is_told_as_the_terminal_tells_it(in_tmp_path: Path) -> None:
    result = runner.run([*QUICK])
    lines = (result.folder / "model.txt").read_text().splitlines()
    assert lines[0].split() == ["layer", "kind", "output", "parameters"]
    assert lines[2].split() == ["l1", "Linear", "[16]", "1,040"]
    assert lines[-1].split() == ["total", "1,210"]


def test_the_note_of_a_finished_run_names_result_and_run(in_tmp_path: Path) -> None:
    result = runner.run([*QUICK])
    note = note_of(only_run(in_tmp_path))
    assert note.startswith("**FINISHED** after 2 of 2 epochs")
    assert f"| test/loss | {result.epochs[-1].metrics['test/loss']:.5g} |" in note
    assert "| model | mlp, 1,210 parameters |" in note
    assert f"python -m runner rerun={result.run_id}" in note


def test_the_note_of_a_failed_run_says_why_and_how_far_it_came(in_tmp_path: Path) -> None:
    with pytest.raises(RunnerError):
        runner.run(["optim.lr=1e30", *QUICK])
    run = only_run(in_tmp_path)
    assert note_of(run).startswith("**FAILED** after 1 of 2 epochs")
    assert "```\nepoch 1: train/loss is nan" in note_of(run)
    assert client_of(in_tmp_path).list_artifacts(run.info.run_id, "pictures") == []


@pytest.mark.slow
def test_a_run_that_goes_on_shows_all_of_it(command_line: CommandLine, in_tmp_path: Path) -> None:
    asked = ("tracking.system_metrics=true", *QUICK)
    assert command_line(*asked).returncode == 0
    run = only_run(in_tmp_path)
    done = command_line(f"resume={run.info.run_id}", "train.epochs=4", "tracking.pictures=true")
    assert done.returncode == 0, done.stderr
    run = only_run(in_tmp_path)
    assert note_of(run).startswith("**FINISHED** after 4 of 4 epochs")
    assert "python -m runner tracking.system_metrics=true" in note_of(run), "what it was begun with"
    assert pictures_of(in_tmp_path, run).keys() == {CURVES, MATRIX, MISTAKES}
    name = "system/cpu_utilization_percentage"
    steps = [row.step for row in client_of(in_tmp_path).get_metric_history(run.info.run_id, name)]
    assert len(steps) == len(set(steps)) == 2, "a sample at each end, at the seconds since the run began"


@pytest.mark.slow
def test_system_metrics_are_no_part_of_what_is_compared(command_line: CommandLine, in_tmp_path: Path) -> None:
    assert command_line("tracking.system_metrics=true", *QUICK).returncode == 0
    again = command_line(f"rerun={only_run(in_tmp_path).info.run_id}")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "same to the bit: 2 epochs" in again.stdout


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["stacked", "solo"])
def test_jobs_of_a_sweep_have_notes_and_pictures_if_asked_for(
    command_line: CommandLine, in_tmp_path: Path, mode: str
) -> None:
    done = command_line("-m", "seed=0,1", f"sweep.mode={mode}", "tracking.pictures=true", *QUICK)
    assert done.returncode == 0, done.stderr
    jobs = [run for run in runs_in(in_tmp_path) if "job" in run.data.tags]
    assert len(jobs) == 2
    for job in jobs:
        assert pictures_of(in_tmp_path, job).keys() == {CURVES, MATRIX, MISTAKES}
        assert note_of(job).startswith("**FINISHED** after 2 of 2 epochs")
        assert f"rerun={job.info.run_id}" in note_of(job)
        assert not any(name.startswith("system/") for name in job.data.metrics)


@pytest.mark.slow
def test_jobs_of_a_sweep_have_no_pictures_unless_asked_for(
    command_line: CommandLine, in_tmp_path: Path
) -> None:
    assert command_line("-m", "seed=0,1", *QUICK).returncode == 0
    for run in runs_in(in_tmp_path):
        assert pictures_of(in_tmp_path, run) == {}
