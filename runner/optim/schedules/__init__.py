"""Learning-rate schedules, a file a family."""

from runner.optim.schedules.cosine import Cosine, OneCycle, WarmRestarts
from runner.optim.schedules.decay import Constant, Exponential, LinearRate, MultiStep, Polynomial, Step
from runner.optim.schedules.plateau import ReduceOnPlateau
from runner.optim.schedules.schedule import Moment, Schedule
from runner.optim.schedules.warm_up import WarmUp

__all__ = [
    "Constant",
    "Cosine",
    "Exponential",
    "LinearRate",
    "Moment",
    "MultiStep",
    "OneCycle",
    "Polynomial",
    "ReduceOnPlateau",
    "Schedule",
    "Step",
    "WarmRestarts",
    "WarmUp",
]
