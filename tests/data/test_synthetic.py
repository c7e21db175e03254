"""Points made by formula are where the formula says."""

import numpy as np
import pytest
import torch
from sklearn.datasets import make_moons

from runner.data.dataset import Dataset, Source
from runner.data.synthetic import Blobs, Moons, Spirals


def whole(data: Dataset) -> tuple[torch.Tensor, torch.Tensor]:
    return (
        torch.cat([data.train.samples, data.test.samples]),
        torch.cat([data.train.targets, data.test.targets]),
    )


def test_blobs_scatter_around_a_centre_each() -> None:
    points, labels = whole(Blobs(samples=3000, features=3, classes=4, std=0.5).load())
    for label in range(4):
        own = points[labels == label]
        assert len(own) == 750
        torch.testing.assert_close(own.std(dim=0), torch.full((3,), 0.5), rtol=0.1, atol=0)


def test_moons_lie_on_scikit_learns() -> None:
    points, labels = whole(Moons(samples=1000, noise=0).load())
    theirs, their_labels = make_moons(1000, noise=0)
    for label in (0, 1):
        dense = torch.from_numpy(theirs[their_labels == label]).float()
        nearest = torch.cdist(points[labels == label], dense).min(dim=1).values
        assert nearest.max() < np.pi / 500


def test_arms_of_spirals_are_the_same_turned() -> None:
    points, labels = whole(Spirals(samples=900, classes=3, turns=1.5, noise=0).load())
    angle = torch.atan2(points[:, 1], points[:, 0]) / (2 * np.pi) - 1.5 * points.norm(dim=1)
    off = angle - labels / 3
    assert (off - off.round())[points.norm(dim=1) > 0.01].abs().max() < 1e-3


@pytest.mark.parametrize("kind", [Blobs, Moons, Spirals])
def test_the_seed_is_the_data_sets_own(kind: type[Blobs | Moons | Spirals]) -> None:
    one, other = kind(seed=1), kind(seed=2)
    sources: list[Source] = [one, other]
    first, second = (source.load().train.samples for source in sources)
    assert not torch.equal(first, second)
