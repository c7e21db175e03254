"""A column's type follows from all its values, once, by one rule."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from runner.data.cells import days, numbers, texts
from runner.data.column_types import type_of
from runner.data.text_format import TextFormat
from runner.errors import DataError

FORM = TextFormat()


def of_text(cells: Sequence[str], form: TextFormat = FORM) -> tuple[str, str]:
    found = type_of(pd.Series(cells, dtype="str"), form, is_typed=False)
    return found.kind, found.reason


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5", "-3e-4", "+.5", " 7 "], "number"),
        (["1", "?", "NA", "-", "", "3"], "number"),
        (["?", "NA", ""], "number"),
        (["01", "02"], "category"),
        ([f"{each:04}" for each in range(200)], "number"),
        (["0", "0.5", "-0.25", "10"], "number"),
        (["2024-01-31", "", "2024-02-01T10:30:00Z"], "date"),
        (["2024-02-31", "2024-01-01"], "category"),
        (["31.01.2024"], "category"),
        (["True", "False"], "category"),
        (["1_000", "2"], "category"),
        (["0x1A", "2"], "category"),
    ],
)
def test_text_is_of_numbers_or_dates_if_all_that_is_not_missing_is(cells: list[str], kind: str) -> None:
    assert of_text(cells)[0] == kind


def test_one_other_value_at_the_end_of_many_numbers_makes_categories_and_says_so() -> None:
    kind, reason = of_text([*map(str, range(300_000)), "A1"])
    assert kind == "category"
    assert reason.startswith("'A1' (1 value) of 300,001 are no numbers")


def test_codes_are_said_to_be_some() -> None:
    assert of_text(["007", "010"]) == ("category", "'007', '010' (2 values) with a leading 0 are codes")
    assert of_text(["red", "1"] * 3 + ["blue"]) == ("category", ""), "mostly text: nothing to say"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pd.Series([1, 2, None], dtype="Int64"), "number"),
        (pd.Series([True, None], dtype="boolean"), "category"),
        (pd.Series([True, None]), "category"),
        (pd.Series([Decimal("1.5"), None]), "number"),
        (pd.Series(["1", "2"], dtype="category"), "category"),
        (pd.Series(["1", "2"]), "category"),
        (pd.Series([date(2024, 1, 31), None]), "date"),
        (pd.to_datetime(pd.Series(["2024-01-31", None])), "date"),
        (pd.to_timedelta(pd.Series(["1h", None])), "number"),
    ],
)
def test_values_that_have_types_keep_them(values: Any, kind: str) -> None:
    assert type_of(values, FORM, is_typed=True).kind == kind


@pytest.mark.parametrize("odd", [[1, 2], {"a": 1}, b"x"])
def test_lists_and_the_like_are_refused_by_name(odd: object) -> None:
    with pytest.raises(DataError, match=r"column 'a': holds \w+, which are no inputs, add it to data.ignore"):
        type_of(pd.Series([odd, odd], name="a"), FORM, is_typed=True)


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("thousands", [None, " ", "'"])
def test_numbers_of_text_are_pythons_to_the_bit(decimal: str, thousands: str | None) -> None:
    draw = np.random.default_rng(0)
    drawn = draw.normal(size=300) * 10.0 ** draw.integers(-12, 12, 300)
    values = [*map(float, drawn), 1e308, 5e-324, 12.0, 1234567.25]
    written = [repr(each).replace(".", decimal) for each in values[:-2]] + [" +12 "]
    group = thousands or ""
    written.append(f"1{group}234{group}567{decimal}25")
    found = numbers(
        "a", [*written, "?", ""], TextFormat.of(separator=";", decimal=decimal, thousands=thousands)
    )
    np.testing.assert_array_equal(found, [*values, np.nan, np.nan])


@pytest.mark.parametrize("wrong", ["1.5", "1,2,3", "12,34", "x"])
def test_what_is_no_number_in_this_format_is_refused_by_name(wrong: str) -> None:
    form = TextFormat.of(separator=";", decimal=",", thousands=".")
    with pytest.raises(DataError, match="column 'a': is not of numbers: "):
        numbers("a", ["1", wrong if wrong != "12,34" else "1.2,3"], form)


def test_a_number_can_stand_for_a_missing_value() -> None:
    form = TextFormat.of(missing=[-999])
    for values in (["-999", "-999.0", "1"], [-999, -999.0, 1], pd.Series([-999, -999, 1])):
        np.testing.assert_array_equal(numbers("a", values, form), [np.nan, np.nan, 1])


def test_dates_are_days_since_1970_whatever_they_are_written_as() -> None:
    expected = [19753.0, 19753.4375, np.nan]
    for values in (
        ["2024-01-31", "2024-01-31 10:30", "NA"],
        [date(2024, 1, 31), "2024-01-31T11:30:00+01:00", None],
        pd.to_datetime(pd.Series(["2024-01-31 00:00", "2024-01-31 10:30", None])),
        pd.to_datetime(pd.Series(["2024-01-31 02:00", "2024-01-31 12:30", None])).dt.tz_localize("Etc/GMT-2"),
    ):
        np.testing.assert_array_equal(days("a", values, FORM), expected)
    with pytest.raises(DataError, match="column 'a': is not of dates: 'soon'"):
        days("a", ["2024-01-31", "soon"], FORM)


def test_missing_values_of_all_kinds_are_none() -> None:
    values = pd.Series([pd.NA, None, float("nan"), "NA", " ? ", "", "x"], dtype=object)
    assert texts(values, FORM) == [None] * 6 + ["x"]
    assert texts(values, TextFormat.of(missing=[])) == [None] * 3 + ["NA", " ? ", None, "x"]
