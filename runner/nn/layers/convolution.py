"""Convolutions: filters that slide over a sequence, an image or a volume."""

from collections.abc import Callable
from itertools import chain
from math import prod
from typing import ClassVar, Literal

import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.nn.init import Default, Fans, Initializer
from runner.nn.layers.layer import ShapeError
from runner.nn.layers.window import Margins, Padding, check_image, margins, places, sizes
from runner.nn.store import ParameterStore, Scope
from runner.types import NonNegativeSizes, PositiveInt, PositiveSizes, Shape

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
"""What stands around an image: zeros, its mirror image, its outermost values, or its other side."""


class Convolution:
    """Cross-correlation: ``W`` [out_channels, in_channels / groups, *kernel_size], ``b`` [out_channels].

    One number for ``kernel_size``, ``stride``, ``padding`` or ``dilation`` is for every dimension.

    Args:
        scope: where ``W`` and ``b`` are allocated.
        in_shape: ``[in_channels, …]``, of as many dimensions more as the filters have.
        out_channels: the number of filters.
        kernel_size: the size of a filter.
        stride: how far apart its places are.
        padding: what is added around the image, on each side; ``valid``: nothing; ``same``: as much as it
            takes that what comes out is as large, at stride 1.
        dilation: how far apart a filter's points are.
        groups: so many parts of the channels that don't see each other.
        in_channels: what the channels have to be; inferred where they are left out.
        bias: whether there is a ``b``.
        padding_mode: what the padding is made of.
        init: how ``W`` and ``b`` get their first values.

    Raises:
        ShapeError: if the sample is no image of ``in_channels``, is smaller than a filter or too small for
            what is added of it, or its channels or the filters can't be parted into ``groups``.
    """

    dims: ClassVar[int]
    convolve: Callable[..., Tensor]

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        out_channels: PositiveInt,
        kernel_size: PositiveSizes,
        stride: PositiveSizes = 1,
        padding: Padding = 0,
        dilation: PositiveSizes = 1,
        groups: PositiveInt = 1,
        in_channels: PositiveInt | None = None,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        init: Initializer = Default(),  # noqa: B008  frozen, so one for all is safe
    ) -> None:
        check_image(in_shape, self.dims)
        channels, *image = in_shape
        check_channels(channels, in_channels, out_channels, groups)
        kernel = sizes(kernel_size, in_shape, "kernel_size")
        self.stride = sizes(stride, in_shape, "stride")
        self.dilation = sizes(dilation, in_shape, "dilation")
        self.groups = groups
        around = margins(padding, kernel, self.stride, self.dilation, in_shape)
        check_mode(padding_mode, around, in_shape)
        out_image = places(tuple(image), kernel, self.stride, around, self.dilation)
        evenly = padding_mode == "zeros" and all(before == behind for before, behind in around)
        self.padding = tuple(before if evenly else 0 for before, _ in around)  # what the operator does itself
        self.added = [] if evenly else [*chain.from_iterable(reversed(around))]  # the last dimension's first
        self.mode = "constant" if padding_mode == "zeros" else padding_mode
        fans = Fans(channels // groups * prod(kernel), out_channels // groups * prod(kernel))
        shape = (out_channels, channels // groups, *kernel)
        self.W = scope.allocate("W", shape, lambda W, g: init.weight(W, fans, g))
        self.b = scope.allocate("b", (out_channels,), lambda b, g: init.bias(b, fans, g)) if bias else None
        self.out_shape: Shape = (out_channels, *out_image)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, in_channels, …]`` to ``[N, out_channels, …]``."""
        b = None if self.b is None else store[self.b]
        if self.dims == 2 and x.device.type == "cpu":
            x = channels_last(x)
        if self.added:
            x = F.pad(x, self.added, self.mode)
        return self.convolve(x, store[self.W], b, self.stride, self.padding, self.dilation, self.groups)


class Conv1d(Convolution):
    """Over sequences ``[in_channels, length]``; see ``Convolution``."""

    dims = 1
    convolve = staticmethod(F.conv1d)


class Conv2d(Convolution):
    """Over images ``[in_channels, height, width]``; see ``Convolution``."""

    dims = 2
    convolve = staticmethod(F.conv2d)


class Conv3d(Convolution):
    """Over volumes ``[in_channels, depth, height, width]``; see ``Convolution``."""

    dims = 3
    convolve = staticmethod(F.conv3d)


class ConvTranspose2d:
    """The transpose of a convolution, which makes images larger (Zeiler et al., 2010).

    ``W`` [in_channels, out_channels / groups, height, width], ``b`` [out_channels]. Height and width become
    (size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1.

    Args:
        scope: where ``W`` and ``b`` are allocated.
        in_shape: ``[in_channels, height, width]``.
        out_channels: the number of filters.
        kernel_size: the size of a filter.
        stride: how far apart the places are at which a filter is added.
        padding: what is cut off the outcome, on each side.
        output_padding: what is added to it on one side; less than ``stride`` or ``dilation``.
        groups: so many parts of the channels that don't see each other.
        bias: whether there is a ``b``.
        dilation: how far apart a filter's points are.
        in_channels: what the channels have to be; inferred where they are left out.
        init: how ``W`` and ``b`` get their first values. As in torch, fan_in counts a filter's points over
            the output's channels.

    Raises:
        ShapeError: if the sample is no image of ``in_channels``, nothing of it is left, ``output_padding``
            is too large, or channels can't be parted into ``groups``.
    """

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        out_channels: PositiveInt,
        kernel_size: PositiveSizes,
        stride: PositiveSizes = 1,
        padding: NonNegativeSizes = 0,
        output_padding: NonNegativeSizes = 0,
        groups: PositiveInt = 1,
        bias: bool = True,
        dilation: PositiveSizes = 1,
        in_channels: PositiveInt | None = None,
        init: Initializer = Default(),  # noqa: B008  frozen, so one for all is safe
    ) -> None:
        check_image(in_shape)
        channels, *image = in_shape
        check_channels(channels, in_channels, out_channels, groups)
        kernel = sizes(kernel_size, in_shape, "kernel_size")
        self.stride, self.padding = sizes(stride, in_shape, "stride"), sizes(padding, in_shape, "padding")
        self.output_padding = sizes(output_padding, in_shape, "output_padding")
        self.dilation, self.groups = sizes(dilation, in_shape, "dilation"), groups
        ranges = zip(self.output_padding, self.stride, self.dilation, strict=True)
        if any(extra >= max(s, d) for extra, s, d in ranges):
            told = f"takes output_padding less than its stride {list(self.stride)} or dilation"
            raise ShapeError(f"{told}, not {list(self.output_padding)}; gets {list(in_shape)}")
        dims = zip(image, kernel, self.stride, self.padding, self.dilation, self.output_padding, strict=True)
        out_image = [(size - 1) * s - 2 * p + d * (k - 1) + extra + 1 for size, k, s, p, d, extra in dims]
        if min(out_image) < 1:
            raise ShapeError(f"leaves nothing, with padding {list(self.padding)}, of {list(in_shape)}")
        fans = Fans(out_channels // groups * prod(kernel), channels // groups * prod(kernel))
        shape = (channels, out_channels // groups, *kernel)
        self.W = scope.allocate("W", shape, lambda W, g: init.weight(W, fans, g))
        self.b = scope.allocate("b", (out_channels,), lambda b, g: init.bias(b, fans, g)) if bias else None
        self.out_shape: Shape = (out_channels, *out_image)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, in_channels, height, width]`` to ``[N, out_channels, …]``."""
        b = None if self.b is None else store[self.b]
        return F.conv_transpose2d(
            x, store[self.W], b, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )


def check_channels(channels: int, wanted: int | None, out_channels: int, groups: int) -> None:
    """Check what arrives against what was told, and whether ``groups`` come out even.

    Raises:
        ShapeError: if they don't.
    """
    if wanted is not None and wanted != channels:
        raise ShapeError(f"expects {wanted} channels, gets {channels}")
    if channels % groups or out_channels % groups:
        raise ShapeError(f"cannot part {channels} channels and {out_channels} filters into {groups} groups")


def check_mode(mode: PaddingMode, around: Margins, in_shape: Shape) -> None:
    """An image's mirror image is smaller than it by one, and its other side no larger.

    Raises:
        ShapeError: if more than that would have to be added.
    """
    least = {"reflect": 1, "circular": 0}.get(mode)
    if least is None:
        return
    for size, margin in zip(in_shape[1:], around, strict=True):
        if max(margin) > size - least:
            told = f"cannot add {max(margin)} of {size} in padding_mode '{mode}'"
            raise ShapeError(f"{told}, gets {list(in_shape)}")


def channels_last(images: Tensor) -> Tensor:
    """The same images, the channels of a pixel side by side in memory.

    CPUs convolve, and above all pool, such images in about two thirds of the time; what follows keeps the
    layout.
    """
    if images.shape[1] == 1:  # nothing to move, but torch looks at the strides
        return images[:, 0].unsqueeze(-1).movedim(-1, 1)
    return images.movedim(1, -1).contiguous().movedim(-1, 1)
