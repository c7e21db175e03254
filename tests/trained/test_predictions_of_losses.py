"""Whatever loss a model is trained with, what is read of its predictions is scikit-learn's and numpy's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas
import pytest
import scipy.special
import sklearn.metrics as reference
import torch

import runner
from runner.commands import predict as command
from runner.commands.arguments import parse
from runner.data.digits import Digits
from runner.data.synthetic import Moons
from runner.experiment import Result
from runner.trained.run import find
from runner.trained.served import Served
from runner.trained.serving import Predictor

pytestmark = pytest.mark.usefixtures("one_thread")

Array = npt.NDArray[Any]
QUICK = ["train.epochs=2", "optim=adam", "optim.lr=0.02", "tracking.pictures=false"]
NLL = ["loss=nll", "+model.layers.log={type: log_softmax}"]


def run(*words: str) -> Result:
    return runner.run([*QUICK, *words])


def raw(result: Result, inputs: torch.Tensor) -> Array:
    """The layers' outputs, in float64."""
    with torch.no_grad():
        return np.asarray(result.model.forward(result.store, inputs).double())


def loaded(result: Result) -> Predictor:
    return find(result.tracking_uri, result.run_id).load_model(torch.device("cpu"), plugins=False)


def predicted_file(result: Result, inputs: Array, target: str) -> Path:
    np.save("inputs.npy", inputs)
    words = [f"run={result.run_id}", "input=inputs.npy", f"output={target}"]
    command.predict(parse([*words, f"tracking.uri={result.tracking_uri}"], command.KNOWN))
    return Path(target)


def normalised(logits: Array) -> Array:
    shares = scipy.special.expit(logits)
    return np.asarray(shares / shares.sum(-1, keepdims=True))


@pytest.mark.parametrize(
    ("words", "probabilities"),
    [
        (["loss=bce_with_logits"], normalised),
        (["loss=hinge"], lambda outputs: scipy.special.softmax(outputs, -1)),
        (NLL, lambda outputs: np.exp(outputs) / np.exp(outputs).sum(-1, keepdims=True)),
        (["loss=nll"], lambda outputs: scipy.special.softmax(outputs, -1)),
    ],
    ids=["one against the rest", "hinge", "nll of log-probabilities", "nll of anything"],
)
def test_probabilities_of_classes_are_the_same_wherever_they_are_read(
    words: list[str], probabilities: Any, in_tmp_path: Path
) -> None:
    result = run("data=moons", "train.metrics=[auroc, perplexity, f1]", *words)
    test = Moons().load().test
    expected = probabilities(raw(result, test.inputs))
    targets = test.targets.numpy()
    measured = result.epochs[-1].metrics
    assert np.log(measured["test/perplexity"]) == pytest.approx(
        reference.log_loss(targets, expected), rel=1e-4
    )
    assert measured["test/auroc"] == pytest.approx(reference.roc_auc_score(targets, expected[:, 1]), abs=1e-5)
    assert measured["test/f1_macro"] == pytest.approx(
        reference.f1_score(targets, expected.argmax(1), average="macro"), abs=1e-6
    )
    np.testing.assert_allclose(result.predict(test.inputs).numpy(), expected, atol=1e-6)
    served: Any = Served(loaded(result)).predict(test.inputs.numpy())
    table = pandas.read_csv(predicted_file(result, test.inputs.numpy(), "predictions.csv"))
    for found in (served, table):
        np.testing.assert_allclose(found[["probability_0", "probability_1"]], expected, atol=1e-6)
        assert (found["class"] == expected.argmax(1)).all()


