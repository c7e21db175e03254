import torch

from runner.data.batches import Batches
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
