"""Every name that YAML may use as a ``type``, and the class it stands for.

Keyword-only arguments of a class are what a config may say about it; positional ones (a layer's scope and
input shape) are the program's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from runner.metrics import (
    AUROC,
    F1,
    MAE,
    R2,
    RMSE,
    Accuracy,
    ConfusionMatrix,
    Metric,
    Perplexity,
    Precision,
    Recall,
    TopK,
)
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
from runner.nn.layers.activation import (
    CELU,
    ELU,
    GELU,
    SELU,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    Identity,
    LeakyReLU,
    LogSigmoid,
    Mish,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softplus,
    Softshrink,
    Softsign,
    Tanh,
    Tanhshrink,
)
from runner.nn.layers.attention import MultiHeadAttention
from runner.nn.layers.bilinear import Bilinear
from runner.nn.layers.composition import Parallel, Residual, Share
from runner.nn.layers.convolution import Conv1d, Conv2d, Conv3d, ConvTranspose2d
from runner.nn.layers.dropout import Dropout, Dropout2d
from runner.nn.layers.embedding import Embedding
from runner.nn.layers.encoding import LearnedEncoding, SinusoidalEncoding
from runner.nn.layers.layer import Layer
from runner.nn.layers.linear import Linear
from runner.nn.layers.normalization import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, RMSNorm
from runner.nn.layers.pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AvgPool1d,
    AvgPool2d,
    MaxPool1d,
    MaxPool2d,
)
from runner.nn.layers.prelu import PReLU
from runner.nn.layers.recurrent import GRU, LSTM, RNN
from runner.nn.layers.sequential import Repeat, Sequential
from runner.nn.layers.shape import Flatten, Permute, Reshape
from runner.nn.layers.softmax import GLU, LogSoftmax, Softmax
from runner.nn.layers.transformer import TransformerEncoder
from runner.nn.losses import (
    L1,
    MSE,
    NLL,
    BCEWithLogits,
    CosineDistance,
    CrossEntropy,
    Hinge,
    Huber,
    KLDiv,
    Loss,
    SmoothL1,
)
from runner.optim.rules import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    HeavyBall,
    Lion,
    Momentum,
    NAdam,
    Nesterov,
    RMSprop,
    Rule,
)
from runner.optim.schedules import (
    Constant,
    Cosine,
    Exponential,
    LinearRate,
    MultiStep,
    OneCycle,
    Polynomial,
    ReduceOnPlateau,
    Schedule,
    Step,
    WarmRestarts,
)

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
    "bilinear": Bilinear,
    "embedding": Embedding,
    "conv1d": Conv1d,
    "conv2d": Conv2d,
    "conv3d": Conv3d,
    "conv_transpose2d": ConvTranspose2d,
    "max_pool1d": MaxPool1d,
    "max_pool2d": MaxPool2d,
    "avg_pool1d": AvgPool1d,
    "avg_pool2d": AvgPool2d,
    "adaptive_avg_pool1d": AdaptiveAvgPool1d,
    "adaptive_avg_pool2d": AdaptiveAvgPool2d,
    "adaptive_max_pool1d": AdaptiveMaxPool1d,
    "adaptive_max_pool2d": AdaptiveMaxPool2d,
    "batch_norm1d": BatchNorm1d,
    "batch_norm2d": BatchNorm2d,
    "layer_norm": LayerNorm,
    "group_norm": GroupNorm,
    "rms_norm": RMSNorm,
    "dropout": Dropout,
    "dropout2d": Dropout2d,
    "rnn": RNN,
    "lstm": LSTM,
    "gru": GRU,
    "multi_head_attention": MultiHeadAttention,
    "transformer_encoder": TransformerEncoder,
    "sinusoidal_encoding": SinusoidalEncoding,
    "learned_encoding": LearnedEncoding,
    "flatten": Flatten,
    "reshape": Reshape,
    "permute": Permute,
    "identity": Identity,
    "relu": ReLU,
    "relu6": ReLU6,
    "leaky_relu": LeakyReLU,
    "prelu": PReLU,
    "elu": ELU,
    "selu": SELU,
    "celu": CELU,
    "gelu": GELU,
    "silu": SiLU,
    "mish": Mish,
    "sigmoid": Sigmoid,
    "log_sigmoid": LogSigmoid,
    "tanh": Tanh,
    "tanhshrink": Tanhshrink,
    "softplus": Softplus,
    "softsign": Softsign,
    "softshrink": Softshrink,
    "hardshrink": Hardshrink,
    "hardtanh": Hardtanh,
    "hardswish": Hardswish,
    "hardsigmoid": Hardsigmoid,
    "softmax": Softmax,
    "log_softmax": LogSoftmax,
    "glu": GLU,
    "sequential": Sequential,
    "repeat": Repeat,
    "residual": Residual,
    "parallel": Parallel,
    "share": Share,
}
LOSSES: Mapping[str, type[Loss]] = {
    "cross_entropy": CrossEntropy,
    "nll": NLL,
    "bce_with_logits": BCEWithLogits,
    "hinge": Hinge,
    "mse": MSE,
    "l1": L1,
    "huber": Huber,
    "smooth_l1": SmoothL1,
    "kl_div": KLDiv,
    "cosine": CosineDistance,
}
METRICS: Mapping[str, type[Metric]] = {
    "accuracy": Accuracy,
    "top_k": TopK,
    "precision": Precision,
    "recall": Recall,
    "f1": F1,
    "auroc": AUROC,
    "confusion_matrix": ConfusionMatrix,
    "perplexity": Perplexity,
    "mae": MAE,
    "rmse": RMSE,
    "r2": R2,
}
RULES: Mapping[str, Callable[..., Rule]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "heavy_ball": HeavyBall,
    "nesterov": Nesterov,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": NAdam,
    "lion": Lion,
}
SCHEDULES: Mapping[str, Callable[..., Schedule]] = {
    "constant": Constant,
    "step": Step,
    "multi_step": MultiStep,
    "exponential": Exponential,
    "linear": LinearRate,
    "polynomial": Polynomial,
    "cosine": Cosine,
    "warm_restarts": WarmRestarts,
    "one_cycle": OneCycle,
    "reduce_on_plateau": ReduceOnPlateau,
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


@dataclass(frozen=True)
class Registry:
    """The names that a config may use: those above, and those of its plugins."""

    initializers: Mapping[str, Callable[..., Initializer]]
    layers: Mapping[str, Callable[..., Layer]]
    losses: Mapping[str, type[Loss]]
    metrics: Mapping[str, type[Metric]]
    rules: Mapping[str, Callable[..., Rule]]
    schedules: Mapping[str, Callable[..., Schedule]]
    sources: Mapping[str, Callable[..., Source]]

    @property
    def nested(self) -> Mapping[Any, Mapping[str, Callable[..., Any]]]:
        """Components that are arguments of others, by the annotation of such an argument."""
        return {Initializer: self.initializers}


BUILT_IN = Registry(INITIALIZERS, LAYERS, LOSSES, METRICS, RULES, SCHEDULES, SOURCES)
