"""Documents read by a layout: laid out as they are when read key by key, or not read at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.test_documents import LONGEST, rows_of
from trueline.ledger.documents import laid_out, searchable
from trueline.ledger.layouts import MOST_PLACES, Fitted, Layout, layout_for

DEPTH = 8
KEYS = ["a", "b", "a.b", "", "é", '"', "\n", "__class__"]
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 2**53, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 1e-7, -0.0, 1e21, 2.5, "", "x", "2.5"]),
    st.sampled_from([LONGEST, f"{LONGEST}x"]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=4),
)
documents = st.dictionaries(
    st.sampled_from(KEYS),
    st.recursive(
        values,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
        max_leaves=8,
    ),
    max_size=6,
)


def fitting(document: dict[str, Any]) -> Layout:
    layout = layout_for([document], DEPTH)
    assert layout is not None
    return layout


def body(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def rows(documents: list[Any]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in row.items() if value is not None} for row in laid_out(documents).to_pylist()
    ]


@given(st.lists(documents, min_size=1, max_size=4), st.lists(documents, min_size=1, max_size=8))
def test_what_a_layout_reads_is_laid_out_as_any_document_is(models: list[Any], others: list[Any]) -> None:
    layout = layout_for(models, DEPTH)
    every = [*models, *others]
    read = [(layout and layout.read(body(document))) or searchable(document) for document in every]
    # the decimals and the kinds of numbers stand in the names of columns and in the texts
    assert repr([sorted(row.items()) for row in rows(read)]) == repr(
        [sorted(rows_of([document])[0].items()) for document in every]
    )


@given(st.data())
def test_documents_with_the_same_keys_and_single_values_are_all_read(data: st.DataObject) -> None:
    model = {"a": 1, "b": {"c": 1, "d": {"e": 1}}, "f": 1}
    layout = fitting(model)
    flat = values | st.lists(values, max_size=3)
    inner = st.fixed_dictionaries({}, optional={"c": flat, "d": st.fixed_dictionaries({}, optional={"e": flat})})
    some = data.draw(st.lists(st.fixed_dictionaries({}, optional={"a": flat, "b": inner, "f": flat}), min_size=1))
    read = [layout.read(body(document)) for document in some]
    assert all(isinstance(each, Fitted) for each in read)
    assert rows(read) == [rows_of([document])[0] for document in some]


@pytest.mark.parametrize(
    "other",
    [
        b'{"a":1,"b":{"c":2},"new":3}',
        b'{"a":1,"b":{"c":2,"new":3}}',
        b'{"a":{"b":1}}',
        b'{"a":[[1]]}',
        b'{"a":[{"b":1}]}',
        b'{"b":1}',
        b'{"b":null}',
        b'{"b":[{"c":1}]}',
        b'{"a":1,"a":{"hidden":1},"b":{}}',
        b'{"a":1',
        b'{"a":1e400}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b"[1]",
        b"1",
        b"",
    ],
)
def test_what_has_no_place_is_not_read(other: bytes) -> None:
    assert fitting({"a": 1, "b": {"c": 2}}).read(other) is None


def test_of_two_values_with_one_key_the_last_one_counts() -> None:
    layout = fitting({"a": 1, "b": {"c": 2, "d": 3}})
    read = layout.read(b'{"b":{"c":1},"a":1,"a":"x","b":{"d":5}}')
    assert rows([read]) == rows_of([{"a": "x", "b": {"d": 5}}])


def test_a_key_that_was_null_at_first_may_be_an_object_later() -> None:
    layout = layout_for([{"a": None, "c": 1}, {"a": {"b": 1}, "c": 1}], DEPTH)
    assert layout is not None
    assert isinstance(layout.read(b'{"a":{"b":2},"c":1}'), Fitted)


@pytest.mark.parametrize(
    "models",
    [
        [{}],
        [{"a": 1}],
        [{'"': 1, "\\": 2, "\n": 3}],
        [{"a": {"b": 1}, "a.b": 2}],
        [{"a": 1, "x" * 1_025: None}],
        [{str(place): 1 for place in range(MOST_PLACES + 1)}],
        [{str(document): 1, "all": 1} for document in range(20)],
    ],
)
def test_some_documents_have_no_layout(models: list[dict[str, Any]]) -> None:
    assert layout_for(models, DEPTH) is None


def test_a_layout_leaves_a_level_for_lists() -> None:
    model = {"a": {"b": {"c": 1}}, "d": 1}
    assert layout_for([model], 3) is None
    layout = layout_for([model], 4)
    assert layout is not None
    assert layout.read(b'{"a":{"b":{"c":[1]}}}') is not None
    assert searchable({"a": {"b": {"c": [1]}}}, 4)  # as deep as may be


def test_documents_of_several_layouts_and_of_none_keep_their_order() -> None:
    one, two = fitting({"a": 1, "b": 2}), fitting({"a": {"c": "x"}, "d": True})
    some: list[dict[str, Any]] = [{"a": 1, "b": "x"}, {"a": {"c": 2}}, {"z": 1}, {"b": 2.5}, {"d": [1, "2"]}, {}] * 30
    read = [one.read(body(each)) or two.read(body(each)) or searchable(each) for each in some]
    assert len({type(each) for each in read}) == 2
    assert rows(read) == [rows_of([each])[0] for each in some]
