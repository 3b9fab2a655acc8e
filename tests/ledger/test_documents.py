"""Documents made ready for filters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.filters.numbers import number_text
from trueline.ledger.document_columns import LONGEST_TEXT, ValueKind, column_name, escaped, parts_of, path_of
from trueline.ledger.documents import MAX_DEPTH, MAX_PATHS, DocumentError, laid_out, searchable, values_by_path
from trueline.ledger.other_paths import MOST_COLUMNS, OTHER_PATHS, joined, recalled

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine

texts = st.text(max_size=12)


@given(texts)
def test_an_escaped_path_holds_plain_letters_only_and_leads_back(path: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", escaped(path))
    assert path_of(escaped(path)) == path


@pytest.mark.parametrize(
    ("path", "name"),
    [("", "-"), ("-", "-2D"), ("a.b", "a-2Eb"), ("a-2Eb", "a-2D2Eb"), ("~", "-7E"), ("ä", "-C3-A4"), ("\0", "-00")],
)
def test_what_is_no_plain_letter_is_escaped_byte_by_byte(path: str, name: str) -> None:
    assert escaped(path) == name


@given(st.sampled_from(ValueKind), texts)
def test_a_column_name_tells_kind_and_path(kind: ValueKind, path: str) -> None:
    assert parts_of(column_name(kind, path)) == (kind, escaped(path))


LONGEST = "\N{SNOWMAN}" * LONGEST_TEXT

PLACED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    (
        {"a": "x", "b": True, "c": 5, "d": 2.5, "e": 5.0},
        {"text_a": "x", "boolean_b": True, "integer_c": 5, "double_d": 2.5, "double_e": 5.0},
    ),
    ({"a": {"b": "x"}}, {"object_a": True, "text_a-2Eb": "x"}),
    ({"a.b": "x"}, {"text_a-2Eb": "x"}),
    ({"a": {"b": 1}, "a.b": 2}, {"object_a": True, "several_a-2Eb": ["#1", "#2"]}),
    ({"a": {"b": 1}, "a.b": "2"}, {"object_a": True, "integer_a-2Eb": 1, "text_a-2Eb": "2"}),
    (
        {"a": [{"b": 1}, {"b": "1"}, {"b": [True, None]}]},
        {"object_a": True, "several_a-2Eb": ["#1", "=1", "?true"]},
    ),
    ({"a": ["x"]}, {"text_a": "x"}),
    ({"a": [[["x"], "y"]]}, {"several_a": ["=x", "=y"]}),
    ({"a": None, "b": [], "c": [None, []]}, {}),
    ({"a": {}, "b": ""}, {"object_a": True, "text_b": ""}),
    ({"a": {"b": 2**70}, "a.b": 1e300}, {"object_a": True, "several_a-2Eb": [f"#{2**70}", "#1e+300"]}),
    (
        {"a": 2**63, "b": -(2**63), "c": 1e300},
        {"several_a": [f"#{2**63}"], "integer_b": -(2**63), "several_c": ["#1e+300"]},
    ),
    ({"a": LONGEST, "b": f"{LONGEST}x"}, {"text_a": LONGEST, "longtext_b": f"{LONGEST}x"}),
    (
        {"a": {"b": 2**70}, "a.b": f"{LONGEST}x"},
        {"object_a": True, "several_a-2Eb": [f"#{2**70}"], "longtext_a-2Eb": f"{LONGEST}x"},
    ),
    ({"a": {"b": "y"}, "a.b": f"{LONGEST}x"}, {"object_a": True, "several_a-2Eb": ["=y", f"={LONGEST}x"]}),
    ({"a": [f"{LONGEST}x"], "b": [{"c": "="}]}, {"longtext_a": f"{LONGEST}x", "object_b": True, "text_b-2Ec": "="}),
]


def rows_of(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What documents are laid out as, each row without what it lacks."""
    rows = laid_out([searchable(document) for document in documents]).to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


@pytest.mark.parametrize(("document", "columns"), PLACED)
@pytest.mark.parametrize("copies", [1, 20])  # few documents a shape, and many
def test_values_stand_under_their_paths_each_plainly_of_one_kind(
    document: dict[str, Any], columns: dict[str, Any], copies: int
) -> None:
    assert rows_of([document] * copies) == [columns] * copies


def test_what_numbers_are_is_told_of_each_not_of_all_of_a_shape() -> None:
    numbers = [1, 2**63, -(2**63), 2.0, 2.5, -0.0, 1e21, 1e-7, 2.0**53, 7, -1e300]
    expected = [rows_of([{"a": number}]) for number in numbers]
    assert rows_of([{"a": number} for number in numbers for _ in range(20)])[::20] == [row for (row,) in expected]
    assert repr(expected[5]) == "[{'double_a': 0.0}]"  # -0 is 0
    assert expected[8] == [{"double_a": 2.0**53}]


