"""What a sweep leaves on its parent run and in its folder, in a real store."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from mlflow.entities import Run
from omegaconf import OmegaConf
from PIL import Image
from rich.console import Console

from runner.config.check import check
from runner.config.compose import compose_run, conf_folder
from runner.pictures import figure
from runner.process.launch import Launch
from runner.sweep.books import parent
from runner.sweep.record import JobResult
from runner.sweep.report import plots, standings, writer
from runner.sweep.report.report import Report
from runner.tracking.location import Location
from runner.tracking.outcome import Status
from tests.conftest import client_of
from tests.sweep.results import failed, finished

TABLES = {"cells.csv", "cells.json", "report.html"}
PICTURES = {"learning_curves.png", "swept_keys.png"}


class Sweep:
    """A sweep's folder and parent run, as its jobs would have left them."""

    def __init__(self, folder: Path, swept: str) -> None:
        self.folder = folder / "outputs" / "sweeps" / "one"
        self.folder.mkdir(parents=True)
        source = {"path": str(conf_folder()), "schema": "file", "provider": "main"}
        node = {
            "overrides": {"task": swept.split()},
            "sweeper": {"params": None},
            "runtime": {"config_sources": [source]},
        }
        OmegaConf.save(OmegaConf.create({"hydra": node}), self.folder / "multirun.yaml")
        parent.join(self.folder, compose_run([], None).plain, Launch(self.folder, "mlp", (), "command"))
        self.client = client_of(folder)

    def store(self, job: JobResult, objective: str = "test/loss") -> JobResult:
        """Give a finished job a run, of the config that its overrides compose to."""
        config = check(compose_run(job.overrides, None).plain)
        run = self.client.create_run(self.location.experiment_id, tags={"config_hash": config.hash})
        self.client.log_param(run.info.run_id, "objective", objective)
        return JobResult(**{**vars(job), "run_id": run.info.run_id})

    def close(self, *results: JobResult, status: Status = "FINISHED") -> Report:
        return writer.close(self.folder, status, results)

    @property
    def location(self) -> Location:
        return parent.find(self.folder)

    @property
    def run(self) -> Run:
        return self.client.get_run(self.location.run_id)

    @property
    def files(self) -> set[str]:
        """The report's files in the folder, which are those in the store as well."""
        stored = set()
        for file in self.client.list_artifacts(self.location.run_id):
            below = (
                self.client.list_artifacts(self.location.run_id, "best/experiment") if file.is_dir else [file]
            )
            stored |= {entry.path for entry in below}
        there = {name for name in writer.FILES if (self.folder / name).exists()}
        assert stored == there | {"multirun.yaml"}
        return there


@pytest.fixture
def sweep(in_tmp_path: Path) -> Sweep:
    return Sweep(in_tmp_path, "optim.lr=0.1,0.2 seed=0,1 train.epochs=2")


