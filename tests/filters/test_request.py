"""A request's filters, read and refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from trueline.filters.operators import OPERATORS, Takes
from trueline.filters.request import MAX_MEMBERS, MAX_TEXT_BYTES, FilterError, FilterLimits, parse_filters

GOOD = {"field": "a.b", "operator": "is", "value": "x"}


@pytest.mark.parametrize("raw", [None, []])
def test_no_filters_are_an_empty_list(raw: object) -> None:
    assert parse_filters(raw) == ()


def test_there_are_the_fourteen_operators_of_the_definitions_and_negations_mirror_what_they_negate() -> None:
    positive = ["is", "is one of", "starts with", "contains", "exists"]
    negative = ["is not", "is not one of", "not starts with", "not contains", "not exists"]
    assert set(OPERATORS) == {*positive, *negative, "lt", "lte", "gt", "gte"}
    for name, opposite in zip(positive, negative, strict=True):
        one, other = OPERATORS[name], OPERATORS[opposite]
        assert (one.comparison, one.takes, one.negated) == (other.comparison, other.takes, not other.negated)


@pytest.mark.parametrize("value", ["x", "", 5, 2.5, True, False, 10**4000])
def test_a_scalar_is_taken_as_it_is(value: object) -> None:
    (found,) = parse_filters([GOOD | {"value": value}])
    assert (found.field, found.operator.name, found.value) == ("a.b", "is", value)
    assert type(found.value) is type(value)


def test_a_list_is_taken_as_a_tuple() -> None:
    (found,) = parse_filters([{"field": "a", "operator": "is one of", "value": ["x", 5, True]}])
    assert found.value == ("x", 5, True)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (5, 5),
        (-2.5, -2.5),
        ("5", 5),
        ("1e3", 1000.0),
        ("2025-01-01", datetime(2025, 1, 1, tzinfo=UTC)),
        ("2025-01-01T02:00:00 02:00", datetime(2025, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_order_is_against_a_number_or_a_moment(value: object, read: object) -> None:
    assert parse_filters([{"field": "a", "operator": "gte", "value": value}])[0].value == read


@pytest.mark.parametrize("name", ["exists", "not exists"])
def test_existence_takes_no_value_and_null_is_none(name: str) -> None:
    for value in ({}, {"value": None}):
        assert parse_filters([{"field": "a", "operator": name} | value])[0].value is None


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"field": None}, "field", "field must be a text"),
    ({"field": 5}, "field", "field must be a text"),
    ({"field": "x" * (MAX_TEXT_BYTES + 1)}, "field", "field is longer than"),
    ({"field": "é" * (MAX_TEXT_BYTES // 2 + 1)}, "field", "field is longer than"),
    ({"field": "a\ud800"}, "field", "lone surrogate"),
    ({"operator": None}, "operator", "operator must be a text"),
    ({"operator": "IS"}, "operator", "did you mean 'is'?"),
    ({"operator": "is_not"}, "operator", "did you mean 'is not'?"),
    ({"operator": "startswith"}, "operator", "did you mean 'starts with'?"),
    ({"operator": "isn't one of"}, "operator", "did you mean 'is not one of'?"),
    ({"operator": "matches regex ~"}, "operator", "there are is, is not, "),
    ({"value": None}, "value", "'is' needs a text, a number or a boolean"),
    ({"value": ["x"]}, "value", "'is' takes a text, a number or a boolean"),
    ({"value": {"x": 1}}, "value", "'is' takes"),
    ({"value": float("nan")}, "value", "'is' takes"),
    ({"value": float("inf")}, "value", "'is' takes"),
    ({"value": "\udfff"}, "value", "lone surrogate"),
    ({"value": "x" * (MAX_TEXT_BYTES + 1)}, "value", "value is longer than"),
    ({"operator": "is one of", "value": "x"}, "value", "'is one of' takes a non-empty list"),
    ({"operator": "is one of", "value": []}, "value", "'is one of' takes a non-empty list"),
    ({"operator": "is one of", "value": [["x"]]}, "value", "'is one of' takes"),
    ({"operator": "is not one of", "value": [None]}, "value", "'is not one of' takes"),
    ({"operator": "is one of", "value": ["x"] * (MAX_MEMBERS + 1)}, "value", "at most 10000 members"),
    ({"operator": "exists", "value": "x"}, "value", "'exists' takes no value"),
    ({"operator": "not exists", "value": False}, "value", "'not exists' takes no value"),
    ({"operator": "lt", "value": True}, "value", "'lt' takes a number, or an ISO 8601 date or time"),
    ({"operator": "lt", "value": "high"}, "value", "'high' is not an ISO 8601"),
    ({"operator": "lt", "value": "2025-02-30"}, "value", "is no date or time"),
    ({"operator": "lt", "value": [5]}, "value", "'lt' takes"),
]


@pytest.mark.parametrize(("change", "part", "message"), REFUSED, ids=lambda each: str(each)[:40])
def test_a_refusal_names_the_position_and_the_part(change: dict[str, Any], part: str, message: str) -> None:
    with pytest.raises(FilterError) as refused:
        parse_filters([GOOD, GOOD, GOOD | change])
    assert (refused.value.position, refused.value.part) == (2, part)
    assert str(refused.value).startswith("filter 2: ")
    assert message in refused.value.message


@pytest.mark.parametrize("name", [name for name, operator in OPERATORS.items() if operator.takes is not Takes.NOTHING])
def test_every_operator_that_takes_a_value_refuses_to_go_without(name: str) -> None:
    for without in ({"field": "a", "operator": name}, {"field": "a", "operator": name, "value": None}):
        with pytest.raises(FilterError, match=f"'{name}' needs"):
            parse_filters([without])


@pytest.mark.parametrize("item", [None, "x", 5, [GOOD]])
def test_what_is_no_filter_is_refused_as_a_whole(item: object) -> None:
    with pytest.raises(FilterError, match="filter 0: a filter is an object") as refused:
        parse_filters([item])
    assert (refused.value.position, refused.value.part) == (0, None)


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(FilterError, match=r"filter 0: a filter has field, operator and value, not 'values'"):
        parse_filters([GOOD | {"values": []}])


@pytest.mark.parametrize("raw", [GOOD, "x", 5, True])
def test_what_is_no_list_is_refused(raw: object) -> None:
    with pytest.raises(FilterError, match=r"^filters must be a list$") as refused:
        parse_filters(raw)
    assert refused.value.position is None


def test_more_than_the_limit_are_refused() -> None:
    assert len(parse_filters([GOOD] * 3, limits=FilterLimits(filters=3))) == 3
    with pytest.raises(FilterError, match="at most 3 filters are taken, not 4"):
        parse_filters([GOOD] * 4, limits=FilterLimits(filters=3))
