"""Normalisation: values brought to mean 0 and variance 1, then scaled by ``W`` and moved by ``b``.

``W`` begins as ones, ``b`` as zeros.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.nn.layers.layer import ShapeError
from runner.nn.store import Address, ParameterStore, Scope
from runner.types import NonNegative, Positive, PositiveInt, PositiveSizes, Probability, Shape


class BatchNorm:
    """Each channel over the samples of a batch (Ioffe and Szegedy, 2015): ``W``, ``b`` [channels].

    ``(x - mean) / sqrt(variance + eps) W + b``, with the batch's mean and variance in training and with
    ``running_mean`` and ``running_var`` else, which training moves by ``momentum`` towards each batch's. As
    in torch a batch's variance counts there as an estimate, divided by one value less. A batch with but one
    value a channel, such as a last one of a single sample, has no such estimate, and torch refuses it; here
    it is normalised by the running ones and leaves them as they are.

    Args:
        scope: where ``W``, ``b``, ``running_mean`` and ``running_var`` are allocated.
        in_shape: ``[channels, …]``.
        eps: keeps the divisor from 0.
        momentum: the share of the newest batch in the running mean and variance.
        affine: whether there are ``W`` and ``b``.
        bias: whether there is a ``b`` beside ``W``.
        num_features: what the channels have to be; inferred where they are left out.

    Raises:
        ShapeError: if the sample has other dimensions, or not ``num_features`` channels.
    """

    dims: ClassVar[tuple[int, ...]]
    kinds: ClassVar[str]

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        eps: Positive = 1e-5,
        momentum: Probability = 0.1,
        affine: bool = True,
        bias: bool = True,
        num_features: PositiveInt | None = None,
    ) -> None:
        if len(in_shape) not in self.dims:
            raise ShapeError(f"expects {self.kinds}, gets {list(in_shape)}")
        check_channels(in_shape, num_features)
        self.eps, self.momentum = eps, momentum
        shape = in_shape[:1]
        self.W = scope.allocate("W", shape, ones) if affine else None
        self.b = scope.allocate("b", shape, zeros) if affine and bias else None
        self.running_mean = scope.allocate_buffer("running_mean", shape, 0)
        self.running_var = scope.allocate_buffer("running_var", shape, 1)
        self.out_shape = in_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, channels, …]`` to the same shape."""
        mean, var = store[self.running_mean], store[self.running_var]
        W, b = entry(store, self.W), entry(store, self.b)
        by_batch = store.training and x.numel() > x.shape[1]  # else there is one value a channel
        return F.batch_norm(x, mean, var, W, b, by_batch, self.momentum, self.eps)


class BatchNorm1d(BatchNorm):
    """For samples ``[channels]`` or ``[channels, length]``; see ``BatchNorm``."""

    dims, kinds = (1, 2), "samples [channels] or [channels, length]"


class BatchNorm2d(BatchNorm):
    """For images ``[channels, height, width]``; see ``BatchNorm``."""

    dims, kinds = (3,), "images [channels, height, width]"


