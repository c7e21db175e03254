"""A look at a split sees what a pass over all of it at once would see."""

import pytest
import torch
from torch import Tensor

from runner.data.dataset import Split
from runner.data.units import Units
from runner.nn.layers.linear import Linear
from runner.nn.layers.sequential import Sequential
from runner.nn.link import Link
from runner.nn.store import ParameterStore
from runner.training import loop
from runner.training.look import look_at_classes, look_at_values

GENERATOR = torch.Generator().manual_seed(0)
SAMPLES = torch.randn(101, 5, generator=GENERATOR)


def model_of(outputs: int) -> tuple[Sequential, ParameterStore]:
    store = ParameterStore()
    model = Sequential(
        store.scope(), (5,), layers={"l": lambda s, shape: Linear(s, shape, out_features=outputs)}
    )
    store.seal(torch.Generator().manual_seed(1), torch.device("cpu"))
    return model, store


@pytest.fixture(params=[7, 8192], ids=["in batches of 7", "at once"], autouse=True)
def in_batches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "EVALUATION_ROWS", request.param)


def test_classes_are_counted_and_the_surest_mistakes_found() -> None:
    model, store = model_of(4)
    targets = torch.randint(4, (101,), generator=GENERATOR)
    seen = look_at_classes(model, store, Split(SAMPLES, targets), 6, Link("softmax", "classification"))
    shares = model.forward(store, SAMPLES).detach().softmax(-1)
    highest, taken = shares.max(-1)
    assert seen.counts.sum() == 101
    assert seen.counts[2, 1] == ((targets == 2) & (taken == 1)).sum()
    wrong = (taken != targets).nonzero().flatten()
    surest = wrong[highest[wrong].argsort(descending=True)][:6]
    assert seen.wrong.tolist() == surest.tolist()
    assert seen.taken_for.tolist() == taken[surest].tolist()
    torch.testing.assert_close(seen.probabilities, highest[surest])


@pytest.mark.parametrize(
    "units", [None, Units((10.0, -3.0), (2.0, 5.0))], ids=["as they are", "in other units"]
)
def test_values_are_told_in_their_own_units_of_samples_spread_over_the_split(units: Units | None) -> None:
    model, store = model_of(2)
    targets = torch.randn(101, 2, generator=GENERATOR)
    seen = look_at_values(
        model, store, Split(SAMPLES, targets, units=units), 60, Link("identity", "regression")
    )
    outputs = model.forward(store, SAMPLES).detach()

    def own(values: Tensor) -> Tensor:
        return values.double() if units is None else units.restored(values)

    torch.testing.assert_close(seen.true, own(targets)[::4])
    torch.testing.assert_close(seen.predicted, own(outputs)[::4], rtol=1e-5, atol=1e-5)
    assert seen.rmse == pytest.approx((own(outputs) - own(targets)).square().mean().sqrt().item(), rel=1e-5)
    torch.testing.assert_close(seen.errors, (outputs - targets).square().mean(1), rtol=1e-5, atol=1e-6)
