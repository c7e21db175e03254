"""How a group of jobs is cut into blocks."""

import pytest

from runner.sweep.planning.way import Way


@pytest.mark.parametrize("lanes", [1, 2, 3, 8])
@pytest.mark.parametrize("block", [1, 2, 3, 16, 100])
def test_blocks_cover_every_item_once_and_are_of_nearly_the_same_size(block: int, lanes: int) -> None:
    for count in range(1, 70):
        items = list(range(count))
        blocks = Way(block, lanes, 1).blocks(items)
        assert [item for each in blocks for item in each] == items
        sizes = [len(each) for each in blocks]
        assert 1 <= max(sizes) <= block
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("lanes", [2, 3, 8])
def test_no_lane_has_a_block_more_than_another_if_it_can_be(lanes: int) -> None:
    for count in range(1, 70):
        blocks = Way(4, lanes, 1).blocks(range(count))
        assert len(blocks) % lanes == 0 or len(blocks) == count


def test_blocks_are_no_more_than_needed() -> None:
    assert [len(each) for each in Way(16, 1, 2).blocks(range(64))] == [16] * 4
    assert [len(each) for each in Way(16, 2, 1).blocks(range(64))] == [16] * 4
    assert [len(each) for each in Way(16, 2, 1).blocks(range(16))] == [8, 8]


@pytest.mark.parametrize(
    ("way", "told"),
    [
        (Way(1, 1, 2), "one by one, 2 threads each"),
        (Way(1, 2, 1), "one by one, 2 side by side, 1 thread each"),
        (Way(16, 1, 2), "stacks of 16, 2 threads each"),
    ],
    ids=str,
)
def test_a_way_is_told_in_words(way: Way, told: str) -> None:
    assert str(way) == told
