import torch

from runner.data.batches import Batches, StackedBatches
from runner.data.dataset import Split

SPLIT = Split(torch.arange(10.0).view(10, 1), torch.arange(10))


def drawn(batches: Batches) -> list[list[int]]:
    return [targets.tolist() for _, targets in batches]


def test_unshuffled_batches_keep_the_order_and_the_short_last_one() -> None:
    assert drawn(Batches(SPLIT, 4, None)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_shuffled_batches_hold_every_sample_once() -> None:
    batches = drawn(Batches(SPLIT, 4, torch.Generator().manual_seed(0)))
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert sorted(index for batch in batches for index in batch) == list(range(10))


def test_inputs_and_targets_stay_together() -> None:
    for inputs, targets in Batches(SPLIT, 3, torch.Generator().manual_seed(0)):
        assert inputs[:, 0].tolist() == targets.tolist()


def test_each_epoch_has_an_order_of_its_own_and_a_seed_names_them_all() -> None:
    def epochs(seed: int) -> list[list[list[int]]]:
        batches = Batches(SPLIT, 4, torch.Generator().manual_seed(seed))
        return [drawn(batches), drawn(batches)]

    first, second = epochs(0)
    assert {frozenset(batch) for batch in first} != {frozenset(batch) for batch in second}
    assert epochs(0) == [first, second]
    assert epochs(1) != [first, second]


def test_a_batch_may_be_larger_than_the_data() -> None:
    assert [len(batch) for batch in drawn(Batches(SPLIT, 100, torch.Generator()))] == [10]


def test_shuffled_batches_are_gathered_into_the_same_memory() -> None:
    pointers = {inputs.data_ptr() for inputs, _ in Batches(SPLIT, 2, torch.Generator())}
    assert len(pointers) == 1


def stacked_epochs(seeds: list[int | None], count: int = 1) -> list[list[tuple[torch.Tensor, torch.Tensor]]]:
    """Epochs of stacked batches, each a copy: all come in the same memory."""
    batches = StackedBatches(SPLIT, 4, [generator_of(seed) for seed in seeds], torch.device("cpu"))
    return [[(inputs.clone(), targets.clone()) for inputs, targets in batches] for _ in range(count)]


def generator_of(seed: int | None) -> torch.Generator | None:
    return None if seed is None else torch.Generator().manual_seed(seed)


def test_each_member_of_a_stack_sees_the_batches_that_it_would_see_alone() -> None:
    seeds = [0, 1, None, 0]
    epochs = stacked_epochs(seeds, count=2)
    for member, seed in enumerate(seeds):
        alone = Batches(SPLIT, 4, generator_of(seed))
        for epoch in epochs:
            assert [targets[member].tolist() for _, targets in epoch] == drawn(alone)
            assert [inputs[member, :, 0].tolist() for inputs, _ in epoch] == [
                targets[member].tolist() for _, targets in epoch
            ]


def test_stacked_batches_begin_with_the_members() -> None:
    (epoch,) = stacked_epochs([0, 1, 2])
    assert [tuple(inputs.shape) for inputs, _ in epoch] == [(3, 4, 1), (3, 4, 1), (3, 2, 1)]
    assert [tuple(targets.shape) for _, targets in epoch] == [(3, 4), (3, 4), (3, 2)]


def test_stacked_pixels_are_between_0_and_1() -> None:
    split = Split(torch.arange(6, dtype=torch.uint8).view(6, 1) * 51, torch.arange(6))
    generators = [generator_of(0), generator_of(1)]
    for inputs, targets in StackedBatches(split, 4, generators, torch.device("cpu")):
        torch.testing.assert_close(inputs[..., 0], targets / 5)
