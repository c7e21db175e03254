"""Values are learnt standardised, and told in their own units."""

from pathlib import Path

import numpy as np
import pytest
import torch

import runner
from runner.config.check import check
from runner.data.carried import Diabetes
from runner.data.dataset import Dataset, Split
from runner.data.reconstruction import Reconstruction
from runner.data.synthetic import LinearMap
from runner.data.units import Units
from runner.errors import ConfigError
from runner.metrics import MAE, R2, RMSE, Metric
from runner.nn.layers.linear import Linear
from runner.nn.losses import MSE
from runner.nn.store import ParameterStore
from runner.trained.run import find
from runner.training.loop import evaluate
from tests.data.test_validation import config_of

METRICS: list[Metric] = [RMSE(), MAE(), R2()]


def test_values_come_back_however_far_their_mean_is_from_zero() -> None:
    values = torch.tensor([[2000.0, 7.0], [2003.0, 7.0], [2010.0, 7.0]])
    units = Units.fit(values)
    scaled = units.scaled(values)
    torch.testing.assert_close(scaled.mean(0), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(scaled.std(0, correction=0), torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(units.restored(scaled), values.double())


def test_metrics_are_those_of_the_targets_own_units() -> None:
    """A layer that gives y in its own units, and one that gives it scaled."""
    raw = LinearMap(targets=2).load().test
    units = Units(mean=(5.0, -300.0), std=(2.0, 70.0))
    store = ParameterStore()
    plain = Linear(store.scope("plain"), raw.samples.shape[1:], out_features=2)
    scaled = Linear(store.scope("scaled"), raw.samples.shape[1:], out_features=2)
    store.seal(torch.Generator().manual_seed(0))
    assert plain.b is not None
    assert scaled.b is not None
    with torch.no_grad():
        store[scaled.W].copy_(store[plain.W] / torch.tensor(units.std))
        store[scaled.b].copy_(units.scaled(store[plain.b]))
    told = evaluate(plain, store, MSE(), raw, "", metrics=METRICS)
    same = evaluate(scaled, store, MSE(), raw.with_units(units), "", metrics=METRICS)
    assert told["loss"] != pytest.approx(same["loss"], rel=0.1)
    for metric in METRICS:
        assert told[metric.name] == pytest.approx(same[metric.name], rel=1e-5)


def test_the_units_are_of_what_is_learnt_from() -> None:
    data, own = Diabetes(val=0.25).load(), Diabetes(val=0.25, standardize_target=False).load()
    assert data.train.units == Units.fit(own.train.targets)
    restored = data.with_units(None)
    assert restored.val is not None
    assert own.val is not None
    for split, theirs in ((restored.train, own.train), (restored.test, own.test), (restored.val, own.val)):
        torch.testing.assert_close(split.targets, theirs.targets, rtol=1.3e-6, atol=1e-5)  # of float32


def test_pixels_to_be_reconstructed_can_be_put_into_other_units() -> None:
    pixels = Split(torch.tensor([[0, 255], [51, 102]], dtype=torch.uint8), torch.zeros(2, dtype=torch.int64))

    class Pixels(LinearMap):
        def load(self) -> Dataset:
            return Dataset(train=pixels, test=pixels)

    split = Reconstruction(Pixels()).load().test.with_units(Units((0.5, 0.5), (0.5, 0.5)))
    torch.testing.assert_close(split.targets, torch.tensor([[-1.0, 1.0], [-0.6, -0.2]]))
    assert split.target_scale is None


def test_inputs_that_are_their_own_targets_have_no_other_units() -> None:
    assert Reconstruction(Diabetes()).load().train.units is None


def test_a_served_model_says_values_in_their_own_units(in_tmp_path: Path) -> None:
    result = runner.run(
        ["data=diabetes", "model=linear", "loss=mse", "optim.lr=0.1", "tracking.pictures=false"]
    )
    served = find(result.tracking_uri, result.run_id).load_model(torch.device("cpu"), plugins=False)
    test = Diabetes(standardize_target=False).load().test
    errors = served.predict(test.inputs.numpy()) - test.targets.numpy()
    assert np.sqrt((errors**2).mean()) == pytest.approx(result.epochs[-1].metrics["test/rmse"], rel=1e-5)
    assert result.epochs[-1].metrics["test/rmse"] < 65


@pytest.mark.parametrize("loss", ["bce_with_logits", "kl_div"])
def test_a_loss_of_probabilities_wants_targets_as_they_are(loss: str) -> None:
    words = ["data=diabetes", "model=regression", f"loss={loss}"]
    with pytest.raises(ConfigError) as error:
        config_of(*words)
    assert error.value.problems == [
        f"loss.type: '{loss}' is of probabilities, use data.standardize_target=false"
    ]
    plain = config_of(*words, "data.standardize_target=false").plain
    assert check(plain | {"data": plain["data"] | {"target": "input", "standardize_target": True}})
