"""Two runs' values are held against each other, those that the two can have in common."""

from runner.again.comparison import Rows, compared, verdict


def rows(losses: list[float], ends: tuple[int, ...]) -> Rows:
    told: Rows = {(epoch, "test/loss"): loss for epoch, loss in enumerate(losses, 1)}
    return told | {(end, "best/test/loss"): min(losses[:end]) for end in ends}


def test_equal_values_are_the_same_to_the_bit() -> None:
    assert verdict(rows([0.5, 0.3], (2,)), rows([0.5, 0.3], (2,))) == (
        True,
        "same to the bit: 2 epochs, 3 values",
    )


def test_what_tells_of_time_or_the_machine_is_no_part_of_it() -> None:
    kept = {(1, "test/loss"): 0.5}
    others: Rows = {(1, name): 1.0 for name in ("time/epoch_seconds", "system/disk_usage_percentage")}
    assert compared(kept | others) == kept


def test_a_value_that_differs_is_told_with_its_epoch() -> None:
    same, told = verdict(rows([0.5, 0.3], (2,)), rows([0.5, 0.25], (2,)))
    assert not same
    assert told.startswith("not the same: ")
    assert "test/loss at epoch 2: 0.3 then, 0.25 now" in told


def test_a_run_that_has_trained_on_is_held_against_its_last_end_alone() -> None:
    """Done again it has no other."""
    same, told = verdict(rows([0.5, 0.3, 0.4], (2, 3)), rows([0.5, 0.3, 0.4], (3,)))
    assert (same, told) == (True, "same to the bit: 3 epochs, 4 values")


def test_a_run_that_did_not_go_as_far_is_held_as_far_as_it_went() -> None:
    same, told = verdict(rows([0.5, 0.3], (2,)), rows([0.5, 0.3, 0.2], (3,)))
    assert same
    assert told == "same to the bit, as far as it went: 2 epochs, 2 values"
