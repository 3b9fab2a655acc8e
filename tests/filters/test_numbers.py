"""Numbers read from texts and written as texts."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.filters.numbers import number_text, parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("-0", 0),
        ("5", 5),
        ("-12", -12),
        ("5.0", 5.0),
        ("1e3", 1000.0),
        ("1E+3", 1000.0),
        ("25e-1", 2.5),
        ("9007199254740993", 9007199254740993),
        ("1" + "0" * 3000, 10**3000),
    ],
)
def test_a_text_by_the_grammar_of_json_is_a_number(text: str, number: float) -> None:
    found = parse_number(text)
    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 5",
        "5 ",
        "+5",
        "007",
        "-",
        "5.",
        ".5",
        "1e",
        "0x10",
        "1_000",
        "NaN",
        "Infinity",
        "٣",
        "5\n",
        "true",
    ],
)
def test_every_other_text_is_none(text: str) -> None:
    assert parse_number(text) is None


@given(st.text(alphabet="0123456789.eE+- x", max_size=8))
def test_a_text_is_a_number_exactly_when_json_says_so(text: str) -> None:
    try:
        known: object = json.loads(text) if text == text.strip() else None
    except ValueError:
        known = None
    assert parse_number(text) == known


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (5, "5"),
        (5.0, "5"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (-2.5, "-2.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.25e-10, "1.25e-10"),
        (123456789012345680.0, "123456789012345680"),
        (5e-324, "5e-324"),
        (10**30, "1" + "0" * 30),
    ],
)
def test_a_number_reads_as_javascript_writes_it(number: float, text: str) -> None:
    assert number_text(number) == text


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_json_has_no_such_number(number: float) -> None:
    with pytest.raises(ValueError, match="no such number"):
        number_text(number)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_is_the_same_number_read(number: float) -> None:
    written = number_text(number)
    assert float(written) == number


def test_a_number_beyond_all_doubles_is_infinite() -> None:
    assert parse_number("1e999") == float("inf")
    assert parse_number("-1e999") == float("-inf")
