"""Update rules, a file a family."""

from runner.optim.rules.adam import Adam, AdamW, NAdam
from runner.optim.rules.adaptive import Adagrad, RMSprop
from runner.optim.rules.descent import SGD, HeavyBall, Momentum, Nesterov
from runner.optim.rules.rule import Rule, State
from runner.optim.rules.sign import Lion

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "HeavyBall",
    "Lion",
    "Momentum",
    "NAdam",
    "Nesterov",
    "RMSprop",
    "Rule",
    "State",
]
