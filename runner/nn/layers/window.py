"""Windows that slide over a sequence, an image or a volume: what convolutions and poolings share."""

from typing import Literal

from runner.nn.layers.layer import ShapeError
from runner.types import NonNegativeSizes, Shape

Margins = tuple[tuple[int, int], ...]
"""What stands before and behind an image, along each of its dimensions."""

Padding = NonNegativeSizes | Literal["valid", "same"]
"""Sizes, or ``valid``: none, or ``same``: as much as it takes that an image stays as large as it is."""

KINDS = {
    1: "sequences [channels, length]",
    2: "images [channels, height, width]",
    3: "volumes [channels, depth, height, width]",
}


def sizes(given: int | tuple[int, ...], in_shape: Shape, name: str) -> tuple[int, ...]:
    """A size for each dimension of an image, of one number for all or a number each.

    Raises:
        ShapeError: if there are more or fewer numbers than dimensions.
    """
    dims = len(in_shape) - 1
    if isinstance(given, int):
        return (given,) * dims
    if len(given) != dims:
        raise ShapeError(f"takes one number or {dims} for {name}, not {list(given)}; gets {list(in_shape)}")
    return given


def check_image(in_shape: Shape, dims: int = 2) -> None:
    """Windows slide over ``dims`` dimensions of each channel.

    Raises:
        ShapeError: if a sample has other dimensions.
    """
    if len(in_shape) != dims + 1:
        raise ShapeError(f"expects {KINDS[dims]}, gets {list(in_shape)}")


def margins(
    padding: Padding,
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    in_shape: Shape,
) -> Margins:
    """A convolution's padding. As in torch an odd ``same`` one is larger behind the image than before it.

    Raises:
        ShapeError: if there are more or fewer sizes than dimensions, or ``same`` is not possible.
    """
    if padding == "valid":
        padding = 0
    if padding != "same":
        return tuple((p, p) for p in sizes(padding, in_shape, "padding"))
    if any(s > 1 for s in stride):
        raise ShapeError(f"has padding 'same' with stride 1 alone, not {list(stride)}; gets {list(in_shape)}")
    added = [d * (k - 1) for d, k in zip(dilation, kernel_size, strict=True)]
    return tuple((each // 2, each - each // 2) for each in added)


def places(
    image: tuple[int, ...],
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    padding: Margins,
    dilation: tuple[int, ...],
    ceil_mode: bool = False,
) -> tuple[int, ...]:
    """How many places a window has along each dimension.

    floor((size + padding - dilation (kernel - 1) - 1) / stride) + 1 each, as in torch's ``Conv2d``. With
    ``ceil_mode`` one more that reaches beyond the padded image, if it begins before the padding behind it.

    Raises:
        ShapeError: if the window is larger than the padded image.
    """
    reaches = [d * (k - 1) + 1 for d, k in zip(dilation, kernel_size, strict=True)]
    padded = [size + before + behind for size, (before, behind) in zip(image, padding, strict=True)]
    if any(reach > size for reach, size in zip(reaches, padded, strict=True)):
        raise ShapeError(f"looks through a window of {reaches}, gets images of {padded}, padding included")
    counts = []
    for size, reach, s, (_, behind) in zip(padded, reaches, stride, padding, strict=True):
        count = (size - reach) // s + 1
        one_more = ceil_mode and (size - reach) % s and count * s < size - behind
        counts.append(count + 1 if one_more else count)
    return tuple(counts)
