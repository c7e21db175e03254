"""Every name that YAML may use as a ``type``, and the class it stands for.

Keyword-only arguments of a class are what a config may say about it; positional ones (a layer's scope and
input shape) are the program's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from runner.data.arrays import Arrays
from runner.data.dataset import Source
from runner.data.digits import Digits
from runner.data.mnist import MNIST
from runner.data.synthetic import LinearMap
from runner.nn.init import (
    Default,
    Initializer,
    KaimingNormal,
    KaimingUniform,
    Normal,
    Orthogonal,
    Uniform,
    XavierNormal,
    XavierUniform,
    Zeros,
)
from runner.nn.layers.activation import ReLU, Sigmoid, Tanh
from runner.nn.layers.composition import Parallel, Residual, Share
from runner.nn.layers.convolution import Conv2d
from runner.nn.layers.layer import Layer
from runner.nn.layers.linear import Linear
from runner.nn.layers.pooling import MaxPool2d
from runner.nn.layers.recurrent import LSTM
from runner.nn.layers.sequential import Repeat, Sequential
from runner.nn.layers.shape import Flatten
from runner.nn.losses import MSE, CrossEntropy, Loss
from runner.optim.rules import SGD, Momentum, Rule
from runner.optim.schedules import Constant, Cosine, Exponential, Schedule, Step

INITIALIZERS: Mapping[str, Callable[..., Initializer]] = {
    "default": Default,
    "zeros": Zeros,
    "normal": Normal,
    "uniform": Uniform,
    "xavier_uniform": XavierUniform,
    "xavier_normal": XavierNormal,
    "kaiming_uniform": KaimingUniform,
    "kaiming_normal": KaimingNormal,
    "orthogonal": Orthogonal,
}
LAYERS: Mapping[str, Callable[..., Layer]] = {
    "linear": Linear,
    "conv2d": Conv2d,
    "max_pool2d": MaxPool2d,
    "lstm": LSTM,
    "flatten": Flatten,
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "sequential": Sequential,
    "repeat": Repeat,
    "residual": Residual,
    "parallel": Parallel,
    "share": Share,
}
LOSSES: Mapping[str, type[Loss]] = {
    "cross_entropy": CrossEntropy,
    "mse": MSE,
}
RULES: Mapping[str, Callable[..., Rule]] = {
    "sgd": SGD,
    "momentum": Momentum,
}
SCHEDULES: Mapping[str, Callable[..., Schedule]] = {
    "constant": Constant,
    "step": Step,
    "exponential": Exponential,
    "cosine": Cosine,
}
SOURCES: Mapping[str, Callable[..., Source]] = {
    "digits": Digits,
    "mnist": MNIST,
    "linear": LinearMap,
    "arrays": Arrays,
}


@dataclass(frozen=True)
class Registry:
    """The names that a config may use: those above, and those of its plugins."""

    initializers: Mapping[str, Callable[..., Initializer]]
    layers: Mapping[str, Callable[..., Layer]]
    losses: Mapping[str, type[Loss]]
    rules: Mapping[str, Callable[..., Rule]]
    schedules: Mapping[str, Callable[..., Schedule]]
    sources: Mapping[str, Callable[..., Source]]

    @property
    def nested(self) -> Mapping[Any, Mapping[str, Callable[..., Any]]]:
        """Components that are arguments of others, by the annotation of such an argument."""
        return {Initializer: self.initializers}


BUILT_IN = Registry(INITIALIZERS, LAYERS, LOSSES, RULES, SCHEDULES, SOURCES)
