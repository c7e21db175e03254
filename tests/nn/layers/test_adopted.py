"""Modules of torch.nn as layers."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import nn

from runner.build import build_model
from runner.config.components import named_layers
from runner.config.plain import Plain
from runner.errors import ConfigError
from runner.nn.layers.sequential import Sequential
from runner.nn.store import ParameterStore
from runner.registry import BUILT_IN
from runner.sweep.blocks import train_block
from runner.sweep.planning.lanes import Stop
from runner.trained.serving import load
from tests.sweep.composed import Heard, alone, digits, jobs_of

TWO_NORMS = (
    "model.layers.a1.type=torch.nn.BatchNorm1d +model.layers.a1.num_features=128 "
    "+model.layers.n2.type=torch.nn.BatchNorm1d +model.layers.n2.num_features=10"
)


def built(layers: Plain, shape: tuple[int, ...], seed: int = 0) -> tuple[Sequential, ParameterStore]:
    problems: list[str] = []
    checked = named_layers(BUILT_IN, "model.layers", layers, problems)
    if checked is None:
        raise ConfigError(problems)
    store = ParameterStore()
    model = build_model(checked, shape, store)
    store.seal(torch.Generator().manual_seed(seed))
    return model, store


def refused(layers: Plain, shape: tuple[int, ...] = (4,)) -> str:
    with pytest.raises(ConfigError) as error:
        built(layers, shape)
    return str(error.value)


def test_a_module_computes_what_it_computes_elsewhere() -> None:
    words = {"d_model": 8, "nhead": 2, "dim_feedforward": 6, "dropout": 0.0}
    model, store = built({"e": {"type": "torch.nn.TransformerEncoderLayer", **words}}, (5, 8))
    twin = nn.TransformerEncoderLayer(8, 2, 6, 0.0, batch_first=True)
    twin.load_state_dict({name.removeprefix("e."): value for name, value in store.state_dict().items()})
    x = torch.randn(3, 5, 8)
    torch.testing.assert_close(model.forward(store, x), twin(x))
    assert model.out_shape == (5, 8)


def test_what_a_module_counts_is_kept_in_the_store() -> None:
    model, store = built({"n": {"type": "torch.nn.BatchNorm1d", "num_features": 4}}, (4,))
    twin = nn.BatchNorm1d(4)
    for _ in range(3):
        x = torch.randn(6, 4)
        torch.testing.assert_close(model.forward(store, x), twin(x))
    torch.testing.assert_close(store.state_dict()["n.running_mean"], twin.running_mean)
    assert store.state_dict()["n.num_batches_tracked"] == 3
    with store.evaluating():
        torch.testing.assert_close(model.forward(store, x), twin.eval()(x))


def test_a_last_batch_of_one_is_normalised_as_in_evaluation_and_leaves_no_trace() -> None:
    model, store = built({"n": {"type": "torch.nn.BatchNorm1d", "num_features": 4}}, (4,))
    model.forward(store, torch.randn(6, 4))
    before, x = store.state_dict(), torch.randn(1, 4)
    output = model.forward(store, x)
    with store.evaluating():
        torch.testing.assert_close(output, model.forward(store, x))
    torch.testing.assert_close(store.state_dict(), before)


def test_first_values_follow_from_the_seed_alone_whatever_other_threads_draw() -> None:
    layers = {
        f"l{number}": {"type": "torch.nn.Linear", "in_features": 64, "out_features": 64}
        for number in range(4)
    }

    def params(seed: int) -> torch.Tensor:
        torch.rand(100)
        return built(layers, (64,), seed)[1].params

    expected = [params(seed) for seed in range(8)]
    before = torch.random.get_rng_state()
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(params, range(8)))
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(drawn, expected, strict=True))
    assert not torch.equal(expected[0], expected[1])
    assert not torch.equal(torch.random.get_rng_state(), before), "as other code draws from torch's own"


def test_several_modules_with_statistics_train_alone_and_stacked_to_the_end(tmp_path: Path) -> None:
    common = f"{TWO_NORMS} train.epochs=2 tracking.log_model=true"
    jobs = jobs_of(["seed=0", "seed=1 optim.lr=0.1"], common, tmp_path)
    heard = Heard()
    train_block(jobs, digits(), heard.progress(), Stop())
    for job in jobs:
        result = heard.results[job.number]
        assert result.status == "FINISHED", result.reason
        curve = [epoch.metrics["test/loss"] for epoch in alone(job, digits())]
        assert result.curve == pytest.approx(curve, rel=1e-4)
        model = heard.ends[job.number].model
        assert model is not None
        outputs = torch.from_numpy(load(model.folder).predict(digits().test.inputs.numpy()))
        loss = torch.nn.functional.cross_entropy(outputs, digits().test.targets)
        assert loss.item() == pytest.approx(result.curve[-1], rel=1e-4)


@pytest.mark.parametrize("name", ["Sigmoid", "Tanh", "Softsign", "LogSigmoid", "Tanhshrink"])
def test_modules_without_arguments_are_layers_too(name: str) -> None:
    model, store = built(
        {"l": {"type": "linear", "out_features": 4}, "a": {"type": f"torch.nn.{name}"}}, (4,)
    )
    x = torch.randn(6, 4)
    linear, _ = model.layers.values()
    torch.testing.assert_close(model.forward(store, x), getattr(nn, name)()(linear.forward(store, x)))


def test_a_module_that_is_shared_counts_twice() -> None:
    norm = {"type": "torch.nn.BatchNorm1d", "num_features": 4}
    model, store = built(
        {"n": norm, "l": {"type": "linear", "out_features": 4}, "s": {"type": "share", "of": "n"}}, (4,)
    )
    store.backward(model.forward(store, torch.randn(6, 4)).square().sum())
    assert store.state_dict()["n.num_batches_tracked"] == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"type": "torch.nn.Lineer"}, "Did you mean 'torch.nn.Linear'?"),
        ({"type": "torch.nn.functional"}, "'torch.nn.functional' is no module of torch.nn"),
        ({"type": "torch.nn.LazyLinear", "out_features": 2}, "'torch.nn.LazyLinear' is no module of torch"),
        ({"type": "torch.nn.LSTM", "input_size": 4}, "'torch.nn.LSTM' is no module of torch.nn"),
        ({"type": "torch.nn.Linear", "in_featres": 4}, "unknown key 'in_featres'. Did you mean"),
        ({"type": "torch.nn.Linear", "in_features": 4}, "l.out_features: missing, torch.nn.Linear needs it"),
        ({"type": "torch.nn.Linear", "in_features": 5, "out_features": 2}, "cannot take [4]"),
        ({"type": "torch.nn.Linear", "in_features": 4, "out_features": "a"}, "refuses its arguments"),
        ({"type": "torch.nn.CrossEntropyLoss"}, "missing 1 required positional argument: 'target'"),
        (
            {"type": "torch.nn.TransformerEncoderLayer", "d_model": 4, "nhead": 2, "batch_first": False},
            "l.batch_first: False should be true",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_a_line(words: Plain, told: str) -> None:
    message = refused({"l": words})
    assert told in message
    assert message.splitlines()[0].startswith("model.layers.l")