@pytest.mark.parametrize("loss", ["bce_with_logits", "mse"])
def test_an_autoencoder_s_pixels_are_predicted_between_0_and_1(loss: str, in_tmp_path: Path) -> None:
    result = run("data.target=input", f"loss={loss}", "model=autoencoder")
    inputs = Digits().load().test.inputs
    expected = raw(result, inputs)
    expected = scipy.special.expit(expected) if loss == "bce_with_logits" else expected
    pixels = inputs.flatten(1).double().numpy()
    measured = result.epochs[-1].metrics
    assert measured["test/rmse"] == pytest.approx(((pixels - expected) ** 2).mean() ** 0.5, rel=1e-5)
    assert measured["test/mae"] == pytest.approx(reference.mean_absolute_error(pixels, expected), rel=1e-5)
    assert measured["test/r2"] == pytest.approx(reference.r2_score(pixels, expected), rel=1e-4)
    np.testing.assert_allclose(result.predict(inputs).numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(loaded(result).predict(inputs.numpy()), expected, atol=1e-6)
    found = np.load(predicted_file(result, inputs.numpy(), "predictions.npy"))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def write_labels(count: int = 400) -> None:
    """Five labels a sample, one of them rare, in files of arrays."""
    draw = np.random.default_rng(0)
    mix = draw.normal(size=(6, 5))
    for part in ("", "test_"):
        x = draw.normal(size=(count, 6)).astype(np.float32)
        y = x @ mix + draw.normal(size=(count, 5)) > np.array([0, 0, 0, 1, 5])
        np.save(f"{part}x.npy", x)
        np.save(f"{part}y.npy", y.astype(np.float32))


LABELS = [
    "data=arrays", "data.root=.", "data.inputs=x.npy", "data.targets=y.npy", "data.test_inputs=test_x.npy",
    "data.test_targets=test_y.npy", "model=mlp", "loss=bce_with_logits",
]  # fmt: skip


def test_several_labels_a_sample_are_measured_each_and_together(in_tmp_path: Path) -> None:
    write_labels()
    result = run(
        *LABELS, "objective=test/auroc", "train.metrics=[accuracy, f1, auroc, precision, recall, rmse]"
    )
    x, y = np.load("test_x.npy"), np.load("test_y.npy")
    expected = scipy.special.expit(raw(result, torch.from_numpy(x)))
    called = expected > 0.5
    figures: dict[str, Callable[[Array, Array, Array], float]] = {
        "accuracy": lambda y, p, c: (c == y).mean(),
        "f1": lambda y, p, c: reference.f1_score(y, c, average="macro", zero_division=0),
        "precision": lambda y, p, c: reference.precision_score(y, c, average="macro", zero_division=0),
        "recall": lambda y, p, c: reference.recall_score(y, c, average="macro", zero_division=0),
        "auroc": lambda y, p, c: reference.roc_auc_score(y, p),
        "rmse": lambda y, p, c: ((y - p) ** 2).mean() ** 0.5,
    }
    measured = result.epochs[-1].metrics
    for name, figure in figures.items():
        whole = f"test/{name}_macro" if name in ("f1", "precision", "recall") else f"test/{name}"
        assert measured[whole] == pytest.approx(figure(y, expected, called), abs=1e-5), name
        for label in range(5):
            own = slice(label, label + 1)
            if name in ("f1", "precision", "recall"):
                by_itself = getattr(reference, f"{name}_score")(
                    y[:, label], called[:, label], zero_division=0
                )
            else:
                by_itself = figure(y[:, own], expected[:, own], called[:, own])
            assert measured[f"test/{name}_{label}"] == pytest.approx(by_itself, abs=1e-5), (name, label)
    assert "test/r2" not in measured
    assert 0.5 < measured["train/accuracy"] <= 1
    np.testing.assert_allclose(result.predict(x).numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(Served(loaded(result)).predict(x), expected, atol=1e-6)
    table = pandas.read_csv(predicted_file(result, x, "predictions.csv"))
    assert list(table) == [f"probability_{label}" for label in range(5)]
    np.testing.assert_allclose(table, expected, atol=1e-6)


def test_shares_between_0_and_1_are_no_labels(in_tmp_path: Path) -> None:
    write_labels()
    np.save("y.npy", np.load("y.npy") * 0.9)
    result = run(*LABELS)
    expected = scipy.special.expit(raw(result, torch.from_numpy(np.load("test_x.npy"))))
    assert result.epochs[-1].metrics["test/rmse"] == pytest.approx(
        ((np.load("test_y.npy") - expected) ** 2).mean() ** 0.5, rel=1e-5
    )


def test_distributions_are_predicted_by_a_model_of_log_probabilities(in_tmp_path: Path) -> None:
    write_labels()
    for part in ("", "test_"):
        np.save(f"{part}y.npy", scipy.special.softmax(3 * np.load(f"{part}x.npy")[:, :4], -1))
    result = run(*LABELS[:-1], "loss=kl_div", "+model.layers.log={type: log_softmax}")
    x, y = np.load("test_x.npy"), np.load("test_y.npy")
    expected = np.exp(raw(result, torch.from_numpy(x)))
    assert result.epochs[-1].metrics["test/rmse"] == pytest.approx(
        ((y - expected) ** 2).mean() ** 0.5, rel=1e-5
    )
    assert result.epochs[-1].metrics["test/r2"] == pytest.approx(reference.r2_score(y, expected), rel=1e-4)
    np.testing.assert_allclose(result.predict(x).sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(loaded(result).predict(x), expected, atol=1e-6)


def test_a_run_s_model_predicts_image_by_image_and_is_not_changed_by_that(in_tmp_path: Path) -> None:
    result = run("model=cnn", "train.epochs=1")
    test = Digits().load().test
    before = {name: value.clone() for name, value in result.store.state_dict().items()}
    with torch.no_grad():
        alone = torch.cat([result.model.forward(result.store, image[None]) for image in test.inputs])
    assert not result.store.training
    assert (alone.argmax(1) == test.targets).double().mean().item() == pytest.approx(
        result.epochs[-1].metrics["test/accuracy"], abs=0.003
    )
    torch.testing.assert_close(result.predict(test.samples), alone.softmax(-1), rtol=1e-4, atol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in result.store.state_dict().items())
    with pytest.raises(
        runner.errors.DataError, match=r"inputs: are \[1, 8, 8\], the model takes \[N, 1, 8, 8\]"
    ):
        result.predict(test.inputs[0])
