"""A figure and its file, and the colours that all pictures share.

Drawn on matplotlib's objects, never through pyplot, which keeps its figures in global state and asks for a
display.
"""

import io
from pathlib import Path

from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

BEST, MEMBER, MEAN = "#d1495b", "#4878a8", "#222222"
NAMED = (MEMBER, "#6a9f58", "#8a6fb0", "#b8923e", "#5fa2a0", "#967662", "#7f7f7f")


def marks_of(figure: Figure) -> dict[str, Artist]:
    """What the panels of a figure have in common to be explained: a mark for each label."""
    marks: dict[str, Artist] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        marks |= dict(zip(map(str, labels), handles, strict=True))
    return marks


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches."""
    return Figure(figsize=(width, height), dpi=100, layout="constrained")


def save(figure: Figure, path: Path) -> None:
    """Write a picture as PNG."""
    path.write_bytes(as_png(figure))


def as_png(figure: Figure) -> bytes:
    """A picture as PNG of 128 colours, which a thousand lines take a third of the space in."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]  # once: savefig draws all for its layout first
    drawn = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    small = io.BytesIO()
    drawn.convert("RGB").quantize(128, Image.Quantize.MAXCOVERAGE).save(small, format="png", optimize=True)
    return small.getvalue()
