"""An image is the same colours whatever its file holds them as, or it is refused by name."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

from runner.data.image_file import Decoder
from runner.errors import DataError

SIDE = 6
BACKGROUND = (10, 200, 30)
"""As #0ac81e."""

Pixels = npt.NDArray[np.uint8]


def decoded(path: Path, colour: str = "rgb", background: str = "#0ac81e", size: int = SIDE) -> Pixels:
    """As ``[height, width, channels]``, or ``[height, width]`` of grey."""
    decoder = Decoder(size=size, colour="rgb" if colour == "rgb" else "grey", background=background)
    found: Pixels = decoder.decode(path).permute(1, 2, 0).squeeze(-1).numpy()
    return found


def colours(seed: int = 0, channels: int = 3) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, channels), np.uint8)


def composed(pixels: Pixels, alpha: Pixels) -> Pixels:
    share = alpha[..., None] / 255
    return np.round(pixels * share + np.array(BACKGROUND) * (1 - share)).astype(np.uint8)


def grey_of(pixels: Pixels) -> Pixels:
    """ITU-R 601-2."""
    return np.asarray(np.round(pixels @ np.array([0.299, 0.587, 0.114])), np.uint8)


def rgb(path: Path) -> Pixels:
    pixels = colours()
    Image.fromarray(pixels).save(path.with_suffix(".png"))
    return pixels


def grey(path: Path) -> Pixels:
    pixels = colours(channels=1)
    Image.fromarray(pixels[..., 0]).save(path.with_suffix(".png"))
    return pixels.repeat(3, 2)


def one_bit(path: Path) -> Pixels:
    pixels = np.where(colours(channels=1) > 127, 255, 0).astype(np.uint8)
    Image.fromarray(pixels[..., 0]).convert("1").save(path.with_suffix(".bmp"))
    return pixels.repeat(3, 2)


def rgba(path: Path) -> Pixels:
    pixels = colours(channels=4)
    Image.fromarray(pixels).save(path.with_suffix(".webp"), lossless=True, exact=True)
    return composed(pixels[..., :3], pixels[..., 3])


def grey_with_alpha(path: Path) -> Pixels:
    pixels = colours(channels=2)
    Image.fromarray(pixels, "LA").save(path.with_suffix(".png"))
    return composed(pixels[..., :1].repeat(3, 2), pixels[..., 1])


PALETTE = [0, 0, 0, 255, 0, 0, 0, 255, 0, 40, 50, 60]


def with_palette(path: Path, transparency: int | bytes = b"") -> tuple[Pixels, Pixels]:
    places = colours(channels=1)[..., 0] % 4
    image = Image.fromarray(places, "P")
    image.putpalette(PALETTE)
    image.save(path.with_suffix(".png"), None, **({"transparency": transparency} if transparency else {}))
    return places, np.array(PALETTE, np.uint8).reshape(4, 3)[places]


def palette(path: Path) -> Pixels:
    return with_palette(path)[1]


def palette_with_a_transparent_entry(path: Path) -> Pixels:
    places, pixels = with_palette(path, 2)
    return composed(pixels, np.where(places == 2, 0, 255).astype(np.uint8))


def palette_with_alphas(path: Path) -> Pixels:
    places, pixels = with_palette(path, bytes([0, 100, 255, 200]))
    return composed(pixels, np.array([0, 100, 255, 200], np.uint8)[places])


def gif_with_transparency(path: Path) -> Pixels:
    places = colours(channels=1)[..., 0] % 4
    image = Image.fromarray(places, "P")
    image.putpalette(PALETTE)
    image.save(path.with_suffix(".gif"), transparency=1, optimize=False)
    alpha = np.where(places == 1, 0, 255).astype(np.uint8)
    return composed(np.array(PALETTE, np.uint8).reshape(4, 3)[places], alpha)


def palette_and_alpha(path: Path) -> Pixels:
    pixels = colours(channels=2)
    image = Image.new("PA", (SIDE, SIDE))
    image.putpalette([value for level in range(256) for value in (level, 255 - level, 7)])
    image.putdata([tuple(map(int, each)) for each in pixels.reshape(-1, 2)])
    image.save(path.with_suffix(".tiff"))
    level, alpha = pixels[..., 0], pixels[..., 1]
    return composed(np.stack([level, 255 - level, np.full_like(level, 7)], 2), alpha)


