"""Pooling: one value for each window of a sequence or an image, channel by channel."""

from collections.abc import Callable
from typing import ClassVar

import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.nn.layers.layer import ShapeError
from runner.nn.layers.window import check_image, places, sizes
from runner.nn.store import ParameterStore, Scope
from runner.types import NonNegativeSizes, PositiveSizes, Shape


class MaxPool:
    """The largest value of each window.

    One number for ``kernel_size``, ``stride``, ``padding`` or ``dilation`` is for every dimension.

    Args:
        scope: unused, there are no parameters.
        in_shape: ``[channels, …]``.
        kernel_size: the size of a window.
        stride: how far apart its places are; its size if left out.
        padding: lowest possible values around the image, on each side; half a window at most.
        dilation: how far apart a window's points are.
        ceil_mode: whether a last window may reach beyond the image and its padding.

    Raises:
        ShapeError: if the sample is no image or is smaller than a window, or more than half a window is
            padding.
    """

    dims: ClassVar[int]
    pool: Callable[..., Tensor]

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        kernel_size: PositiveSizes,
        stride: PositiveSizes | None = None,
        padding: NonNegativeSizes = 0,
        dilation: PositiveSizes = 1,
        ceil_mode: bool = False,
    ) -> None:
        check_image(in_shape, self.dims)
        self.kernel_size = sizes(kernel_size, in_shape, "kernel_size")
        self.stride = self.kernel_size if stride is None else sizes(stride, in_shape, "stride")
        self.padding = padding_of(padding, in_shape, self.kernel_size)
        self.dilation, self.ceil_mode = sizes(dilation, in_shape, "dilation"), ceil_mode
        around = tuple((p, p) for p in self.padding)
        out_image = places(in_shape[1:], self.kernel_size, self.stride, around, self.dilation, ceil_mode)
        self.out_shape: Shape = (in_shape[0], *out_image)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, channels, …]`` to ``[N, channels, …]``."""
        return self.pool(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)


class MaxPool1d(MaxPool):
    """Over sequences ``[channels, length]``; see ``MaxPool``."""

    dims = 1
    pool = staticmethod(F.max_pool1d)


class MaxPool2d(MaxPool):
    """Over images ``[channels, height, width]``; see ``MaxPool``."""

    dims = 2
    pool = staticmethod(F.max_pool2d)


class AvgPool:
    """The mean of each window.

    One number for ``kernel_size``, ``stride`` or ``padding`` is for every dimension.

    Args:
        scope: unused, there are no parameters.
        in_shape: ``[channels, …]``.
        kernel_size: the size of a window.
        stride: how far apart its places are; its size if left out.
        padding: zeros around the image, on each side; half a window at most.
        ceil_mode: whether a last window may reach beyond the image and its padding.
        count_include_pad: whether the zeros count in the mean; what is beyond them never does.

    Raises:
        ShapeError: if the sample is no image or is smaller than a window, or more than half a window is
            padding.
    """

    dims: ClassVar[int]
    pool: Callable[..., Tensor]

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        kernel_size: PositiveSizes,
        stride: PositiveSizes | None = None,
        padding: NonNegativeSizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        check_image(in_shape, self.dims)
        self.kernel_size = sizes(kernel_size, in_shape, "kernel_size")
        self.stride = self.kernel_size if stride is None else sizes(stride, in_shape, "stride")
        self.padding = padding_of(padding, in_shape, self.kernel_size)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad
        around, dense = tuple((p, p) for p in self.padding), (1,) * self.dims
        out_image = places(in_shape[1:], self.kernel_size, self.stride, around, dense, ceil_mode)
        self.out_shape: Shape = (in_shape[0], *out_image)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, channels, …]`` to ``[N, channels, …]``."""
        return self.pool(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            ceil_mode=self.ceil_mode,
            count_include_pad=self.count_include_pad,
        )


class AvgPool1d(AvgPool):
    """Over sequences ``[channels, length]``; see ``AvgPool``."""

    dims = 1
    pool = staticmethod(F.avg_pool1d)


class AvgPool2d(AvgPool):
    """Over images ``[channels, height, width]``; see ``AvgPool``."""

    dims = 2
    pool = staticmethod(F.avg_pool2d)


def adaptive_avg_pool(x: Tensor, output_size: tuple[int, ...]) -> Tensor:
    """Means over parts; over all, torch's own function moves strides in place, which can't be recorded."""
    if all(size == 1 for size in output_size):
        return x.mean(tuple(range(2, x.dim())), keepdim=True)
    pool = F.adaptive_avg_pool1d if len(output_size) == 1 else F.adaptive_avg_pool2d
    averaged: Tensor = pool(x, output_size)  # type: ignore[arg-type]  # it takes as many sizes as there are
    return averaged


class AdaptivePool:
    """Windows such that ``output_size`` is what comes out; 1 makes one value of a channel.

    Args:
        scope: unused, there are no parameters.
        in_shape: ``[channels, …]``.
        output_size: what comes out; one number is for every dimension.

    Raises:
        ShapeError: if the sample is no image.
    """

    dims: ClassVar[int]
    pool: Callable[..., Tensor]

    def __init__(self, scope: Scope, in_shape: Shape, *, output_size: PositiveSizes) -> None:
        check_image(in_shape, self.dims)
        self.output_size = sizes(output_size, in_shape, "output_size")
        self.out_shape: Shape = (in_shape[0], *self.output_size)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, channels, …]`` to ``[N, channels, *output_size]``."""
        return self.pool(x, self.output_size)


class AdaptiveAvgPool1d(AdaptivePool):
    """Means over parts of sequences ``[channels, length]``; see ``AdaptivePool``."""

    dims = 1
    pool = staticmethod(adaptive_avg_pool)


class AdaptiveAvgPool2d(AdaptivePool):
    """Means over parts of images ``[channels, height, width]``; see ``AdaptivePool``."""

    dims = 2
    pool = staticmethod(adaptive_avg_pool)


class AdaptiveMaxPool1d(AdaptivePool):
    """Largest values over parts of sequences ``[channels, length]``; see ``AdaptivePool``."""

    dims = 1
    pool = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(AdaptivePool):
    """Largest values over parts of images ``[channels, height, width]``; see ``AdaptivePool``."""

    dims = 2
    pool = staticmethod(F.adaptive_max_pool2d)


def padding_of(given: NonNegativeSizes, in_shape: Shape, kernel_size: tuple[int, ...]) -> tuple[int, ...]:
    """The padding on each side.

    Raises:
        ShapeError: if it is more than half a window, which might then see nothing else.
    """
    padding = sizes(given, in_shape, "padding")
    if any(2 * p > k for p, k in zip(padding, kernel_size, strict=True)):
        told = f"takes padding up to half its window {list(kernel_size)}, not {list(padding)}"
        raise ShapeError(f"{told}; gets {list(in_shape)}")
    return padding
