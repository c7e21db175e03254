"""The sections on sweeps: what their tables say of given numbers, and small ones really measured."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.programs.grid import DIGITS, PER_SEED, Trained
from benchmarks.results import Findings
from benchmarks.sections import scale, stacks, sweep
from benchmarks.sections.scale import Case, Scale
from benchmarks.sections.section import Setup
from benchmarks.sections.stacks import FLOOR, SOLO, STACKS, STACKS_LENET, STACKS_MNIST, VMAP, Members, Rival
from benchmarks.sections.sweep import BASIC, RUNNER, SCRIPT, Sweep
from benchmarks.stored import Count

MIB = 2**20


def setup_in(folder: Path, rounds: int = 1) -> Setup:
    return Setup(rounds=rounds, epochs=1, threads=1, data=folder, work=folder, say=lambda line: None)


def check_tables(findings: Findings) -> None:
    assert findings.failures == {}
    assert findings.samples
    assert all(len(row) == len(table.columns) for table in findings.tables for row in table.rows)


def test_a_sweep_is_compared_from_start_to_finish() -> None:
    found = {
        RUNNER: [sweep.Turn(10.0, 0.5, 64), sweep.Turn(12.0, 0.5, 63)],
        BASIC: [sweep.Turn(40.0, 0.5, 64), sweep.Turn(40.0, 0.5, 64)],
        SCRIPT: [sweep.Turn(400.0, 0.6), sweep.Turn(480.0, 0.6)],
    }
    assert [row[1:] for row in Sweep().table(found).rows] == [
        ("11.0 (10.0 to 12.0)", "63 of 64", "0.5000", "", "", ""),
        ("40.0 (40.0 to 40.0)", "64 of 64", "0.5000", "0.275 (0.250 to 0.300)", "at most 0.2", "no"),
        ("440.0 (400.0 to 480.0)", "", "0.6000", "0.025 (0.025 to 0.025)", "at most 0.0333", "yes"),
    ]


def test_the_sweep_that_is_measured_is_the_one_that_is_promised() -> None:
    typed = ("optim=momentum", "optim.lr=0.01,0.03,0.1,0.3", "optim.beta=0.8,0.9", "seed=range(8)")
    assert Sweep().command == ("-m", "runner", "-m", *typed)
    assert Sweep().cells == 64


def trained(*seconds: float, side_by_side: bool = False, compiling: float | None = None) -> Trained:
    return Trained(list(seconds), [2.0, 1.0], "somehow", side_by_side, compiling)


def test_members_are_compared_by_all_epochs_or_by_warm_ones() -> None:
    members = Members(DIGITS, 8, 2, (Rival(SOLO, 1 / 7), Rival(VMAP, 1.1, warm=True), Rival(FLOOR, None)))
    found = {
        stacks.SWEEP: [trained(0.003, 0.001)],
        SOLO: [trained(0.02, 0.02)],
        VMAP: [trained(0.0008, 0.0008, compiling=3.0)],
    }
    rows = members.table(found, {FLOOR: "failed"}).rows
    assert [(row[2], row[5], *row[7:]) for row in rows] == [
        ("4.0 (4.0 to 4.0)", "", "", "", ""),
        ("40.0 (40.0 to 40.0)", "", "0.100 (0.100 to 0.100)", "at most 0.143", "yes"),
        ("1.6 (1.6 to 1.6)", "3.0", "1.250 (1.250 to 1.250) warm", "at most 1.1", "no"),
        ("", "", "", "", ""),
    ]
    assert rows[-1][:2] == (FLOOR.title, "failed")


@pytest.mark.parametrize(("side_by_side", "limit"), [(True, 0.8), (False, 1.0)])
def test_more_is_wanted_where_one_thread_a_worker_is_best(side_by_side: bool, limit: float) -> None:
    ours = [trained(1.0, side_by_side=side_by_side)]
    assert Rival(SOLO, 1.0, side_by_side=0.8).limit_for(ours) == limit
    assert Rival(SOLO, 0.85).limit_for(ours) == 0.85


def test_every_program_for_members_is_a_file() -> None:
    programs = Path(stacks.__file__).parent.parent / "programs"
    for section in (STACKS, STACKS_MNIST, STACKS_LENET):
        assert isinstance(section.measure, Members)
        names = [stacks.SWEEP.name, *(rival.program.name for rival in section.measure.rivals)]
        assert all((programs / f"{name}.py").exists() for name in names)


def turn(wall: float, mib: float, cells: int, lost: int = 0) -> scale.Turn:
    count = Count(cells, cells - lost, 19 * cells - lost, 19 * cells, 0.5)
    return scale.Turn(wall, int(mib * MIB), 200 * MIB, count)


def test_growth_is_told_as_a_slope_within_each_round() -> None:
    grown = {
        100: [turn(10, 500, 100), turn(20, 500, 100)],
        300: [turn(20, 700, 300), turn(26, 700, 300)],
        1000: [turn(55, 1400, 1000), turn(65, 1400, 1000)],
    }
    assert scale.sizes_table(grown).rows[0] == (
        "100",
        "15.0 (10.0 to 20.0)",
        "500.0 (500.0 to 500.0)",
        "200.0 (200.0 to 200.0)",
    )
    assert [row[:3] for row in scale.slopes_table(grown).rows] == [
        ("from 100 to 300", "40.0 (30.0 to 50.0)", "1024.0 (1024.0 to 1024.0)"),
        ("from 300 to 1,000", "52.9 (50.0 to 55.7)", "1024.0 (1024.0 to 1024.0)"),
        ("from 100 to 1,000", "50.0 (50.0 to 50.0)", "1024.0 (1024.0 to 1024.0)"),
    ]


def test_of_several_rounds_the_one_that_lost_most_is_shown() -> None:
    found = {
        Case(100): [turn(9, 500, 100, lost=50)],
        Case(1000): [turn(60, 900, 1000), turn(60, 900, 1000)],
        Case(1000, scale.SERVER): [turn(90, 900, 1000), turn(90, 900, 1000, lost=1)],
    }
    assert [row[2:] for row in Scale().lost_table(found).rows] == [
        ("1,000 of 1,000", "1,000 of 1,000", "19,000 of 19,000", "nothing lost", "yes"),
        ("1,000 of 1,000", "999 of 1,000", "18,999 of 19,000", "nothing lost", "no"),
    ]


@pytest.mark.slow
def test_a_small_sweep_is_measured(tmp_path: Path) -> None:
    findings = Sweep(seeds=1, epochs=1, scripts=1)(setup_in(tmp_path))
    check_tables(findings)
    assert [row[2] for row in findings.tables[0].rows] == ["8 of 8", "8 of 8", ""]
    (ours,), (basic,) = findings.samples[RUNNER], findings.samples[BASIC]
    assert ours["loss"] == pytest.approx(basic["loss"], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("model", [DIGITS, "lenet"])
def test_a_few_members_are_measured(model: str, tmp_path: Path, tiny_mnist: Path) -> None:
    rivals = [Rival(SOLO, 1.0, members=1)]
    if model == DIGITS and find_spec("jax"):
        rivals.append(Rival(VMAP, 1.1, warm=True))
    setup = setup_in(tmp_path if model == DIGITS else tiny_mnist)
    check_tables(Members(model, PER_SEED, 2, tuple(rivals), limit=200)(setup))


@pytest.mark.slow
def test_a_growing_sweep_loses_nothing(tmp_path: Path) -> None:
    findings = Scale(sizes=(2, 4), epochs=1)(setup_in(tmp_path))
    check_tables(findings)
    assert [row[2:5] for row in findings.tables[2].rows] == 2 * [("4 of 4", "4 of 4", "48 of 48")]
