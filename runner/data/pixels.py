"""Pixels and other numbers: what values of any type are as a model's inputs, which its training data say.

Values of uint8 are pixels, 0 to 255 being 0 to 1, all others are inputs as they are. What has been learnt
from is kept with the model, so that the same values of another type are the same inputs:

=======================  ==============================================================================
learnt from              what others are to the model
=======================  ==============================================================================
pixels, uint8            pixels, of any type; values beyond 0 to 255 are refused; fractions between 0
                         and 1 alone are pixels that have been divided by 255, and a line says so
shares, 0 to 1           inputs as they are, but uint8 ones are pixels; where those are 0 and 1 alone,
                         they could be either and are refused
numbers                  inputs as they are, of any type
=======================  ==============================================================================
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import Tensor

from runner.data.pieces import nothing, pieces
from runner.errors import DataError
from runner.types import Shape

INPUTS = "inputs.json"
"""The name of the file beside a model: what its inputs are."""

PIXEL = 1 / 255
"""The value of a step of an 8-bit pixel: 0 to 255 are 0 to 1."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inputs:
    """What a model has learnt from.

    Attributes:
        values: what they are.
        shape: of one sample.
    """

    values: Literal["pixels", "shares", "numbers"]
    shape: Shape

    @classmethod
    def of(cls, samples: Tensor, *, are_pixels: bool, let_go: Callable[[], None] = nothing) -> "Inputs":
        """Those of training samples ``[N, …]``; ``let_go`` is called after each piece of a file."""
        shape = tuple(samples.shape[1:])
        if are_pixels:
            return cls("pixels", shape)
        is_share = samples.is_floating_point() and all(
            bool(((piece >= 0) & (piece <= 1)).all()) for piece in pieces(samples, let_go)
        )
        return cls("shares" if is_share else "numbers", shape)

    @classmethod
    def kept(cls, kept: Mapping[str, str]) -> "Inputs | None":
        """Those that a model keeps, texts by file names; None of models of an earlier version.

        Raises:
            DataError: if the text is none of that.
        """
        if INPUTS not in kept:
            return None
        try:
            given = json.loads(kept[INPUTS])
            return cls(given["values"], tuple(given["shape"]))
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"{INPUTS}: is not the description of inputs: {error!r}") from error

    def to_json(self) -> str:
        """What ``kept`` reads."""
        return json.dumps(asdict(self))


def are_pixels(
    name: str, samples: Tensor, learnt: Inputs | None, let_go: Callable[[], None] = nothing
) -> bool:
    """Whether samples ``[N, …]`` are pixels to a model, to be multiplied by ``PIXEL``.

    Args:
        name: what they are called in messages.
        samples: of any type.
        learnt: what the model has learnt from; None if that isn't known.
        let_go: called after each piece of values that lie in a file.

    Raises:
        DataError: if they are none of its inputs, or could be two things.
    """
    is_byte = samples.dtype == torch.uint8
    if learnt is None or (learnt.values == "pixels" and is_byte):
        return is_byte
    if learnt.values == "numbers" or (learnt.values == "shares" and samples.is_floating_point()):
        return False
    low, high, has_fractions = span(samples, let_go)
    if learnt.values == "shares":
        if is_byte and high == 1:
            raise DataError(
                f"{name}: its 8-bit values are 0 and 1, which may be pixels or numbers. The model has learnt "
                "from numbers between 0 and 1: give it float32"
            )
        if high > 1 and not is_byte:
            log.warning("%s: has values up to %g, the model was trained on 0 to 1", name, high)
        return is_byte
    if low < 0 or high > 255:
        raise DataError(
            f"{name}: has values from {low:g} to {high:g}, the model was trained on pixels, 0 to 255"
        )
    if has_fractions and high <= 1:
        log.warning("%s: its values, fractions between 0 and 1, are taken for pixels divided by 255", name)
        return False
    return True


def span(samples: Tensor, let_go: Callable[[], None]) -> tuple[float, float, bool]:
    """The least and the largest value, and whether there are others than whole numbers."""
    low, high, has_fractions = float("inf"), float("-inf"), False
    for piece in pieces(samples, let_go):
        least, largest = piece.aminmax()
        low, high = min(low, float(least)), max(high, float(largest))
        has_fractions |= piece.is_floating_point() and bool((piece != piece.floor()).any())
    return low, high, has_fractions


def scaled(samples: Tensor, *, are_pixels: bool) -> Tensor:
    """Samples as a model takes them, float32."""
    inputs = samples.to(torch.float32)
    return inputs * PIXEL if are_pixels else inputs
