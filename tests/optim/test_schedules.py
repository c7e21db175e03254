from runner.optim.schedules import Constant


def test_constant_stays() -> None:
    assert [Constant().factor(epoch, 5) for epoch in range(1, 6)] == [1.0] * 5
