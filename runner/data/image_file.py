"""An image file of whatever kind as pixels of 8 bits: the same way wherever one is read.

=================================  =====================================================================
what is in the file                what becomes of it
=================================  =====================================================================
grey, colour, palette, 1 bit       as they are
CMYK, YCbCr                        the colours that PIL makes of them
16 bits (grey PNG, TIFF, PGM)      divided by 257 and rounded: 65535 is 255
opacity: an alpha channel, or      laid over the background
a palette entry or a colour
EXIF orientation                   turned upright
several images                     the first
numbers without a scale: 32 bits,  refused by name
floating point; CIELAB
=================================  =====================================================================
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from runner.data.named_file import refuse_web_page
from runner.errors import DataError, first_line, nearest

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What is read, whatever a file is called: some of PIL's other readers start programs."""

EIGHT_BITS = {"1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "LA", "PA", "RGBA"}
SIXTEEN_BITS = {"I;16", "I;16B", "I;16L", "I;16N"}
OPACITY = {"LA", "PA", "RGBA"}
OTHER_COLOURS = {"CMYK", "YCbCr"}
"""PIL's names of what is read, of what has an alpha channel, and of colours that are not red, green, blue."""

PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
"""A tag of TIFF's, and its value where 0 is white."""


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """What images of any kind and size are made.

    Args:
        size: height and width in pixels.
        colour: ``rgb``, three channels, or ``grey``, one.
        background: the colour below what is not opaque: a name of CSS, or ``#rrggbb``.
    """

    size: int
    colour: Literal["rgb", "grey"]
    background: str

    def decode(self, file: Path) -> Tensor:
        """A file's image, uint8 ``[channels, size, size]``.

        Raises:
            DataError: if it is none, or one whose numbers are no colours.
        """
        from PIL import Image

        refuse_web_page(file)
        try:
            with Image.open(file, formats=FORMATS) as image:
                opaque = over_background(image, self.background)
                mode = "RGB" if self.colour == "rgb" else "L"
                fitting = opaque.convert(mode).resize((self.size, self.size))
                pixels = torch.from_numpy(np.array(fitting))
        except Exception as error:  # PIL raises all kinds of a damaged file, and of one that unfolds
            raise DataError(f"{file}: cannot be read as an image: {first_line(error)}") from error
        return pixels.view(self.size, self.size, -1).permute(2, 0, 1)


def colour_problem(colour: str) -> str | None:
    """What is wrong with a colour, if anything is."""
    from PIL import ImageColor

    try:
        rgb_of(colour)
    except ValueError:
        near = nearest(colour, ImageColor.colormap)
        hint = f" Did you mean '{near}'?" if near else ""
        return f"'{colour}' is no colour.{hint} Allowed: the names of CSS, such as white, and #rrggbb"
    return None


def rgb_of(colour: str) -> tuple[int, ...]:
    """Red, green and blue; raises a ValueError if it is no colour."""
    from PIL import ImageColor

    return ImageColor.getrgb(colour)[:3]


def over_background(image: "ImageFile", background: str) -> "Image":
    """An image of 8 bits, upright and opaque; raises a ValueError if its numbers are no colours."""
    from PIL import Image, ImageOps

    kind, raw, is_negative = image.format, raw_mode(image), is_white_zero(image)
    upright = ImageOps.exif_transpose(image)
    has_opacity = upright.mode in OPACITY or "transparency" in upright.info
    if upright.mode in SIXTEEN_BITS or (upright.mode == "I" and kind == "PPM"):
        upright = in_eight_bits(upright, 4095 if raw.startswith("I;12") else 65535)
        if is_negative:
            upright = ImageOps.invert(upright)
    elif upright.mode not in EIGHT_BITS:
        raise ValueError(
            f"its pixels are of PIL's mode {upright.mode}, which has no scale that would make colours of "
            "them; save it with 8 or 16 bits a channel"
        )
    elif raw in ("L;2", "L;4") and has_opacity:  # whose transparent grey PIL leaves in the file's own steps
        upright.info["transparency"] *= 85 if raw == "L;2" else 17
    if upright.mode in OTHER_COLOURS:
        return upright.convert("RGB")
    if not has_opacity:
        return upright
    below = Image.new("RGBA", upright.size, (*rgb_of(background), 255))
    below.alpha_composite(upright.convert("RGBA"))
    return below.convert("RGB")


def raw_mode(image: "ImageFile") -> str:
    """How pixels lie in the file of an image that has not been loaded yet, in PIL's words."""
    told = image.tile[0].args if image.tile else ""
    return str(told[0] if isinstance(told, tuple) and told else told)


def is_white_zero(image: "ImageFile") -> bool:
    """Whether a TIFF file counts from white to black, which PIL turns round in images of 8 bits only."""
    return bool(getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO)


def in_eight_bits(image: "Image", top: int) -> "Image":
    """A grey image of more bits, whose white is ``top``, with 8; and an alpha channel if one grey is none."""
    from PIL import Image

    values = np.asarray(image).astype(np.int64)
    greys = (values * 255 + top // 2) // top
    grey = Image.fromarray(greys.astype(np.uint8))
    if "transparency" in image.info:
        grey.putalpha(
            Image.fromarray(np.where(values == image.info["transparency"], 0, 255).astype(np.uint8))
        )
    return grey