def test_how_long_texts_are_is_told_of_each_not_of_all_of_a_shape() -> None:
    long = [f"{LONGEST}{number}" for number in range(3)]
    sent = ["x", long[0], LONGEST, long[1], None, "", long[2]]
    placed = {text: {"longtext_a": text} for text in long} | {text: {"text_a": text} for text in ("x", LONGEST, "")}
    expected = [{} if text is None else placed[text] for text in sent]
    assert [row for text in sent for row in rows_of([{"a": text}])] == expected
    assert rows_of([{"a": text} for text in sent for _ in range(20)])[::20] == expected


def test_shapes_met_again_after_very_many_others_have_the_same_columns() -> None:
    before = rows_of([{"a": {"b": 1}}])
    for number in range(5_000):
        assert searchable({f"c{number}": 1}).shape.columns == (f"integer_c{number}",)
    assert rows_of([{"a": {"b": 1}}]) == before


@pytest.mark.parametrize("copies", [1, 40])
def test_documents_are_laid_out_in_their_order_each_in_its_row(copies: int) -> None:
    placed = [each for each in PLACED for _ in range(copies)]
    placed = placed[::2] + placed[1::2]
    assert rows_of([document for document, _ in placed]) == [columns for _, columns in placed]


@given(
    st.lists(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | texts
            | st.just(f"{LONGEST}x"),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "a.b", ""]), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        max_size=6,
    )
)
def test_documents_of_one_shape_are_laid_out_as_any_other(values: list[Any]) -> None:
    alone = [row for value in values for row in rows_of([{"v": value}])]
    assert rows_of([{"v": value} for value in values for _ in range(20)])[::20] == alone


@pytest.mark.parametrize("rows", [0, 3])
def test_documents_without_a_value_have_their_rows(rows: int) -> None:
    assert laid_out([searchable({})] * rows).num_rows == rows


def test_values_by_path_are_those_the_filters_see() -> None:
    document = {"a": [{"b": 1}, {"b": "1"}], "a.b": 5.0}
    assert values_by_path(document) == {"a.b": [1, "1", 5.0]}


def test_documents_that_have_nothing_add_no_column() -> None:
    some: list[dict[str, Any]] = [{"a": 1}, {}, {"b": None}] * 30
    assert laid_out([searchable(document) for document in some]).column_names == ["integer_a"]
    assert laid_out([searchable(document) for document in some[1:3] * 30]).num_rows == 60
    assert rows_of([{"": {}}, {}, {"a": 1}] * 30)[:3] == [{"object_-": True}, {}, {"integer_a": 1}]


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

    assert len(searchable(nested(MAX_DEPTH)).shape.objects) == MAX_DEPTH - 1
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


def wide(rows: int, paths: int) -> list[dict[str, Any]]:
    """Documents that have no path in common but one, and every kind of value between them."""
    values = ["x", 5, 2.5, True, ["a", 1], {"in": None}, 2**70, None]
    return [
        {"all": row} | {f"{row} {place}": values[(row + place) % len(values)] for place in range(paths)}
        for row in range(rows)
    ]


@pytest.mark.parametrize("ways", [1, 3])
def test_documents_with_very_many_paths_take_few_columns_and_lose_nothing(ways: int) -> None:
    documents = wide(250, 20)
    size = len(documents) // ways
    parts = [
        laid_out([searchable(document) for document in documents[begin : begin + size]])
        for begin in range(0, len(documents), size)
    ]
    table = joined(parts) if ways > 1 else parts[0]
    assert table.num_columns <= MOST_COLUMNS + 1
    assert OTHER_PATHS in table.column_names
    every = {escaped(path) for document in documents for path in [*document, *(f"{each}.in" for each in document)]}
    rows = [
        {name: value for name, value in row.items() if value is not None and name != OTHER_PATHS}
        for row in recalled(table, every).to_pylist()
    ]
    assert rows == [rows_of([document])[0] for document in documents]


def test_a_path_that_is_not_recalled_stays_apart() -> None:
    table = laid_out([searchable(document) for document in wide(250, 20)])
    assert recalled(table, {"no such path"}) is table
    (last, *_) = table[OTHER_PATHS].to_pylist()[-1]
    again = recalled(table, {escaped(last[0])})
    assert last[0] not in dict(again[OTHER_PATHS].to_pylist()[-1])
    assert set(again.column_names) - set(table.column_names) in ({column_name(kind, last[0])} for kind in ValueKind)


def test_lists_inside_each_other_count_as_objects_do() -> None:
    def nested(depth: int) -> dict[str, Any]:
        value: Any = 1
        for _ in range(depth - 1):
            value = [value]
        return {"a": value}

    assert searchable(nested(20), 20).shape.columns == ("integer_a",)
    for deep in (nested(21), nested(200)):
        with pytest.raises(DocumentError, match="nested more than 20 deep"):
            searchable(deep, 20)
