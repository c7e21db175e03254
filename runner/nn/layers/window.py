"""Windows that slide over a sequence, an image or a volume: what convolutions and poolings share."""

from runner.nn.layers.layer import ShapeError
from runner.types import Shape

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


def places(
    image: tuple[int, ...],
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[int, ...]:
    """How many places a window has along each dimension.

    floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1 each, as in torch's ``Conv2d``.

    Raises:
        ShapeError: if the window is larger than the padded image.
    """
    reaches = [d * (k - 1) + 1 for d, k in zip(dilation, kernel_size, strict=True)]
    padded = [size + 2 * p for size, p in zip(image, padding, strict=True)]
    if any(reach > size for reach, size in zip(reaches, padded, strict=True)):
        raise ShapeError(f"looks through a window of {reaches}, gets images of {padded}, padding included")
    return tuple((size - reach) // s + 1 for size, reach, s in zip(padded, reaches, stride, strict=True))
