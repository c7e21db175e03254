"""What the tables say of given numbers: no verdict comes from anywhere but the measurement."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.programs.task import Timing
from benchmarks.sections import checkpoints, memory, start, tracking
from benchmarks.sections.epochs import FLOOR, JAX, LIGHTNING, MNIST, RUNNER, Program, Race
from benchmarks.sections.section import NotMeasuredError, Setup, verdict
from benchmarks.sections.table import SECTIONS


def setup_in(folder: Path) -> Setup:
    return Setup(rounds=1, epochs=1, threads=1, data=folder, work=folder, say=lambda line: None)


@pytest.mark.parametrize(
    ("measured", "limit", "cells"),
    [(0.2, 0.25, ("at most 0.25", "yes")), (0.26, 0.25, ("at most 0.25", "no")), (9, None, ("", ""))],
)
def test_a_target_is_reached_or_not_or_there_is_none(
    measured: float, limit: float | None, cells: tuple[str, str]
) -> None:
    assert verdict(measured, limit) == cells


def test_a_race_shows_ratios_targets_and_why_a_program_is_missing() -> None:
    race = Race("mlp", {JAX: 1.0, FLOOR: 1.25, LIGHTNING: 0.25})
    found = {
        RUNNER: [Timing([0.3, 0.2], [0.9, 0.1]), Timing([0.3, 0.4], [0.9, 0.2])],
        JAX: [Timing([0.3, 0.3], [0.9, 0.15], 2.0), Timing([0.3, 0.3], [0.9, 0.15], 4.0)],
        FLOOR: [Timing([0.1, 0.1], []), Timing([0.1, 0.1], [])],
    }
    table = race.table(found, {LIGHTNING: "skipped: lightning is not installed"})
    assert [row[1:] for row in table.rows] == [
        ("0.300 (0.200 to 0.400)", "", "0.1500", "", "", ""),
        ("0.300 (0.300 to 0.300)", "3.0", "0.1500", "1.00 (0.83 to 1.17)", "at most 1", "yes"),
        ("0.100 (0.100 to 0.100)", "", "", "3.00 (2.50 to 3.50)", "at most 1.25", "no"),
        ("skipped: lightning is not installed", "", "", "", "", ""),
    ]
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_without_the_runner_there_are_times_but_no_ratios() -> None:
    table = Race("mlp", {FLOOR: 1.25}).table({FLOOR: [Timing([0.1], [])]}, {RUNNER: "failed"})
    assert [row[1] for row in table.rows] == ["failed", "0.100 (0.100 to 0.100)"]
    assert table.rows[1][4:] == ("", "", "")


def test_a_program_whose_package_is_not_installed_says_so() -> None:
    assert Program("some", "Some", package="no_such_package").missing() == "no_such_package is not installed"
    assert Program("some", "Some", package="torch").missing() is None


def test_every_program_is_a_file() -> None:
    programs = Path(start.__file__).parent.parent / "programs"
    assert isinstance(MNIST.measure, Race)
    assert all((programs / f"{program.name}.py").exists() for program in (RUNNER, *MNIST.measure.targets))


@pytest.mark.parametrize(
    "name", ["mnist", "lenet", "lstm", "tracking", "stacks_mnist", "stacks_lenet", "memory"]
)
def test_without_mnist_a_section_is_not_measured(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotMeasuredError, match=r"has no MNIST/raw/train-images-idx3-ubyte"):
        SECTIONS[name].measure(setup_in(tmp_path))


def test_a_start_is_judged_by_what_is_not_training() -> None:
    found = {
        start.FLOOR: [start.Turn(2.0), start.Turn(2.0), start.Turn(4.0)],
        start.READY: [
            start.Turn(10.0, training=6.5),
            start.Turn(4.0, training=1.0),
            start.Turn(3.0, training=1.0),
        ],
        start.FIRST: [start.Turn(8.0, training=1.0)],
    }
    rows = start.walls_table(found).rows
    assert [row[1:] for row in rows] == [
        ("2.00 (2.00 to 4.00)", "", "", "", ""),
        ("4.00 (3.00 to 10.00)", "1.00 (1.00 to 6.50)", "1.50", "at most 1.5", "yes"),
        ("8.00 (8.00 to 8.00)", "1.00 (1.00 to 1.00)", "3.50", "", ""),
    ]


def test_phases_are_shown_with_their_share() -> None:
    table = start.phases_table([{"imports": 3.0, "training": 1.0}, {"imports": 3.0, "training": 1.0}])
    assert table.rows == (
        ("imports", "3.000", "75%"),
        ("training", "1.000", "25%"),
        ("all phases", "4.000", ""),
    )


def turn(wall: float, calls: float = 0.0, saving: float = 0.0, drawing: float = 0.0) -> tracking.Turn:
    return {"wall": wall, "calls": calls, "saving": saving, "drawing": drawing, "losses": [0.1]}


def test_trackings_share_is_seen_from_outside_and_from_inside_and_what_a_run_leaves_is_apart() -> None:
    found = {
        tracking.UNTRACKED: [turn(9.6), turn(9.6)],
        tracking.SQLITE: [turn(10.0, calls=0.1), turn(10.0, calls=0.1)],
        tracking.SERVER: [turn(10.0, calls=0.8), turn(10.0, calls=0.8)],
        tracking.SAVED: [turn(12.0, calls=0.1, saving=2.0), turn(12.0, calls=0.1, saving=2.0)],
        tracking.DRAWN: [turn(11.0, calls=0.1, drawing=1.0), turn(11.0, calls=0.1, drawing=1.0)],
    }
    rows = tracking.table(found).rows
    assert [(row[2], row[3], *row[5:]) for row in rows] == [
        ("", "", "", "", ""),
        ("4.0% (4.0% to 4.0%)", "1.0% (1.0% to 1.0%)", "yes", "", ""),
        ("4.0% (4.0% to 4.0%)", "8.0% (8.0% to 8.0%)", "no", "", ""),
        ("4.0% (4.0% to 4.0%)", "1.0% (1.0% to 1.0%)", "yes", "2.00 (2.00 to 2.00)", ""),
        ("4.0% (4.0% to 4.0%)", "1.0% (1.0% to 1.0%)", "yes", "", "1.00 (1.00 to 1.00)"),
    ]


def test_arrays_for_the_memory_section_are_mnist_some_times_over(tiny_mnist: Path, tmp_path: Path) -> None:
    size = memory.write_arrays(tmp_path, 3, tiny_mnist)
    inputs, targets = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("inputs", "targets"))
    assert inputs.shape == (900, 1, 28, 28)
    assert (inputs[:300] == inputs[600:]).all()
    assert targets.tolist() == 3 * targets[:300].tolist()
    assert size == inputs.nbytes + targets.nbytes


def test_a_checkpoints_cost_is_the_middle_of_the_pairs() -> None:
    turn: checkpoints.Turn = {
        "with": [1.02, 2.04, 9.0],
        "without": [1.0, 2.0, 3.0],
        "writes": [0.0, 0.0, 0.0],
    }
    assert checkpoints.cost(turn) == pytest.approx(0.02)
    (row,) = checkpoints.table([turn]).rows
    assert row[3:] == ("2.0% (2.0% to 2.0%)", "at most 3%", "yes")
