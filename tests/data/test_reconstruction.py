"""A sample as its own target."""

from pathlib import Path

import pytest
import torch

import runner
from runner.data.batches import Batches
from runner.data.dataset import Split
from runner.data.digits import Digits
from runner.data.reconstruction import Reconstruction, reconstructed


def test_the_targets_of_pixels_are_the_inputs_flattened() -> None:
    pixels = torch.arange(24, dtype=torch.uint8).view(2, 3, 2, 2)
    split = reconstructed(Split(pixels, torch.tensor([0, 1])))
    ((inputs, targets),) = Batches(split, 2, None)
    assert (split.task, targets.dtype) == ("regression", torch.float32)
    assert torch.equal(inputs.flatten(1), targets)
    assert targets.max() < 0.1, "pixels are between 0 and 1"
    assert split.targets.untyped_storage().data_ptr() == pixels.untyped_storage().data_ptr()


def test_the_shape_to_give_is_the_samples() -> None:
    source = Reconstruction(Digits())
    assert (source.task, source.in_shape, source.out_shape) == ("regression", (1, 8, 8), (64,))
    data = source.load()
    assert torch.equal(data.test.targets, data.test.inputs.flatten(1))


def test_an_autoencoder_learns_the_digits(in_tmp_path: Path) -> None:
    overrides = ["data.target=input", "loss=mse", "model.layers.l1.out_features=32", "optim=momentum"]
    result = runner.run([*overrides, "model.layers.a1.type=tanh", "optim.lr=10", "data.val=0.1"])
    variance = Digits().load().test.inputs.var(dim=0).mean()
    assert result.objective < 0.3 * variance
    assert "test/accuracy" not in result.epochs[-1].metrics


def test_a_loss_of_classes_is_refused(in_tmp_path: Path) -> None:
    with pytest.raises(runner.ConfigError, match="is regression"):
        runner.run(["data.target=input"])
