"""The programs really learn, by the rule that all of them share."""

import importlib
import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmarks.compiler import find_compiler
from benchmarks.process import CHECKOUT, last_json, run_python
from benchmarks.programs.task import BATCH, BETA, Task, Timing, read_idx
from benchmarks.programs.torch_parts import make_model
from tests.benchmarks.conftest import SAMPLES

EPOCHS = 4
Floats = NDArray[np.float64]


def measured(program: str, data: Path, model: str = "mlp", epochs: int = EPOCHS) -> Timing:
    module = importlib.import_module(f"benchmarks.programs.{program}")
    timing: Timing = module.measure(Task(model, data, epochs, threads=1))
    return timing


def run(program: str, data: Path) -> Timing:
    given = ["--model=mlp", f"--data={data}", f"--epochs={EPOCHS}", "--threads=1"]
    _, stdout = run_python(["-m", f"benchmarks.programs.{program}", *given], threads=1, folder=CHECKOUT)
    return Timing(**last_json(stdout))


def skip_without(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install -e '.[bench]'")


def check_that_it_learnt(timing: Timing) -> None:
    assert len(timing.seconds) == EPOCHS
    assert len(timing.losses) == 1 + EPOCHS
    assert timing.losses[0] == pytest.approx(2.3, abs=0.3)
    assert timing.losses[-1] < 0.9 * timing.losses[0]


def losses_by_hand(
    data: tuple[NDArray[np.float32], NDArray[np.int64]],
    params: list[Floats],
    draw_order: Callable[[], NDArray[np.int64]],
    epochs: int,
    lr: float,
    beta: float,
) -> list[float]:
    """A perceptron in plain numpy: gradients as one derives them on paper, the article's rule."""
    images, labels = data
    velocity = [np.zeros_like(param) for param in params]
    means = []
    for _ in range(epochs):
        losses = []
        order = draw_order()
        for start in range(0, len(order), BATCH):
            x, y = images[order[start : start + BATCH]], labels[order[start : start + BATCH]]
            h = np.maximum(x @ params[0] + params[1], 0)
            exponentials = np.exp(h @ params[2] + params[3])
            share = exponentials / exponentials.sum(1, keepdims=True)
            losses.append(-np.log(share[np.arange(len(y)), y]).mean())
            d = (share - np.eye(10)[y]) / len(y)
            dh = (d @ params[2].T) * (h > 0)
            grads = [x.T @ dh, dh.sum(0), h.T @ d, d.sum(0)]
            velocity = [beta * v + (1 - beta) * g for v, g in zip(velocity, grads, strict=True)]
            params = [p - lr * v for p, v in zip(params, velocity, strict=True)]
        means.append(float(np.mean(losses)))
    return means


def test_an_idx_file_is_read_as_it_was_written(tiny_mnist: Path) -> None:
    task = Task("lenet", tiny_mnist, 1, 1)
    images, labels = task.mnist()
    assert images.shape == (SAMPLES, 1, 28, 28)
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (0, 1)
    assert labels.tolist() == [number % 10 for number in range(SAMPLES)]


def test_a_file_that_is_no_idx_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"something else")
    with pytest.raises(ValueError, match="file is no idx file"):
        read_idx(tmp_path / "file")


@pytest.mark.parametrize("program", ["torch_dataloader", "torch_in_memory"])
def test_plain_torch_learns(program: str, tiny_mnist: Path) -> None:
    check_that_it_learnt(measured(program, tiny_mnist))


@pytest.mark.parametrize(("model", "size"), [("mlp", 101_770), ("lenet", 61_706), ("lstm", 82_186)])
def test_a_torch_model_has_the_size_that_its_name_promises(model: str, size: int, tiny_mnist: Path) -> None:
    made = make_model(model)
    images, _ = Task(model, tiny_mnist, 1, 1).mnist()
    assert sum(parameter.numel() for parameter in made.parameters()) == size
    assert made(torch.from_numpy(images[:3])).shape == (3, 10)


@pytest.mark.parametrize("model", ["lenet", "lstm"])
def test_every_model_goes_through_every_epoch(model: str, tiny_mnist: Path) -> None:
    timing = measured("torch_in_memory", tiny_mnist, model, epochs=1)
    assert len(timing.losses) == 2
    assert timing.losses[0] == pytest.approx(2.3, abs=0.2)


def test_the_articles_listings_do_what_is_derived_by_hand(tiny_mnist: Path) -> None:
    timing = measured("article_eager", tiny_mnist)
    check_that_it_learnt(timing)
    torch.manual_seed(0)
    bounds = {(784, 128): 784**-0.5, (1, 128): 784**-0.5, (128, 10): 128**-0.5, (1, 10): 128**-0.5}
    params = [torch.empty(shape).uniform_(-bound, bound).double().numpy() for shape, bound in bounds.items()]
    task = Task("mlp", tiny_mnist, EPOCHS, 1)
    by_hand = losses_by_hand(
        task.mnist(), params, lambda: torch.randperm(SAMPLES).numpy(), 1 + EPOCHS, task.lr, BETA
    )
    assert timing.losses == pytest.approx(by_hand, rel=1e-4)


@pytest.mark.slow
def test_jax_does_what_is_derived_by_hand(tiny_mnist: Path) -> None:
    skip_without("jax")
    timing = run("jax_scan", tiny_mnist)
    check_that_it_learnt(timing)
    assert timing.compile_seconds is not None
    random = np.random.default_rng(0)
    bounds = {(784, 128): 784**-0.5, (128,): 784**-0.5, (128, 10): 128**-0.5, (10,): 128**-0.5}
    params = [random.uniform(-bound, bound, shape) for shape, bound in bounds.items()]
    task = Task("mlp", tiny_mnist, EPOCHS, 1)
    by_hand = losses_by_hand(
        task.mnist(), params, lambda: random.permutation(SAMPLES), 1 + EPOCHS, task.lr, BETA
    )
    assert timing.losses == pytest.approx(by_hand, rel=1e-4)


@pytest.mark.slow
def test_lightning_does_what_plain_torch_does(tiny_mnist: Path) -> None:
    skip_without("lightning")
    timing = run("lightning_fit", tiny_mnist)
    check_that_it_learnt(timing)
    assert timing.losses == pytest.approx(measured("torch_dataloader", tiny_mnist).losses, rel=0.05)


def test_the_runner_learns_and_times_itself(
    tiny_mnist: Path, ready_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "runner.tracking.store.make_sqlite_store", lambda path: shutil.copy(ready_store, path)
    )
    check_that_it_learnt(measured("runner_fit", tiny_mnist))


def test_the_floor_has_times_and_no_losses(tiny_mnist: Path) -> None:
    timing = measured("matmul_floor", tiny_mnist)
    assert len(timing.seconds) == EPOCHS
    assert timing.losses == []


@pytest.mark.slow
def test_the_listings_in_cpp_give_the_numbers_of_those_in_python(tiny_mnist: Path) -> None:
    if find_compiler() is None:
        pytest.skip("there is no C++ compiler here")
    timing = measured("article_libtorch", tiny_mnist)
    assert timing.losses == pytest.approx(measured("article_eager", tiny_mnist).losses, rel=1e-4)
    assert timing.compile_seconds is not None
