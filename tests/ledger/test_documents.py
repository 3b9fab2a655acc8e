"""Documents made ready for filters."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.filters.numbers import number_text
from trueline.ledger.documents import MAX_DEPTH, MAX_PATHS, DocumentError, column_name, searchable, values_at

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine

texts = st.text(max_size=12)


@given(texts)
def test_a_column_name_holds_plain_letters_only(path: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", column_name(path))


@given(texts, texts)
def test_different_paths_have_different_columns(one: str, other: str) -> None:
    assert (column_name(one) == column_name(other)) == (one == other)


@pytest.mark.parametrize(
    ("path", "name"),
    [("", "-"), ("-", "-2D"), ("a.b", "a-2Eb"), ("a-2Eb", "a-2D2Eb"), ("~", "-7E"), ("ä", "-C3-A4"), ("\0", "-00")],
)
def test_what_is_no_plain_letter_is_escaped_byte_by_byte(path: str, name: str) -> None:
    assert column_name(path) == name


@pytest.mark.parametrize(
    ("document", "columns", "objects"),
    [
        ({}, {}, []),
        ({"a": "x", "b": True, "c": 5, "d": 2.5, "e": 5.0}, {"a": "=x", "b": True, "c": 5, "d": 2.5, "e": 5}, []),
        ({"a": {"b": "x"}}, {"a-2Eb": "=x"}, ["a"]),
        ({"a.b": "x"}, {"a-2Eb": "=x"}, []),
        ({"a": {"b": 1}, "a.b": 2}, {"a-2Eb~": ["#1", "#2"]}, ["a"]),
        ({"a": [{"b": 1}, {"b": "1"}, {"b": [True, None]}]}, {"a-2Eb~": ["#1", "=1", "?true"]}, ["a"]),
        ({"a": ["x"]}, {"a": "=x"}, []),
        ({"a": [[["x"], "y"]]}, {"a~": ["=x", "=y"]}, []),
        ({"a": None, "b": [], "c": [None, []]}, {}, []),
        ({"a": {}, "b": ""}, {"b": "="}, ["a"]),
        ({"a": 2**63, "b": -(2**63), "c": 1e300}, {"a~": [f"#{2**63}"], "b": -(2**63), "c~": ["#1e+300"]}, []),
    ],
)
def test_values_stand_under_their_paths_each_plainly_of_one_kind(
    document: dict[str, Any], columns: dict[str, Any], objects: list[str]
) -> None:
    text, found = searchable(document)
    assert (json.loads(text), found) == (columns, objects)


def test_values_at_a_path_are_those_the_filters_see() -> None:
    document = {"a": [{"b": 1}, {"b": "1"}], "a.b": 5.0}
    assert values_at(document, "a.b") == ["#1", "=1", "#5"]
    assert values_at(document, "a") == []


@pytest.mark.parametrize(
    "document",
    [
        {str(number): 1 for number in range(MAX_PATHS + 1)},
        {"x" * 1_025: 1},
        {"x" * 600: {"y" * 600: 1}},
    ],
)
def test_a_document_that_cannot_be_kept_searchable_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(DocumentError):
        searchable(document)


def test_nesting_is_taken_up_to_the_limit() -> None:
    def nested(depth: int) -> dict[str, Any]:
        return {"a": nested(depth - 1)} if depth > 1 else {"a": 1}

    assert searchable(nested(MAX_DEPTH))[1]
    with pytest.raises(DocumentError, match="nested more than"):
        searchable(nested(MAX_DEPTH + 1))


@given(st.lists(st.floats(1e-6, 1e21, exclude_max=True), min_size=50, max_size=200))
def test_the_engine_writes_a_plain_float_as_we_do(engine: Engine, numbers: list[float]) -> None:
    plain = [sign * number for number in numbers for sign in (1, -1) if not is_kept_as_integer(number)]
    rows = engine.rows(
        "SELECT toString(JSONExtract(text, 'Float64')) FROM (SELECT arrayJoin({texts:Array(String)}) AS text)",
        {"texts": [repr(number) for number in plain]},
    )
    assert [row[0] for row in rows] == [number_text(number) for number in plain]


def is_kept_as_integer(number: float) -> bool:
    return number.is_integer() and abs(number) <= 2**53
