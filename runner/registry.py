"""Every name that YAML may use as a ``type``, and the class it stands for.

Keyword-only arguments of a class are what a config may say about it; positional ones (a layer's scope and
input shape) are the program's.
"""

from collections.abc import Callable, Mapping
from typing import Any

from runner.data.arrays import Arrays
from runner.data.california import California
from runner.data.carried import BreastCancer, Diabetes, Iris, Wine
from runner.data.cifar import CIFAR10, CIFAR100
from runner.data.dataset import Source
from runner.data.digits import Digits
from runner.data.image_folder import ImageFolder
from runner.data.mnist import EMNIST, KMNIST, MNIST, FashionMNIST
from runner.data.series import Series
from runner.data.svhn import SVHN
from runner.data.synthetic import Blobs, LinearMap, Moons, Spirals
from runner.data.table_file import CSV, Parquet
from runner.data.text import Text
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
    "fashion_mnist": FashionMNIST,
    "kmnist": KMNIST,
    "emnist": EMNIST,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "svhn": SVHN,
    "linear": LinearMap,
    "blobs": Blobs,
    "moons": Moons,
    "spirals": Spirals,
    "arrays": Arrays,
    "iris": Iris,
    "wine": Wine,
    "breast_cancer": BreastCancer,
    "diabetes": Diabetes,
    "california": California,
    "csv": CSV,
    "parquet": Parquet,
    "text": Text,
    "sequence": Series,
    "image_folder": ImageFolder,
}

NESTED: Mapping[Any, Mapping[str, Callable[..., Any]]] = {
    Initializer: INITIALIZERS,
}
"""Components that are arguments of others, by the annotation of such an argument."""
