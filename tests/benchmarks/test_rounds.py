"""Turns, medians and ratios."""

import pytest

from benchmarks.process import ProcessError
from benchmarks.rounds import Spread, interleave, ratio, rotated


def test_each_round_begins_with_another_program() -> None:
    assert [rotated("abc", number) for number in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]


def test_everybody_has_a_turn_in_each_round() -> None:
    turns: list[str] = []

    def turn(program: str) -> int:
        turns.append(program)
        return len(turns)

    found = interleave("abc", 2, turn, lambda *_: None)
    assert turns == ["a", "b", "c", "b", "c", "a"]
    assert found == {"a": [1, 6], "b": [2, 4], "c": [3, 5]}


def test_a_program_that_fails_is_told_of_once_and_the_others_go_on() -> None:
    turns: list[str] = []

    def turn(program: str) -> int:
        turns.append(program)
        if program == "b" and len(turns) > 3:
            raise ProcessError(["python", "b.py"], "exit code 1", "its last words")
        return len(turns)

    failures: dict[str, str] = {}
    found = interleave("abc", 3, turn, failures.__setitem__)
    assert list(found) == ["a", "c"]
    assert [len(numbers) for numbers in found.values()] == [3, 3]
    assert turns.count("b") == 2
    assert list(failures) == ["b"]
    assert failures["b"] == "python b.py\nended with exit code 1:\nits last words"


def test_a_spread_is_the_middle_and_the_ends() -> None:
    assert Spread.of([3, 1, 10]) == Spread(median=3, low=1, high=10)


def test_a_ratio_is_that_of_all_medians_and_its_ends_are_those_of_single_rounds() -> None:
    ours, theirs = [[1.0, 1.0], [3.0, 3.0]], [[2.0, 2.0], [2.0, 2.0]]
    assert ratio(ours, theirs) == Spread(median=1.0, low=0.5, high=1.5)
    with pytest.raises(ValueError, match="shorter"):
        ratio(ours, theirs[:1])
