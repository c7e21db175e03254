"""Pooling: one value for each window of an image."""

import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.nn.layers.layer import ShapeError
from runner.nn.layers.window import check_image, pair, places
from runner.nn.store import ParameterStore, Scope
from runner.types import NonNegativePair, PositivePair, Shape


class MaxPool2d:
    """The largest value of each window, channel by channel.

    One number for ``kernel_size``, ``stride``, ``padding`` or ``dilation`` is for height and width.

    Args:
        scope: unused, there are no parameters.
        in_shape: ``[channels, height, width]``.
        kernel_size: the size of a window.
        stride: how far apart its places are; its size if left out.
        padding: lowest possible values around the image, on each side; half a window at most.
        dilation: how far apart a window's points are.

    Raises:
        ShapeError: if the sample is no image or is smaller than a window, or more than half a window is
            padding.
    """

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        kernel_size: PositivePair,
        stride: PositivePair | None = None,
        padding: NonNegativePair = 0,
        dilation: PositivePair = 1,
    ) -> None:
        check_image(in_shape)
        channels, *image = in_shape
        self.kernel_size = pair(kernel_size)
        self.stride = pair(kernel_size if stride is None else stride)
        self.padding, self.dilation = pair(padding), pair(dilation)
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ShapeError(
                f"takes padding up to half its window {list(self.kernel_size)}, not {list(self.padding)}"
            )
        out_image = places((image[0], image[1]), self.kernel_size, self.stride, self.padding, self.dilation)
        self.out_shape: Shape = (channels, *out_image)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, channels, height, width]`` to ``[N, channels, …]``."""
        return F.max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation)
