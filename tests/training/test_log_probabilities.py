"""Losses that take log-probabilities get some, or a line says that they don't."""

import re

import pytest
import torch

from runner.nn.losses import NLL, CrossEntropy, KLDiv, Loss
from runner.nn.store import ParameterStore
from runner.sweep.blocks import train_block, with_parameters
from runner.sweep.planning.lanes import Stop
from runner.training.log_probabilities import SAMPLES, report_other_outputs
from tests.sweep.composed import Heard, data_of, jobs_of

LOG = "+model.layers.log={type:log_softmax}"
MODEL = "data=digits model=linear train.epochs=1"


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [text for text in caplog.messages if "log-probabilities" in text]


@pytest.mark.parametrize("loss", [NLL(), KLDiv()])
def test_a_line_says_between_what_the_sums_of_the_exponentials_lie(
    loss: Loss, caplog: pytest.LogCaptureFixture
) -> None:
    (job,) = jobs_of([MODEL])
    parts, data = with_parameters(job), data_of(job)
    report_other_outputs("name", loss, parts.model, parts.store, data.train)
    with torch.inference_mode():
        sums = parts.model.forward(parts.store, data.train.inputs[:SAMPLES]).double().exp().sum(-1)
    (line,) = lines(caplog)
    found = re.search(r"'name' takes .* add up to (\S+) … (\S+) a sample", line)
    assert found
    assert [float(each) for each in found.groups()] == pytest.approx(
        [float(sums.min()), float(sums.max())], rel=1e-2
    )


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_nothing_is_said_of_log_probabilities_or_of_losses_that_take_anything(
    precision: str, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = jobs_of(
        [f"{MODEL} loss=nll {LOG}", f"{MODEL} loss=nll {LOG} seed=1"], f"train.precision={precision}"
    )
    heard = Heard()
    train_block(jobs, data_of(jobs[0]), heard.progress(), Stop())
    (job,) = jobs_of([MODEL])
    parts = with_parameters(job)
    report_other_outputs("cross_entropy", CrossEntropy(), parts.model, ParameterStore(), data_of(job).train)
    assert {result.status for result in heard.results.values()} == {"FINISHED"}
    assert not lines(caplog)


@pytest.mark.parametrize("seeds", [["seed=0"], ["seed=0", "seed=1"]], ids=["alone", "in a stack"])
def test_a_block_of_a_sweep_says_it_once(seeds: list[str], caplog: pytest.LogCaptureFixture) -> None:
    jobs = jobs_of(seeds, f"{MODEL} loss=nll")
    heard = Heard()
    train_block(jobs, data_of(jobs[0]), heard.progress(), Stop())
    assert {result.status for result in heard.results.values()} == {"FINISHED"}
    assert len(lines(caplog)) == 1