def colour_that_is_transparent(path: Path) -> Pixels:
    pixels = colours() % 2 * 200
    Image.fromarray(pixels).save(path.with_suffix(".png"), transparency=(200, 0, 0))
    alpha = np.where((pixels == (200, 0, 0)).all(2), 0, 255).astype(np.uint8)
    return composed(pixels, alpha)


def cmyk(path: Path) -> Pixels:
    pixels = colours(channels=4)
    Image.fromarray(pixels, "CMYK").save(path.with_suffix(".tiff"))
    inks = pixels.astype(float)
    paper = (255 - inks[..., :3]) * (255 - inks[..., 3:]) / 255
    return np.asarray(np.round(paper), np.uint8)


def ycbcr(path: Path) -> Pixels:
    """ITU-R BT.601, as JPEG has it."""
    pixels = colours()
    Image.fromarray(pixels, "YCbCr").save(path.with_suffix(".tiff"))
    y, cb, cr = np.moveaxis(pixels.astype(float), 2, 0)
    red, blue = y + 1.402 * (cr - 128), y + 1.772 * (cb - 128)
    green = y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128)
    return np.round(np.stack([red, green, blue], 2).clip(0, 255)).astype(np.uint8)


def sixteen_bits(path: Path, suffix: str = ".png", order: str = "<") -> Pixels:
    values = np.random.default_rng(0).integers(0, 65536, (SIDE, SIDE)).astype(f"{order}u2")
    values[0, :4] = (0, 257, 65278, 65535)
    Image.fromarray(values).save(path.with_suffix(suffix))
    greys = np.round(values.astype(float) / 257).astype(np.uint8)
    assert greys[0, :4].tolist() == [0, 1, 254, 255]
    return greys[..., None].repeat(3, 2)


def sixteen_bits_of_tiff(path: Path) -> Pixels:
    return sixteen_bits(path, ".tiff", ">")


def sixteen_bits_of_pgm(path: Path) -> Pixels:
    return sixteen_bits(path, ".pgm")


def sixteen_bits_from_white(path: Path) -> Pixels:
    values = np.random.default_rng(0).integers(0, 65536, (SIDE, SIDE)).astype("<u2")
    Image.fromarray(values).save(path.with_suffix(".tiff"), tiffinfo={262: 0})
    return (255 - np.round(values.astype(float) / 257).astype(np.uint8))[..., None].repeat(3, 2)


