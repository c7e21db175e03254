"""How much keys matter, as scikit-learn's forest says."""

import pytest

from runner.sweep.report.importance import as_numbers, importance_of


@pytest.mark.slow
def test_what_decides_alone_has_nearly_all_importance_and_the_answer_is_the_same_each_time() -> None:
    keys = {
        "optim.lr": [str(10.0 ** -(job % 4)) for job in range(32)],
        "seed": [str(job // 4 % 4) for job in range(32)],
    }
    values = [float(job % 4) for job in range(31)] + [1e30]
    found = importance_of(keys, values)
    assert found.shares["optim.lr"] > 0.9
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.explained > 0.7
    assert importance_of(keys, values) == found


def test_names_are_counted_off_and_numbers_are_themselves() -> None:
    assert as_numbers(["1e-3", "2"]) == [0.001, 2]
    assert as_numbers(["sgd", "momentum", "sgd"]) == [0, 1, 0]
    assert as_numbers(["1", "null"]) == [0, 1]
