"""bf16 computes with fewer bits and still learns; parameters and results stay float32."""

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from runner.build import build_model
from runner.nn import missing_bf16
from runner.nn.layers.layer import Layer
from runner.nn.layers.recurrent import LSTM
from runner.nn.precision import at_precision, tf32
from runner.nn.store import ParameterStore
from runner.registry import LAYERS
from runner.types import Precision, Shape
from tests.conftest import CommandLine, client_of, runs_in


def logits(bits: Precision) -> torch.Tensor:
    store = ParameterStore()
    layers = {"l1": partial(LAYERS["linear"], out_features=32), "a1": partial(LAYERS["tanh"])}
    model = at_precision(build_model(layers, (16,), store), bits)
    store.seal(torch.Generator().manual_seed(0))
    output = model.forward(store, torch.randn(8, 16, generator=torch.Generator().manual_seed(1)))
    store.backward(output.sum())
    assert output.dtype == store.grads.dtype == torch.float32
    assert model.out_shape == (32,)
    return output


def test_bf16_is_near_float32_but_not_the_same() -> None:
    exact, rounded = logits("float32"), logits("bf16")
    assert not torch.equal(exact, rounded)
    torch.testing.assert_close(exact, rounded, rtol=2**-6, atol=2**-6)  # 8 bits of mantissa


def test_tf32_is_allowed_only_within_the_context() -> None:
    flags = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [flag.allow_tf32 for flag in flags]
    with tf32(allowed=True):
        assert [flag.allow_tf32 for flag in flags] == [True, True]
    with tf32(allowed=False):
        assert [flag.allow_tf32 for flag in flags] == [False, False]
    assert [flag.allow_tf32 for flag in flags] == before


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="tf32 is refused where there is no GPU")
def test_a_run_in_bf16_learns_and_tf32_without_a_gpu_is_refused(command_line: CommandLine) -> None:
    done = command_line("train.precision=bf16", "optim=momentum", "tracking.log_model=false")
    assert done.returncode == 0, done.stderr
    (run,) = runs_in(Path.cwd())
    assert run.data.metrics["test/accuracy"] > 0.93
    assert client_of(Path.cwd()).get_run(run.info.run_id).data.params["train.precision"] == "bf16"
    refused = command_line("train.precision=tf32")
    assert refused.returncode == 2
    assert "train.precision: 'tf32' is for NVIDIA GPUs" in refused.stderr


@pytest.fixture
def no_lstm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU that has no LSTM in bfloat16, as one with AVX2 alone."""
    told = "could not create a primitive descriptor for the LSTM forward propagation primitive"
    monkeypatch.setattr(missing_bf16, "obstacle", lambda kind: told if kind == ("lstm",) else None)
    missing_bf16.warn.cache_clear()


class OfTorch:
    """A plugin's layer around ``torch.nn.LSTM``."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.module = nn.LSTM(3, 4, batch_first=True)
        self.out_shape: Shape = (5, 4)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        output: Tensor = self.module(x)[0]
        return output


@pytest.mark.usefixtures("no_lstm")
@pytest.mark.parametrize("own", [False, True])
def test_what_a_machine_lacks_in_bfloat16_computes_in_float32_and_a_line_says_so(
    own: bool, caplog: pytest.LogCaptureFixture
) -> None:
    store = ParameterStore()
    lstm = LSTM(store.scope("l"), (5, 3), hidden_size=4, output="sequence")
    layer: Layer = lstm if own else OfTorch()
    store.seal(torch.Generator().manual_seed(0))
    x = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1))
    expected = layer.forward(store, x)
    for _ in range(2):
        assert torch.equal(at_precision(layer, "bf16").forward(store, x), expected)
    assert [record.getMessage() for record in caplog.records] == [
        "train.precision: lstm has no bfloat16 form on this CPU, it computes in float32"
    ]


def test_an_operator_that_raises_in_bfloat16_is_missing() -> None:
    def broken(x: Tensor) -> Tensor:
        raise RuntimeError("could not create a primitive\nRun with …")

    assert missing_bf16.refusal(broken) == "could not create a primitive"
    assert missing_bf16.refusal(lambda x: x @ x) is None
