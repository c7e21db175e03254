"""Blends of two samples are learnt from as the paper says."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from scipy.stats import beta, kstest

import runner
from runner.data.batches import Batches
from runner.data.dataset import Split
from runner.data.mixup import Mixup
from runner.errors import ConfigError
from runner.nn.layers.shape import Flatten
from runner.nn.losses import CrossEntropy
from runner.nn.store import ParameterStore
from runner.training.mixed import loss_and_prediction

SPLIT = Split(torch.arange(20.0).view(10, 2), torch.arange(10) % 3)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_shares_are_drawn_from_beta_the_larger_of_the_two() -> None:
    shares = Mixup(0.4).shares(5000, seeded(0)).double()
    assert shares.min() >= 0.5
    either = torch.where(torch.rand(5000, generator=seeded(1)) < 0.5, shares, 1 - shares)
    assert kstest(either.numpy(), beta(0.4, 0.4).cdf).pvalue > 0.01


def test_the_generator_draws_another_share_for_each_batch_and_epoch() -> None:
    def drawn(seed: int) -> list[float]:
        batches = Batches(SPLIT, 4, seeded(seed), mixup=Mixup(1.0))
        return [float(batches.share) for _ in range(2) for _ in batches if batches.share is not None]

    assert len(set(drawn(0))) == 6
    assert drawn(0) == drawn(0) != drawn(1)


def test_the_loss_is_that_of_soft_targets() -> None:
    store = ParameterStore()
    model = Flatten(store.scope(), (3,))
    inputs, share = torch.randn(4, 3, generator=seeded(0)), torch.tensor(0.7)
    targets = torch.tensor([0, 1, 2, 1])
    error, prediction = loss_and_prediction(model, store, CrossEntropy(), inputs, targets, share)
    torch.testing.assert_close(prediction, 0.7 * inputs + 0.3 * inputs[[3, 0, 1, 2]])
    soft = 0.7 * F.one_hot(targets, 3) + 0.3 * F.one_hot(targets[[3, 0, 1, 2]], 3)
    torch.testing.assert_close(error, F.cross_entropy(prediction, soft))


def test_indices_can_not_be_mixed(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("abcd" * 100)
    with pytest.raises(ConfigError, match=r"data\.mixup: 0\.2 mixes inputs"):
        runner.run(["data=text", f"data.root={tmp_path}", "data.file=t.txt", "data.mixup=0.2"])