class LayerNorm:
    """Each sample over its last dimensions (Ba et al., 2016): ``W``, ``b`` of the shape of these.

    ``(x - mean) / sqrt(variance + eps) W + b``.

    Args:
        scope: where ``W`` and ``b`` are allocated.
        in_shape: any.
        normalized_shape: the sizes of the dimensions that are taken together; the last one's if left out.
        eps: keeps the divisor from 0.
        elementwise_affine: whether there are ``W`` and ``b``.
        bias: whether there is a ``b`` beside ``W``.

    Raises:
        ShapeError: if the sample does not end in ``normalized_shape``.
    """

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        normalized_shape: PositiveSizes | None = None,
        eps: NonNegative = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        self.normalized_shape, self.eps = last_sizes(in_shape, normalized_shape), eps
        self.W = scope.allocate("W", self.normalized_shape, ones) if elementwise_affine else None
        self.b = scope.allocate("b", self.normalized_shape, zeros) if elementwise_affine and bias else None
        self.out_shape = in_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, *in_shape]`` to the same shape."""
        return F.layer_norm(x, self.normalized_shape, entry(store, self.W), entry(store, self.b), self.eps)


class RMSNorm:
    """Each sample over its last dimensions by its size alone (Zhang and Sennrich, 2019): ``W`` of these.

    ``x / sqrt(mean(x^2) + eps) W``.

    Args:
        scope: where ``W`` is allocated.
        in_shape: any.
        normalized_shape: the sizes of the dimensions that are taken together; the last one's if left out.
        eps: keeps the divisor from 0; the smallest step from 1 of the numbers' type if left out.
        elementwise_affine: whether there is a ``W``.

    Raises:
        ShapeError: if the sample does not end in ``normalized_shape``.
    """

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        normalized_shape: PositiveSizes | None = None,
        eps: NonNegative | None = None,
        elementwise_affine: bool = True,
    ) -> None:
        self.normalized_shape, self.eps = last_sizes(in_shape, normalized_shape), eps
        self.W = scope.allocate("W", self.normalized_shape, ones) if elementwise_affine else None
        self.out_shape = in_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, *in_shape]`` to the same shape."""
        return F.rms_norm(x, self.normalized_shape, entry(store, self.W), self.eps)


class GroupNorm:
    """Each sample over groups of its channels (Wu and He, 2018): ``W``, ``b`` [channels].

    ``(x - mean) / sqrt(variance + eps) W + b``.

    Args:
        scope: where ``W`` and ``b`` are allocated.
        in_shape: ``[channels, …]``.
        num_groups: so many equal parts of the channels; 1 is all of them together.
        eps: keeps the divisor from 0.
        affine: whether there are ``W`` and ``b``.
        bias: whether there is a ``b`` beside ``W``.
        num_channels: what the channels have to be; inferred where they are left out.

    Raises:
        ShapeError: if the channels are not ``num_channels`` or can't be parted into ``num_groups``.
    """

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        num_groups: PositiveInt,
        eps: NonNegative = 1e-5,
        affine: bool = True,
        bias: bool = True,
        num_channels: PositiveInt | None = None,
    ) -> None:
        check_channels(in_shape, num_channels)
        if in_shape[0] % num_groups:
            raise ShapeError(f"cannot part channels into {num_groups} groups, gets {list(in_shape)}")
        self.num_groups, self.eps = num_groups, eps
        self.W = scope.allocate("W", in_shape[:1], ones) if affine else None
        self.b = scope.allocate("b", in_shape[:1], zeros) if affine and bias else None
        self.out_shape = in_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, channels, …]`` to the same shape."""
        return F.group_norm(x, self.num_groups, entry(store, self.W), entry(store, self.b), self.eps)


def ones(W: Tensor, _: torch.Generator) -> None:
    """What a scale begins as."""
    W.fill_(1)


def zeros(b: Tensor, _: torch.Generator) -> None:
    """What a shift begins as."""
    b.zero_()


def entry(store: ParameterStore, address: Address | None) -> Tensor | None:
    """The parameter, if there is one."""
    return None if address is None else store[address]


def check_channels(in_shape: Shape, wanted: int | None) -> None:
    """Check that there are channels, and so many as are wanted.

    Raises:
        ShapeError: if not.
    """
    if not in_shape:
        raise ShapeError("expects channels, gets a single number")
    if wanted is not None and wanted != in_shape[0]:
        raise ShapeError(f"expects {wanted} channels, gets {in_shape[0]}")


def last_sizes(in_shape: Shape, wanted: PositiveSizes | None) -> Shape:
    """The sizes of the dimensions that are normalised together.

    Raises:
        ShapeError: if the sample does not end in those that are wanted.
    """
    shape = (wanted,) if isinstance(wanted, int) else in_shape[-1:] if wanted is None else wanted
    if not shape or in_shape[-len(shape) :] != shape:
        raise ShapeError(f"expects samples that end in {list(shape)}, gets {list(in_shape)}")
    return shape
