"""On a GPU: the same history as on a CPU, from a captured graph; skipped where there is none."""

import logging
from pathlib import Path

import pytest
import torch
from torch import Tensor

import runner
from runner.engine.capture import Captured

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")


@pytest.mark.parametrize("model", ["mlp", "lenet", "lstm"])
def test_a_gpu_trains_what_a_cpu_trains(
    in_tmp_path: Path, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    arguments = [f"model={model}", "optim=momentum", "train.epochs=5", "tracking.log_model=false"]
    if model == "lenet":
        arguments.append("model.layers.c2.kernel_size=2")  # digits are 8x8
    on_cpu, on_gpu = (runner.run([*arguments, f"device={device}"]) for device in ("cpu", "cuda"))
    assert on_gpu.store.params.is_cuda
    for mine, theirs in zip(on_gpu.epochs, on_cpu.epochs, strict=True):
        assert mine.metrics["train/loss"] == pytest.approx(theirs.metrics["train/loss"], rel=1e-3)
    assert "cannot be captured" not in caplog.text


@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_fewer_bits_learn_as_well(in_tmp_path: Path, precision: str) -> None:
    result = runner.run(["optim=momentum", "device=cuda", f"train.precision={precision}"])
    assert result.epochs[-1].metrics["test/accuracy"] > 0.93


def test_a_gpu_weighs_and_measures_what_a_cpu_does(
    in_tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = [
        "loss.weight=balanced",
        "train.metrics=[f1,auroc]",
        "train.epochs=3",
        "tracking.log_model=false",
    ]
    on_cpu, on_gpu = (runner.run([*wanted, f"device={device}"]) for device in ("cpu", "cuda"))
    for name in ("test/loss", "test/auroc"):
        expected = on_cpu.epochs[-1].metrics[name]
        assert on_gpu.epochs[-1].metrics[name] == pytest.approx(expected, rel=1e-3)
    assert "cannot be captured" not in caplog.text


def test_a_captured_function_goes_on_where_it_was_called_before(caplog: pytest.LogCaptureFixture) -> None:
    total = torch.zeros(3, device="cuda")
    buffer = torch.ones(3, device="cuda")

    def add(x: Tensor) -> None:
        total.add_(x)

    captured = Captured(add, total.device)
    for _ in range(6):
        captured(buffer)
    assert total.tolist() == [6, 6, 6]


def test_what_a_graph_cannot_hold_is_called_and_the_log_says_why(caplog: pytest.LogCaptureFixture) -> None:
    total = torch.zeros(3, device="cuda")
    buffer = torch.ones(3, device="cuda")

    def add(x: Tensor) -> None:
        total.add_(x * x.max().item())

    captured = Captured(add, total.device)
    with caplog.at_level(logging.WARNING):
        for _ in range(6):
            captured(buffer)
    assert total.tolist() == [6, 6, 6]
    assert "cannot be captured" in caplog.text
