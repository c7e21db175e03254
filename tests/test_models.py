"""The models of ``conf/model``: each is built for what it is for, and learns."""

from pathlib import Path

import pytest

from runner.build import build
from runner.config.compose import conf_folder
from tests.conftest import REPOSITORY
from tests.sweep.composed import alone, data_of, jobs_of
from tests.test_build import config

pytestmark = pytest.mark.usefixtures("one_thread")

MODELS = sorted(file.stem for file in Path(conf_folder(), "model").iterdir())
REGRESSION = "data=linear loss=mse optim.lr=0.1"
OTHER_DATA = {
    "regression": REGRESSION,
    "linear": REGRESSION,
    "autoencoder": "data.target=input loss=mse data.limit=400",
    "language": f"data=text data.root={REPOSITORY} data.file=LICENSE data.length=16",
}
LARGE_IMAGES = ("lenet",)
"""Models that are too deep for digits of 8x8."""


@pytest.mark.parametrize("name", [name for name in MODELS if name != "language"])
def test_a_model_is_built_for_the_images_of_mnist(name: str) -> None:
    parts = build(config(f"model={name}", "data=mnist"))
    assert parts.model.out_shape == (10,)


@pytest.mark.parametrize("name", [name for name in MODELS if name not in LARGE_IMAGES])
def test_a_model_learns_as_it_is(name: str, caplog: pytest.LogCaptureFixture) -> None:
    (job,) = jobs_of([f"model={name} train.epochs=3 {OTHER_DATA.get(name, 'data.limit=400')}"])
    epochs = alone(job, data_of(job))
    losses = [epoch.metrics["train/loss"] for epoch in epochs]
    assert losses[-1] < losses[0]
    assert "cannot be captured" not in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize(("name", "accuracy"), [("lenet_mnist", 0.99), ("lstm_mnist", 0.975)])
def test_an_experiment_reaches_what_it_says(name: str, accuracy: float, mnist_root: Path) -> None:
    (job,) = jobs_of([f"experiment={name} data.root={mnist_root}"])
    assert alone(job, data_of(job))[-1].metrics["test/accuracy"] >= accuracy
