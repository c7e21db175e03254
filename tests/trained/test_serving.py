"""A saved model's predictions belong to the samples, not to what else is asked at once."""

from pathlib import Path

import pytest
import torch

from tests.trained.test_export import predictor_of


@pytest.mark.parametrize("name", ["regression", "mlp", "cnn", "gru"])
def test_a_sample_is_predicted_to_the_same_bits_in_any_company(name: str, mnist_root: Path) -> None:
    predictor = predictor_of(name, mnist_root)
    generator = torch.Generator().manual_seed(1)
    samples = torch.rand(150, *predictor.in_shape, generator=generator)
    whole = predictor.predict(samples.numpy())
    with predictor.store.evaluating(), torch.inference_mode():
        alone = predictor.model.forward(predictor.store, samples)
    if predictor.units is not None:
        alone = predictor.units.restored(alone)
    torch.testing.assert_close(torch.from_numpy(whole), alone, rtol=1e-4, atol=1e-4)
    for count in (1, 2, 3, 31, 64, 65, 149):
        places = torch.randperm(150, generator=generator)[:count]
        assert (predictor.predict(samples[places].numpy()) == whole[places]).all()
    assert predictor.predict(samples[:0].numpy()).shape == whole[:0].shape