def png_of(depth: int, values: npt.NDArray[np.int64], transparent: int) -> bytes:
    """A grey PNG, one of whose greys is transparent; PIL writes none such of 2, 4 and 16 bits."""
    bits = "".join(f"{value:0{depth}b}" for value in values.flat)
    rows = [bits[start : start + depth * SIDE] for start in range(0, len(bits), depth * SIDE)]
    packed = [int(row.ljust(-(-len(row) // 8) * 8, "0"), 2).to_bytes(-(-len(row) // 8)) for row in rows]
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, depth, 0, 0, 0, 0)),
        (b"tRNS", struct.pack(">H", transparent)),
        (b"IDAT", zlib.compress(b"".join(b"\0" + row for row in packed))),
        (b"IEND", b""),
    ]
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_a_grey_may_be_transparent(tmp_path: Path, depth: int) -> None:
    top = 2**depth - 1
    values = np.random.default_rng(0).integers(0, top + 1, (SIDE, SIDE))
    transparent = int(values[2, 3])
    (tmp_path / "a.png").write_bytes(png_of(depth, values, transparent))
    greys = np.round(values / top * 255).astype(np.uint8)[..., None].repeat(3, 2)
    expected = np.where((values == transparent)[..., None], np.array(BACKGROUND), greys)
    np.testing.assert_array_equal(decoded(tmp_path / "a.png"), expected)


@pytest.mark.parametrize(
    "write",
    [
        rgb, grey, one_bit, rgba, grey_with_alpha, palette, palette_with_a_transparent_entry,
        palette_with_alphas, gif_with_transparency, palette_and_alpha, colour_that_is_transparent, cmyk,
        ycbcr, sixteen_bits, sixteen_bits_of_tiff, sixteen_bits_of_pgm, sixteen_bits_from_white,
    ],
)  # fmt: skip
def test_colours_are_those_of_the_file(tmp_path: Path, write: Callable[[Path], Pixels]) -> None:
    expected = write(tmp_path / "image").astype(int)
    (path,) = tmp_path.iterdir()
    found = decoded(path).astype(int)
    exact = write.__name__ not in {"cmyk", "ycbcr"} and "alpha" not in write.__name__ and write is not rgba
    assert np.abs(found - expected).max() <= (0 if exact else 2)  # PIL counts in whole numbers
    greys = decoded(path, "grey").astype(int)
    assert np.abs(greys - grey_of(expected.astype(np.uint8))).max() <= (1 if exact else 3)


def test_the_background_is_the_one_that_is_said(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (1, 2, 3, 0)).save(tmp_path / "a.png")
    assert decoded(tmp_path / "a.png", background="white").min() == 255
    assert decoded(tmp_path / "a.png", background="black").max() == 0
    assert decoded(tmp_path / "a.png", background="navy")[0, 0].tolist() == [0, 0, 128]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tiff", ".webp", ".jpg"])
def test_images_are_turned_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    pixels = np.kron(np.arange(6, dtype=np.uint8).reshape(2, 3) * 50, np.ones((8, 8), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(pixels).convert("RGB")
    image.save(tmp_path / f"a{suffix}", exif=exif, lossless=True)  # which is WebP's
    upright = {  # EXIF 2.3, 4.6.4: where the first row and column are
        1: pixels, 2: pixels[:, ::-1], 3: pixels[::-1, ::-1], 4: pixels[::-1],
        5: pixels.T, 6: pixels.T[:, ::-1], 7: pixels[::-1, ::-1].T, 8: pixels.T[::-1],
    }[orientation]  # fmt: skip
    expected = np.array(Image.fromarray(np.ascontiguousarray(upright)).resize((24, 24)))
    found = decoded(tmp_path / f"a{suffix}", "grey", size=24)
    assert np.abs(found.astype(int) - expected).max() <= (4 if suffix == ".jpg" else 0)


@pytest.mark.parametrize(
    ("image", "suffix", "mode"),
    [
        (Image.fromarray(np.full((SIDE, SIDE), 70_000, np.int32)), ".tiff", "I"),
        (Image.fromarray(np.full((SIDE, SIDE), 0.5, np.float32)), ".tiff", "F"),
        (Image.fromarray(np.full((SIDE, SIDE), 0.5, np.float32)), ".ppm", "F"),
        (Image.new("LAB", (SIDE, SIDE)), ".tiff", "LAB"),
    ],
)
def test_numbers_without_a_scale_are_refused_by_name(
    tmp_path: Path, image: Image.Image, suffix: str, mode: str
) -> None:
    path = tmp_path / f"image{suffix}"
    image.save(path)
    with pytest.raises(DataError, match=rf"image{suffix}: .* mode {mode}, which has no scale"):
        decoded(path)


def test_every_mode_of_pil_is_read_or_refused(tmp_path: Path) -> None:
    """None is an error of PIL's own words."""
    refused = set()
    for mode in Image.MODES:
        for suffix in (".png", ".tiff", ".webp", ".ppm", ".bmp", ".gif", ".jpg"):
            path = tmp_path / f"{mode.replace(';', '')}{suffix}"
            try:
                Image.new(mode, (SIDE, SIDE)).save(path)
            except (OSError, ValueError, KeyError):
                continue  # not of this kind of file
            try:
                found = decoded(path)
            except DataError as error:
                refused.add(str(error).partition("PIL's mode ")[2].partition(",")[0])
            else:
                assert found.shape == (SIDE, SIDE, 3)
    assert refused == {"I", "F", "LAB"}


def test_resizing_is_pils_own(tmp_path: Path) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (31, 17, 3), np.uint8))
    image.save(tmp_path / "a.png")
    expected = np.array(ImageOps.exif_transpose(image).resize((SIDE, SIDE)))
    np.testing.assert_array_equal(decoded(tmp_path / "a.png"), expected)
