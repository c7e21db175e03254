"""The learning rates of one epoch: a rule's own, times what its schedule says."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from runner.optim.rules import Rule
from runner.optim.schedules import Moment, Schedule


class Rates:
    """A model's learning rates in one epoch.

    Args:
        rule: whose rate it is.
        schedule: how that changes.
        epoch: 1, 2, …
        epochs: how many there will be.
        steps: how many an epoch has.
        history: the metrics of the epochs that are over.
    """

    def __init__(
        self,
        rule: Rule,
        schedule: Schedule,
        epoch: int,
        epochs: int,
        steps: int,
        history: Sequence[Mapping[str, float]],
    ) -> None:
        self._rule, self._schedule = rule, schedule
        self._start = Moment(epoch, epochs, (epoch - 1) * steps, steps, history)
        self._found: dict[int, float] = {}  # a plugin's schedule may count how often it is asked

    def at(self, place: int) -> float:
        """That of a step: 0, 1 and so on; the same for all of them if the schedule goes by epochs."""
        place = place if self._schedule.per_step else 0
        if place not in self._found:
            moment = replace(self._start, step=self._start.step + place)
            self._found[place] = self._rule.lr * self._schedule.factor(moment)
        return self._found[place]

    @property
    def first(self) -> float:
        """That of the first step."""
        return self.at(0)

    @property
    def last(self) -> float:
        """That of the last step."""
        return self.at(self._start.steps - 1)
