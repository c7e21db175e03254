"""A share of the samples has the size that is asked for, and every class as far as there is room."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from runner.data.picking import pick


def groups_of(sizes: Sequence[int]) -> torch.Tensor:
    return torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))


def counted(sizes: Sequence[int], share: float, seed: int = 0) -> list[int]:
    groups = groups_of(sizes)
    return groups[pick(groups, share, seed)].bincount(minlength=len(sizes)).tolist()


def test_sixty_classes_of_two_beside_a_large_one() -> None:
    *rare, large = counted([2] * 60 + [60], 0.2)
    assert (sum(rare), max(rare), large) == (24, 1, 12)


def test_a_rare_class_comes_before_one_more_of_a_frequent_one() -> None:
    assert counted([97, 3], 0.1) == [9, 1]


def test_the_only_sample_of_a_class_is_learnt_from() -> None:
    assert counted([1, 1, 1, 47], 0.2)[:3] == [0, 0, 0]
    assert sum(counted([1, 1, 1, 47], 0.2)) == 10


@pytest.mark.parametrize("share", [0.1, 0.2, 0.29, 0.33, 0.5, 0.9])
def test_shares_are_those_of_scikit_learn(share: float) -> None:
    """Where no class is rare; of equal claims either may be heard, so counts are compared in order."""
    sizes = [41, 100, 57, 18, 34]
    groups = groups_of(sizes).numpy()
    _, theirs = train_test_split(groups, test_size=round(share * 250), stratify=groups, random_state=0)
    np.testing.assert_allclose(np.sort(counted(sizes, share)), np.sort(np.bincount(theirs)), atol=1)
    assert sum(counted(sizes, share)) == len(theirs)


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=30),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 5),
)
@settings(max_examples=100, deadline=None)
def test_the_whole_has_the_size_asked_for_and_each_class_its_share(
    sizes: list[int], share: float, seed: int
) -> None:
    counts = np.array(counted(sizes, share, seed))
    assert counts.sum() == round(share * sum(sizes))
    quotas = share * np.array(sizes)
    assert (np.abs(counts - quotas) <= 1 + 1e-9).all()
    absent = (counts == 0) & (np.array(sizes) > 1)
    if absent.any():  # then no class has got one more than its share but others that would have had none
        assert (counts[quotas >= 1] <= np.floor(quotas[quotas >= 1] + 1e-9)).all()


def test_the_order_of_samples_is_no_matter_for_the_counts() -> None:
    groups = groups_of([7, 5, 30])[torch.randperm(42, generator=torch.Generator().manual_seed(1))]
    assert groups[pick(groups, 0.25, 0)].bincount().tolist() == counted([7, 5, 30], 0.25)
