"""Convolutions: filters that slide over an image."""

import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.nn.init import Default, Fans, Initializer
from runner.nn.layers.layer import ShapeError
from runner.nn.layers.window import check_image, pair, places
from runner.nn.store import ParameterStore, Scope
from runner.types import NonNegativePair, PositiveInt, PositivePair, Shape


class Conv2d:
    """Cross-correlation: ``W`` [out_channels, in_channels / groups, height, width], ``b`` [out_channels].

    One number for ``kernel_size``, ``stride``, ``padding`` or ``dilation`` is for height and width.

    Args:
        scope: where ``W`` and ``b`` are allocated.
        in_shape: ``[in_channels, height, width]``.
        out_channels: the number of filters.
        kernel_size: the size of a filter.
        stride: how far apart its places are.
        padding: zeros around the image, on each side.
        dilation: how far apart a filter's points are.
        groups: so many parts of the channels that don't see each other.
        in_channels: what the channels have to be; inferred where they are left out.
        bias: whether there is a ``b``.
        init: how ``W`` and ``b`` get their first values.

    Raises:
        ShapeError: if the sample is no image of ``in_channels``, is smaller than a filter, or its channels
            or the filters can't be parted into ``groups``.
    """

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        out_channels: PositiveInt,
        kernel_size: PositivePair,
        stride: PositivePair = 1,
        padding: NonNegativePair = 0,
        dilation: PositivePair = 1,
        groups: PositiveInt = 1,
        in_channels: PositiveInt | None = None,
        bias: bool = True,
        init: Initializer = Default(),  # noqa: B008  frozen, so one for all is safe
    ) -> None:
        check_image(in_shape)
        channels, *image = in_shape
        if in_channels is not None and in_channels != channels:
            raise ShapeError(f"expects {in_channels} channels, gets {channels}")
        if channels % groups or out_channels % groups:
            raise ShapeError(
                f"cannot part {channels} channels and {out_channels} filters into {groups} groups"
            )
        self.stride, self.padding, self.dilation = pair(stride), pair(padding), pair(dilation)
        self.groups = groups
        kernel = pair(kernel_size)
        out_image = places((image[0], image[1]), kernel, self.stride, self.padding, self.dilation)
        points = kernel[0] * kernel[1]
        fans = Fans(channels // groups * points, out_channels // groups * points)
        shape = (out_channels, channels // groups, *kernel)
        self.W = scope.allocate("W", shape, lambda W, g: init.weight(W, fans, g))
        self.b = scope.allocate("b", (out_channels,), lambda b, g: init.bias(b, fans, g)) if bias else None
        self.out_shape: Shape = (out_channels, *out_image)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, in_channels, height, width]`` to ``[N, out_channels, …]``."""
        b = None if self.b is None else store[self.b]
        if x.device.type == "cpu":
            x = channels_last(x)
        return F.conv2d(x, store[self.W], b, self.stride, self.padding, self.dilation, self.groups)


def channels_last(images: Tensor) -> Tensor:
    """The same images, the channels of a pixel side by side in memory.

    CPUs convolve, and above all pool, such images in about two thirds of the time; what follows keeps the
    layout.
    """
    if images.shape[1] == 1:  # nothing to move, but torch looks at the strides
        return images[:, 0].unsqueeze(-1).movedim(-1, 1)
    return images.contiguous(memory_format=torch.channels_last)
