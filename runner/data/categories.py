"""Values looked up among a column's categories."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from runner.data.cells import texts
from runner.data.text_format import TextFormat


class Categories:
    """Categories, which are text: ``01`` is not ``1``.

    Blanks around it don't count. Only where no category is written just so, another way to write it counts:
    a whole number with a fraction of 0, which a missing value among them makes of it; of values that are no
    text also the number itself and true or false, which have lost how they were written.

    Args:
        names: the categories, of which None stands for a missing value.
    """

    def __init__(self, names: Sequence[str | None]) -> None:
        self._exact = {name: place for place, name in enumerate(names)}
        self._alike = self._by(alike)
        self._valued = self._by(valued)

    def places(self, values: Sequence[Any], form: TextFormat) -> list[int | None]:
        """The place of each of N values; None where there is no such category."""
        cells = values.tolist() if hasattr(values, "tolist") else values
        found: dict[tuple[type, str | None], int | None] = {}
        for cell, text in zip(cells, read := texts(values, form), strict=True):
            if (type(cell), text) not in found:
                found[type(cell), text] = self._place(text, is_text=isinstance(cell, str))
        return [found[type(cell), text] for cell, text in zip(cells, read, strict=True)]

    def _place(self, text: str | None, *, is_text: bool) -> int | None:
        if text is None or text in self._exact:
            return self._exact.get(text)
        place = self._alike.get(alike(text))
        return self._valued.get(valued(text)) if place is None and not is_text else place

    def _by(self, key: Callable[[str], str | float]) -> dict[str | float, int]:
        """The places of categories by what no two of them share."""
        keys = [(key(name), place) for name, place in self._exact.items() if name is not None]
        count = Counter(each for each, _ in keys)
        return {each: place for each, place in keys if count[each] == 1}


def different(values: Sequence[Any], form: TextFormat) -> set[str | None]:
    """The categories among values; of several ways to write one, such as 1 and 1.0, the shortest counts."""
    found = set(texts(values, form))
    names = sorted((text.strip() for text in found if text is not None), key=len, reverse=True)
    return {*{alike(text): text for text in names}.values(), *(found & {None})}


def alike(text: str) -> str:
    """Text without the blanks around it, a whole number without a fraction of 0."""
    return re.sub(r"^([+-]?(?:0|[1-9]\d*))\.0+$", r"\1", text.strip())


def valued(text: str) -> float | str:
    """The number that text is; other text in small letters."""
    try:
        return float(text)
    except ValueError:
        return text.lower()
