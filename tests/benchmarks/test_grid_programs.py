"""The programs that train many members: they train the same ones, and to the same losses."""

import shutil
import sys
from functools import partial
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from subprocess import Popen

import numpy as np
import pytest

from benchmarks.process import CHECKOUT, last_json, run_python
from benchmarks.programs import grid_floor, sweep_memory
from benchmarks.programs.grid import BETAS, DIGITS, LRS, PER_SEED, Grid, Trained
from runner.data.digits import Digits
from tests.benchmarks.test_programs import losses_by_hand

EPOCHS = 3


def run(program: str, *more: str, members: int = PER_SEED) -> Trained:
    given = [f"--members={members}", "--model=digits", f"--epochs={EPOCHS}", "--threads=1", *more]
    _, stdout = run_python(["-m", f"benchmarks.programs.{program}", *given], threads=1, folder=CHECKOUT)
    return Trained(**last_json(stdout))


def test_a_grid_has_all_pairs_with_one_seed_before_the_next() -> None:
    each = Grid(DIGITS, 2 * PER_SEED, 1, 1).each
    assert len(set(each)) == 2 * PER_SEED
    assert {(member.lr, member.beta) for member in each[:PER_SEED]} == set(product(LRS, BETAS))
    assert [member.seed for member in each] == [0] * PER_SEED + [1] * PER_SEED
    assert Grid(DIGITS, 2, 1, 1).each == each[:2]


def test_all_of_an_epoch_counts_and_the_first_is_not_warm() -> None:
    trained = Trained(epochs=[9.0, 1.0, 3.0], losses=[])
    assert trained.seconds == 13.0
    assert trained.warm == 2.0
    assert Trained(epochs=[9.0], losses=[]).warm == 9.0


@pytest.mark.slow
@pytest.mark.parametrize("block", [0, 3])
def test_jax_vmap_does_what_is_derived_by_hand_for_each_member(block: int) -> None:
    if find_spec("jax") is None:
        pytest.skip("jax is not installed: pip install -e '.[bench]'")
    trained = run("jax_vmap", f"--block={block}")
    assert trained.compile_seconds is not None
    split = Digits().load().train
    data = split.samples.flatten(1).numpy(), split.targets.numpy()
    by_hand = []
    for number, member in enumerate(Grid(DIGITS, PER_SEED, EPOCHS, 1).each):
        random = np.random.default_rng(number)
        bounds = {(64, 128): 64**-0.5, (128,): 64**-0.5, (128, 10): 128**-0.5, (10,): 128**-0.5}
        params = [random.uniform(-bound, bound, shape) for shape, bound in bounds.items()]
        order = partial(random.permutation, len(split))
        by_hand.append(losses_by_hand(data, params, order, EPOCHS, member.lr, member.beta))
    assert trained.losses == pytest.approx(np.mean(by_hand, axis=0), rel=1e-4)


@pytest.mark.slow
def test_a_sweep_learns_what_single_runs_do_and_what_jax_does() -> None:
    swept, solo = run("stacked_fit"), run("solo_fit")
    assert swept.losses == pytest.approx(solo.losses, rel=1e-4)
    assert swept.losses[-1] < 0.95 * swept.losses[0]
    assert (len(swept.epochs), len(solo.epochs)) == (EPOCHS, EPOCHS)
    assert swept.way
    assert swept.planning_seconds is not None
    assert swept.wall is not None
    assert swept.wall > swept.seconds
    if find_spec("jax") is not None:
        assert run("jax_vmap").losses == pytest.approx(swept.losses, rel=0.03)


@pytest.mark.slow
def test_a_users_script_learns(tmp_path: Path, ready_store: Path) -> None:
    store = shutil.copy(ready_store, tmp_path / "mlflow.db")
    given = [f"--uri=sqlite:///{store}", "--lr=0.3", "--epochs=3"]
    command = ["-m", "benchmarks.programs.plain_script", *given]
    _, stdout = run_python(command, threads=1, folder=tmp_path)
    assert 1 < last_json(stdout) < 2.2


def test_the_floor_of_a_grid_has_times_and_no_losses(tiny_mnist: Path) -> None:
    floor = grid_floor.measure(Grid("mlp", PER_SEED, 2, 2, tiny_mnist))
    assert len(floor.epochs) == 2
    assert floor.losses == []
    assert floor.way in ("1 at once, 2 threads each", "2 at once, 1 threads each")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc here")
def test_the_memory_of_a_process_and_of_its_longest_child_are_told_apart() -> None:
    holds = "held = b'x' * {} * 2**20; import time; time.sleep(1)"
    brief = "subprocess.run([sys.executable, '-c', 'held = bytes(256 * 2**20)'])"
    child = f"import subprocess, sys; {brief}; subprocess.run([sys.executable, '-c', {holds.format(128)!r}])"
    with Popen([sys.executable, "-c", f"{holds.format(64)}; {child}"]) as process:
        greatest = sweep_memory.watch(process)
    assert 64 * 2**20 < greatest["trains"] < 128 * 2**20 < greatest["books"] < 192 * 2**20
