"""The reference says what the code says."""

from typing import Annotated, Literal

import pytest
from annotated_types import Gt

from docs import reference
from docs.words import words
from runner.registry import LAYERS
from runner.types import Dim, PositiveSizes, Share


def test_the_page_is_what_the_program_writes() -> None:
    assert reference.PAGE.read_text() == reference.text(), "python -m docs.reference writes it anew"


def test_a_new_name_or_key_is_in_the_page() -> None:
    page = reference.text()
    assert all(f"**`{name}`**" in page for name in LAYERS)
    assert "| `train.early_stopping.patience` | integer > 0 or null | `null` |" in page
    assert "- `lr` (number >= 0, default `0.003`)" in page, (
        "of conf/optim/adam.yaml, where the class has none"
    )


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Share, "number > 0, < 1"),
        (PositiveSizes, "integer > 0 or list of integer > 0"),
        (Literal["a", True] | None, "`a` or `true` or null"),
        (tuple[Annotated[float, Gt(0)], float], "[number > 0, number]"),
        (Dim, "integer > 0 or `-1`"),
    ],
    ids=str,
)
def test_types_are_told_in_words(annotation: object, expected: str) -> None:
    assert words(annotation) == expected


def test_a_type_without_words_is_an_error_here_not_a_gap_in_the_page() -> None:
    with pytest.raises(TypeError, match="no words for"):
        words(object)
