"""Training equals an independent reference: plain torch modules, torch's own optimiser or the formula."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from runner.build import build_model
from runner.data.dataset import Dataset, Split
from runner.engine.recording import Call, Recorder
from runner.metrics import F1, R2, RMSE, Metric, Perplexity, TopK
from runner.nn.init import Default, Initializer, Zeros
from runner.nn.layers.sequential import Sequential
from runner.nn.losses import MSE, CrossEntropy, Loss
from runner.nn.store import ParameterStore
from runner.optim.rules import SGD, Momentum, Rule
from runner.optim.schedules import Constant
from runner.registry import LAYERS, SOURCES
from runner.training.loop import Epoch, Training, evaluate

EPOCHS, BATCH, LR = 5, 100, 0.2

TASKS: dict[str, tuple[str, Loss, Callable[..., Tensor]]] = {
    "classification": ("digits", CrossEntropy(), nn.functional.cross_entropy),
    "regression": ("linear", MSE(), nn.functional.mse_loss),
}


def trained(
    data: Dataset, loss: Loss, rule: Rule, init: Initializer, generator: torch.Generator | None = None
) -> tuple[list[Epoch], dict[str, Tensor], Sequential, ParameterStore]:
    """The epochs of a run, and the parameters that it started with."""
    outputs = 10 if "classification" in loss.tasks else 1
    store = ParameterStore()
    model = build_model(
        {
            "flat": partial(LAYERS["flatten"]),
            "l1": partial(LAYERS["linear"], out_features=16, init=init),
            "a1": partial(LAYERS["tanh"]),
            "l2": partial(LAYERS["linear"], out_features=outputs, init=init),
        },
        tuple(data.train.inputs.shape[1:]),
        store,
    )
    store.seal(torch.Generator().manual_seed(3))
    start = {name: value.clone() for name, value in store.named_parameters().items()}
    epochs = Training(
        model, store, loss, rule, Constant(), data, epochs=EPOCHS, batch_size=BATCH, generator=generator
    )
    return list(epochs), start, model, store


def reference_losses(
    data: Dataset, loss: Callable[..., Tensor], start: dict[str, Tensor], beta: float | None
) -> list[float]:
    """Mean training loss of each epoch in plain torch; beta None is torch.optim.SGD."""
    l1, l2 = nn.Linear(*start["l1.W"].shape), nn.Linear(*start["l2.W"].shape)
    for module, name in ((l1, "l1"), (l2, "l2")):
        module.weight.data = start[f"{name}.W"].T.clone()
        module.bias.data = start[f"{name}.b"][0].clone()
    model = nn.Sequential(nn.Flatten(), l1, nn.Tanh(), l2)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    velocities = [torch.zeros_like(p) for p in model.parameters()]
    losses = []
    for _ in range(EPOCHS):
        total = 0.0
        for first in range(0, len(data.train), BATCH):
            x = data.train.inputs[first : first + BATCH]
            y = data.train.targets[first : first + BATCH]
            optimizer.zero_grad()
            error = loss(model(x), y)
            torch.autograd.backward(error)
            total += error.item() * len(x)
            if beta is None:
                optimizer.step()
                continue
            with torch.no_grad():
                for p, v in zip(model.parameters(), velocities, strict=True):
                    assert p.grad is not None
                    v.copy_(beta * v + (1 - beta) * p.grad)
                    p.sub_(LR * v)
        losses.append(total / len(data.train))
    return losses


@pytest.fixture(scope="module", params=TASKS)
def task(request: pytest.FixtureRequest) -> tuple[Dataset, Loss, Callable[..., Tensor]]:
    source, loss, reference = TASKS[request.param]
    return SOURCES[source]().load(), loss, reference


@pytest.mark.parametrize("init", [Zeros(), Default()], ids=["zeros", "same_weights"])
@pytest.mark.parametrize("beta", [None, 0.9], ids=["sgd", "momentum"])
def test_every_epochs_loss_equals_plain_torch(
    task: tuple[Dataset, Loss, Callable[..., Tensor]], beta: float | None, init: Initializer
) -> None:
    data, loss, reference = task
    rule = SGD(lr=LR) if beta is None else Momentum(lr=LR, beta=beta)
    epochs, start, _, _ = trained(data, loss, rule, init)
    expected = reference_losses(data, reference, start, beta)
    assert [epoch.metrics["train/loss"] for epoch in epochs] == pytest.approx(expected, rel=1e-5)
    if init == Default():  # from zeros, hidden layers get no gradient
        assert expected[-1] < expected[0]


def test_metrics_are_those_of_the_contract(task: tuple[Dataset, Loss, Callable[..., Tensor]]) -> None:
    data, loss, _ = task
    epochs, *_ = trained(data, loss, SGD(lr=LR), Default())
    kinds = ["loss", "accuracy"] if "classification" in loss.tasks else ["loss"]
    assert [epoch.number for epoch in epochs] == [1, 2, 3, 4, 5]
    assert set(epochs[0].metrics) == {f"{part}/{kind}" for part in ("train", "test") for kind in kinds} | {
        "lr",
        "time/epoch_seconds",
        "time/samples_per_second",
    }


def test_training_metrics_are_weighted_by_samples() -> None:
    inputs = torch.cat([torch.zeros(4, 1), torch.ones(1, 1)])
    data = Dataset(Split(inputs, inputs * 3), Split(inputs, inputs * 3))
    store = ParameterStore()
    model = build_model({"l": partial(LAYERS["linear"], out_features=1, init=Zeros())}, (1,), store)
    store.seal(torch.Generator())
    (epoch,) = Training(
        model, store, MSE(), SGD(lr=0.0), Constant(), data, epochs=1, batch_size=4, generator=None
    )
    assert epoch.metrics["train/loss"] == pytest.approx(9 / 5)  # not (0 + 9) / 2


def test_test_metrics_are_measured_after_the_epoch() -> None:
    data = SOURCES["digits"]().load()
    epochs, _, model, store = trained(data, CrossEntropy(), SGD(lr=LR), Default())
    with torch.no_grad():
        logits = model.forward(store, data.test.inputs)
    expected = nn.functional.cross_entropy(logits, data.test.targets).item()
    assert epochs[-1].metrics["test/loss"] == pytest.approx(expected, rel=1e-6)
    right = (logits.argmax(1) == data.test.targets).float().mean().item()
    assert epochs[-1].metrics["test/accuracy"] == pytest.approx(right)


def test_evaluation_covers_more_samples_than_one_pass_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    data = SOURCES["digits"]().load()
    _, _, model, store = trained(data, CrossEntropy(), SGD(lr=LR), Default())
    whole = evaluate(model, store, CrossEntropy(), data.train, "")
    monkeypatch.setattr("runner.training.loop.EVALUATION_ROWS", 100)
    assert evaluate(model, store, CrossEntropy(), data.train, "") == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("rows", [1, 7, 8192])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_loss_with_class_weights_is_torchs_of_all_samples(
    rows: int, smoothing: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = SOURCES["digits"]().load()
    few = data.test.first(30)
    weight = tuple(0.1 * (1 + place**2) for place in range(10))
    loss = CrossEntropy(weight=weight, label_smoothing=smoothing)
    _, _, model, store = trained(data, CrossEntropy(), SGD(lr=LR), Default())
    monkeypatch.setattr("runner.training.loop.EVALUATION_ROWS", rows)
    with torch.inference_mode():
        logits = model.forward(store, few.inputs)
    expected = nn.functional.cross_entropy(
        logits, few.targets, torch.tensor(weight), label_smoothing=smoothing
    )
    measured = evaluate(model, store, loss, few, "test/")
    assert measured["test/loss"] == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("rows", [7, 100, 8192])
def test_metrics_are_of_all_predictions_whatever_a_pass_takes(
    task: tuple[Dataset, Loss, Callable[..., Tensor]], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, loss, _ = task
    metrics: list[Metric] = [F1(), TopK(k=3)] if "classification" in loss.tasks else [RMSE(), R2()]
    _, _, model, store = trained(data, loss, SGD(lr=LR), Default())
    monkeypatch.setattr("runner.training.loop.EVALUATION_ROWS", rows)
    measured = evaluate(model, store, loss, data.test, "test/", metrics=metrics)
    with torch.inference_mode():
        prediction = model.forward(store, data.test.inputs)
    assert {name: measured[f"test/{name}"] for name in (metric.name for metric in metrics)} == pytest.approx(
        {metric.name: metric(prediction, data.test.targets).item() for metric in metrics}
    )


def test_places_of_sequences_are_measured_like_samples() -> None:
    """What is measured of sequences is what is measured of their places as samples."""
    generator = torch.Generator().manual_seed(0)
    sequences = torch.randn(20, 5, 4, generator=generator)
    classes = torch.randint(0, 3, (20, 5), generator=generator)
    store = ParameterStore()
    layers = {"l": partial(LAYERS["linear"], out_features=3)}
    model = build_model(layers, (5, 4), store)
    places = build_model(layers, (4,), flat_store := ParameterStore())
    store.seal(generator)
    flat_store.seal(generator)
    flat_store.params.copy_(store.params)
    whole, flat = (
        Split(sequences, classes, classified=True),
        Split(sequences.flatten(0, 1), classes.flatten()),
    )
    measured = evaluate(model, store, CrossEntropy(), whole, "", metrics=[F1(), Perplexity()])
    expected = evaluate(places, flat_store, CrossEntropy(), flat, "", metrics=[F1(), Perplexity()])
    assert measured == pytest.approx(expected, rel=1e-5)


def test_the_generator_decides_the_batches() -> None:
    data = SOURCES["digits"]().load()

    def losses(seed: int) -> list[float]:
        generator = torch.Generator().manual_seed(seed)
        epochs, *_ = trained(data, CrossEntropy(), SGD(lr=LR), Default(), generator)
        return [epoch.metrics["train/loss"] for epoch in epochs]

    assert losses(0) == losses(0)
    assert losses(0) != losses(1)


def test_no_epoch_is_run_before_it_is_asked_for() -> None:
    data = SOURCES["digits"]().load()
    store = ParameterStore()
    model = build_model(
        {"f": partial(LAYERS["flatten"]), "l": partial(LAYERS["linear"], out_features=10)}, (1, 8, 8), store
    )
    store.seal(torch.Generator())
    before = store.params.clone()
    training = Training(
        model, store, CrossEntropy(), SGD(lr=LR), Constant(), data, epochs=9, batch_size=50, generator=None
    )
    assert torch.equal(store.params, before)
    training.epoch()
    assert not torch.equal(store.params, before)


WAIT = torch.ops.aten._local_scalar_dense.default


def calls_of_an_epoch(samples: int) -> list[Call]:
    """The operators of the third epoch on so many samples in batches of 10, when everything is recorded."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(samples, 20, generator=generator)
    split = Split(inputs, torch.arange(samples) % 3)
    store = ParameterStore()
    model = build_model(
        {
            "l1": partial(LAYERS["linear"], out_features=16),
            "a1": partial(LAYERS["relu"]),
            "l2": partial(LAYERS["linear"], out_features=3),
        },
        (20,),
        store,
    )
    store.seal(generator)
    training = Training(
        model,
        store,
        CrossEntropy(),
        Momentum(lr=0.1),
        Constant(),
        Dataset(split, split.first(10)),
        epochs=3,
        batch_size=10,
        generator=generator,
    )
    training.epoch(), training.epoch()
    recorder = Recorder()
    with recorder:
        training.epoch()
    return recorder.calls


def test_an_epoch_waits_for_the_device_as_often_whatever_its_length() -> None:
    def waits(samples: int) -> int:
        return sum(call.operator is WAIT for call in calls_of_an_epoch(samples))

    assert waits(20) == waits(400)


def test_a_step_allocates_nothing() -> None:
    """What a longer epoch allocates more is its order of samples, 8 bytes each."""

    def allocated(samples: int) -> int:
        calls = [call for call in calls_of_an_epoch(samples) if call.operator is not WAIT]
        return sum(tensor.nbytes for call in calls for tensor in call.fresh)

    assert allocated(400) - allocated(20) == 8 * (400 - 20)