def shown(written: Report) -> str:
    console = Console(file=io.StringIO(), width=160)
    standings.show(written, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_whole_sweep_leaves_tables_pictures_and_the_best(sweep: Sweep) -> None:
    results = [
        finished(0, "optim.lr=0.1 seed=0 train.epochs=2", 0.1), finished(1, "optim.lr=0.1 seed=1", 0.9),
        sweep.store(finished(2, "optim.lr=0.2 seed=0", 0.3)),
        sweep.store(finished(3, "optim.lr=0.2 seed=1 train.epochs=2", 0.2)),
    ]  # fmt: skip
    results[0] = sweep.store(results[0])
    written = sweep.close(*results)
    assert written.problems == []
    assert sweep.files == {*writer.FILES} - {*written.left_out}
    assert written.left_out == {
        "heat_map.png": "it takes two keys of several numbers",
        "importance.png": "4 jobs are too few, it takes 16",
    }
    assert sweep.run.info.status == "FINISHED"
    best = results[3]
    assert sweep.run.data.tags["best_run_id"] == best.run_id
    assert sweep.run.data.tags["best_overrides"] == "optim.lr=0.2 seed=1 train.epochs=2"
    assert sweep.run.data.metrics == {
        "best/test/loss": 0.2, "best/train/loss": 0.1, "best/test/accuracy": 0.5,
        "best/test/loss_mean": 0.25, "best/test/loss_std": pytest.approx(0.0707, abs=1e-4),
    }  # fmt: skip
    composed = compose_run(["experiment=best"], sweep.folder / "best").plain
    assert check(composed).hash == sweep.client.get_run(best.run_id).data.tags["config_hash"]
    assert shown(written).splitlines() == [
        "   optim.lr     test/loss  seeds  job",
        "1  0.2       0.25 ± 0.071      2    3",
        "2  0.1         0.5 ± 0.57      2    0",
        "run the best again    python -m runner --config-dir outputs/sweeps/one/best experiment=best",
        f"look at it with       {written.how_to_look}",
    ]


def test_mlflow_reads_the_cells_as_a_table(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sweep.location.uri)  # the one that load_table looks into
    sweep.close(sweep.store(finished(0, "optim.lr=0.1 seed=0", 0.1)), failed(1, "optim.lr=0.2 seed=0"))
    sweep.close(sweep.store(finished(0, "optim.lr=0.1 seed=0", 0.1)), failed(1, "optim.lr=0.2 seed=0"))
    table = sweep.client.load_table(sweep.location.experiment_id, "cells.json", [sweep.location.run_id])
    assert list(table["status"]) == ["FINISHED", "FAILED"], "a sweep that is continued has one table still"
    assert json.loads(sweep.run.data.tags["mlflow.loggedArtifacts"]) == [
        {"path": "cells.json", "type": "table"}
    ]


def test_where_every_job_failed_there_are_tables_alone(sweep: Sweep) -> None:
    written = sweep.close(failed(0, "optim.lr=0.1 seed=0"), failed(1, "optim.lr=0.2 seed=0"), status="FAILED")
    assert written.problems == []
    assert sweep.files == TABLES | {"seeds.csv"}
    assert sweep.run.info.status == "FAILED"
    assert shown(written) == f"look at it with       {written.how_to_look}\n"


def test_a_sweep_stopped_before_its_first_job_leaves_an_empty_table(sweep: Sweep) -> None:
    (sweep.folder / "learning_curves.png").write_text("of an earlier sweep in the same folder")
    assert sweep.close(status="KILLED").problems == []
    assert sweep.files == TABLES
    assert sweep.run.info.status == "KILLED"


def test_the_direction_is_the_objectives_own(sweep: Sweep) -> None:
    results = [
        sweep.store(finished(job, f"optim.lr=0.{job + 1}", value), "test/accuracy")
        for job, value in enumerate((0.4, 0.8))
    ]
    written = sweep.close(*results)
    assert written.best == results[1]
    assert "test/accuracy" in shown(written)


def test_what_yaml_cannot_say_is_left_out_with_the_reason(sweep: Sweep) -> None:
    best = sweep.store(finished(0, "optim.lr=0.1 ~model.layers.a1", 0.1))
    written = sweep.close(best)
    assert (written.problems, written.command) == ([], None)
    assert sweep.files == TABLES | PICTURES
    assert written.notes == [
        "best/experiment/best.yaml is left out: ~model.layers.a1: YAML cannot delete a key"
    ]


def test_yaml_that_has_changed_since_is_noticed(sweep: Sweep) -> None:
    best = sweep.store(finished(0, "optim.lr=0.1", 0.1))
    other = JobResult(**{**vars(best), "overrides": ["optim.lr=0.2"]})
    written = sweep.close(other)
    assert written.command is None
    assert written.notes[0].endswith("optim.lr=0.2: as YAML this would be another config")


def test_a_part_that_fails_takes_no_other_with_it(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("no font")

    monkeypatch.setattr(plots, "learning_curves", broken)
    written = sweep.close(sweep.store(finished(0, "optim.lr=0.1", 0.1)))
    assert [str(problem) for problem in written.problems] == [
        "the sweep's report lacks learning_curves.png: ValueError: no font"
    ]
    assert sweep.files == TABLES | {"swept_keys.png", writer.EXPERIMENT}
    page = (sweep.folder / "report.html").read_text()
    assert "lacks learning_curves.png: ValueError: no font" in page
    assert sweep.run.info.status == "FINISHED"


def test_a_store_that_is_gone_is_told_once_and_the_folder_has_the_table(in_tmp_path: Path) -> None:
    sweep = Sweep(in_tmp_path, "seed=0,1")
    (in_tmp_path / "outputs" / "mlflow.db").write_bytes(b"no database")
    written = sweep.close(finished(0, "seed=0", 0.1))
    assert len({str(problem) for problem in written.problems}) == len(written.problems)
    assert all(str(problem).startswith("tracking.uri: ") for problem in written.problems)
    assert (sweep.folder / "cells.csv").exists()


def test_of_many_cells_ten_are_shown() -> None:
    results = [finished(job, f"optim.lr={job}", job + 1.0) for job in range(12)] + [failed(12, "optim.lr=x")]
    written = Report(Path(), results, "python -m runner ui", ["optim.lr"])
    written.judge(lambda job: {"objective": "test/loss"})
    lines = shown(written).splitlines()
    assert len(lines) == 13
    assert lines[-2] == "… and 3 more, in cells.csv"


@pytest.mark.parametrize("members", [1, 2, 1000])
def test_pictures_are_small_however_many_members(tmp_path: Path, members: int) -> None:
    keys = ["optim.lr", "optim", "data.root"]
    results = [
        finished(
            job, f"optim.lr={10 ** (job % 97 / 20):.4g} optim={'ab'[job % 2]} data.root=$x_{job}", job + 1.0
        )
        for job in range(members)
    ]
    for name, draw in (("curves", plots.learning_curves), ("keys", plots.swept_keys)):
        file = tmp_path / f"{name}.png"
        figure.save(draw(results, results[0], keys, "test/loss"), file)
        assert file.stat().st_size < 200_000
        with Image.open(file) as picture:
            assert picture.size >= (450, 360)


def tick_labels(values: Sequence[str], objective: str = "test/accuracy") -> tuple[str, list[str]]:
    """The scale of a key's axis and what is written beside it."""
    results = [finished(job, f"k={value}", job + 1.0) for job, value in enumerate(values)]
    drawn = plots.swept_keys(results, results[0], ["k"], objective)
    drawn.draw_without_rendering()
    axis = drawn.axes[0].xaxis
    return axis.get_scale(), [label.get_text() for label in axis.get_majorticklabels()]


def test_a_keys_axis_follows_from_its_values() -> None:
    assert tick_labels(["0.001", "0.1", "1"]) == ("log", ["0.001", "0.1", "1"])
    assert tick_labels(["16", "32", "64"]) == ("linear", ["16", "32", "64"])
    assert tick_labels(["sgd", "momentum"]) == ("linear", ["sgd", "momentum"])
    scale, _ = tick_labels([str(value / 100) for value in range(1, 100)])
    assert scale == "linear", "they span two decades, but lie evenly on a linear axis"
