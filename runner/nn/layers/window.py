"""Windows that slide over an image: what a convolution and a pooling have in common."""

from runner.nn.layers.layer import ShapeError
from runner.types import Shape


def pair(size: int | tuple[int, int]) -> tuple[int, int]:
    """One number for height and width, or two."""
    return (size, size) if isinstance(size, int) else size


def check_image(in_shape: Shape) -> None:
    """Windows slide over images.

    Raises:
        ShapeError: if a sample has not three dimensions.
    """
    if len(in_shape) != 3:
        raise ShapeError(f"expects images [channels, height, width], gets {list(in_shape)}")


def places(
    image: tuple[int, int],
    kernel_size: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> tuple[int, int]:
    """How many places a window has along height and width.

    floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1 each, as in torch's ``Conv2d``.

    Raises:
        ShapeError: if the window is larger than the padded image.
    """
    reaches = [d * (k - 1) + 1 for d, k in zip(dilation, kernel_size, strict=True)]
    padded = [size + 2 * p for size, p in zip(image, padding, strict=True)]
    if any(reach > size for reach, size in zip(reaches, padded, strict=True)):
        raise ShapeError(f"looks through a window of {reaches}, gets images of {padded}, padding included")
    height, width = ((size - reach) // s + 1 for size, reach, s in zip(padded, reaches, stride, strict=True))
    return height, width
