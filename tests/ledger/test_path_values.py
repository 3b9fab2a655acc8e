"""Values at a path as numbers: any two that a filter could tell apart have different ones, and filters say the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plain_values
from trueline.filters.request import parse_filters
from trueline.ledger import path_values
from trueline.ledger.conditions import JobShape
from trueline.ledger.documents import laid_out, searchable
from trueline.ledger.path_values import PathValues
from trueline.ledger.value_query import ValueQuery

if TYPE_CHECKING:
    import pyarrow as pa

    from trueline.ledger.engine import Engine

SHAPE = JobShape(("Drop", "Escalate"), by_bucket=False, low_confidence_below=50)
DIFFERENT: list[Any] = [
    *(None, "", "5", 5, 5.0, 5.5, -5, 0, 0.0, -0.0, True, False, "true", 2**53 + 1, 2**63, 1e300, "x", "X", "a\0b"),
    *([], ["x"], ["x", "y"], ["y", "x"], ["x\x1fy"], ["x\x1f\x1e\x1fy"], [5], ["5"], [5.5, "x"], [None], [True]),
    *({}, {"in": 1}, [{"in": 1}], [{"in": 1}, "x"], "'; DROP TABLE events_1; --", "\\N", "\u00e4\u2028\U0001f600", "{"),
    *("y" * 600, f"{'y' * 600}5", "5" * 600, ["y" * 600], ["y" * 600, 5]),
]
OPERATORS: list[dict[str, Any]] = [
    *({"operator": operator} for operator in ("exists", "not exists")),
    *(
        {"operator": operator, "value": value}
        for operator in ("is", "is not", "starts with", "contains", "not contains")
        for value in ("", "5", "x", "true", 5, 0, -0.0, True, "a\0b", "\\N", "y")
    ),
    {"operator": "is one of", "value": ["x", 5, False]},
    *({"operator": operator, "value": value} for operator in ("gt", "lte") for value in (5, 0, -1.5, 2**62)),
    {"operator": "gte", "value": "2025-01-01"},
]


def documents(*values: Any) -> pa.Table:  # noqa: ANN401 - any value of JSON
    return laid_out([searchable({"v": each}) for each in values])


def numbered(values: PathValues, *what: Any) -> list[int]:  # noqa: ANN401 - any value of JSON
    found: list[int] = values.numbers(documents(*what)).tolist()
    return found


def standing(value: Any) -> list[Any]:  # noqa: ANN401 - any value of JSON
    """What stands at the path, as filters see it."""
    return [each for each in plain_values.reach({"v": value}, "v") if each is not None]


def told_apart(value: Any) -> str:  # noqa: ANN401 - any value of JSON
    """Objects are one to a filter, and so are both zeros."""
    if isinstance(value, dict):
        return "{"
    return repr(value + 0.0 if isinstance(value, float) else value)


def test_what_a_filter_could_tell_apart_has_numbers_of_its_own() -> None:
    values = PathValues("v")
    numbers = numbered(values, *DIFFERENT)
    assert [each for each, number in zip(DIFFERENT, numbers, strict=True) if not number] == [None, [], [None]]
    told = [tuple(map(told_apart, standing(each))) for each in DIFFERENT]
    assert len({*zip(told, numbers, strict=True)}) == len(set(told)) == len(set(numbers)) == 33
    assert numbered(values, *reversed(DIFFERENT)) == numbers[::-1]
    assert [numbered(values, each)[0] for each in DIFFERENT] == numbers


def test_filters_pass_of_the_values_what_they_pass_of_the_documents(engine: Engine) -> None:
    values, query = PathValues("v"), ValueQuery(engine)
    numbers = numbered(values, *DIFFERENT)
    places = values.put_in_order()
    kept_apart = 0
    for raw in OPERATORS:
        asked = {"field": "v", **raw}
        (each,) = parse_filters([asked])
        passing = query.passing(each, SHAPE, values, range(len(values)))[places[numbers]].tolist()
        expected = [_passes(document, asked) for document in DIFFERENT]
        assert passing == expected, raw
        kept_apart += 0 < sum(expected) < len(expected)
    assert kept_apart > 30


def _passes(value: Any, asked: dict[str, Any]) -> bool:  # noqa: ANN401 - any value of JSON
    operator = asked["operator"]
    positive = plain_values.NEGATIONS.get(operator, operator)
    met = any(plain_values.matches(each, positive, asked.get("value")) for each in standing(value))
    return met != (operator in plain_values.NEGATIONS)


def test_numbers_in_order_begin_with_the_smallest_number(engine: Engine) -> None:
    values = PathValues("v")
    numbers = np.array(numbered(values, 9, "b", 7.5, "a", 8, None))
    places = values.put_in_order()
    assert places[numbers].tolist() == [3, 5, 1, 4, 2, 0]
    assert numbered(values, 9, "b", 7.5, "a", 8, None, 7) == [3, 5, 1, 4, 2, 0, 6]
    (above,) = parse_filters([{"field": "v", "operator": "gte", "value": 8}])
    assert ValueQuery(engine).passing(above, SHAPE, values, range(2, 7)).tolist() == [True, True, False, False, False]


TEXTS = st.text(st.sampled_from("ab01 9.\u0664"), max_size=8)  # an Arabic-Indic digit is none here


@settings(max_examples=30)
@given(
    st.lists(
        st.one_of(TEXTS, TEXTS.map(lambda text: f"{text}{'b' * 600}"), st.integers(0, 20), st.none()),
        min_size=1,
        max_size=30,
    ),
    st.text("ab .\u0664", max_size=4),
)
def test_without_digits_filters_that_ask_for_none_say_the_same(engine: Engine, stored: list[Any], part: str) -> None:
    whole = PathValues("v")
    before = numbered(whole, *stored)
    fewer, places = whole.without_digits()
    assert numbered(fewer, *stored) == places[before].tolist()
    for operator in ("is", "is not", "starts with", "contains", "not contains", "exists", "is one of"):
        raw = {"field": "v", "operator": operator}
        if operator != "exists":
            raw["value"] = [part, "b"] if operator == "is one of" else part  # type: ignore[assignment]
        (each,) = parse_filters([raw])
        assert fewer.tell(each)
        passing = ValueQuery(engine).passing(each, SHAPE, fewer, range(len(fewer)))
        assert passing[places[before]].tolist() == [_passes(value, raw) for value in stored], json.dumps(raw)


@pytest.mark.parametrize(
    ("operator", "value"),
    [("is", "a5"), ("contains", "1"), ("is one of", ["a", "5"]), ("is", 5), ("gt", 5), ("is", True)],
)
def test_without_digits_other_filters_are_not_told(operator: str, value: object) -> None:
    whole = PathValues("v")
    numbered(whole, "a1", "a2")
    fewer, _ = whole.without_digits()
    (each,) = parse_filters([{"field": "v", "operator": operator, "value": value}])
    assert whole.tell(each)
    assert not fewer.tell(each)
    assert len(fewer) == 2


def test_there_may_be_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_values, "MOST_VALUES", 2)
    values = PathValues("v")
    numbered(values, "a")
    assert not values.cannot_be_kept
    numbered(values, "b", "c")
    assert values.cannot_be_kept


def test_of_long_ones_fewer_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_values, "_MOST_BYTES", 100_000)
    short, long = PathValues("v"), PathValues("v")
    numbered(short, *(f"{number}" for number in range(100)))
    numbered(long, *(f"{number}{'x' * 1_000}" for number in range(100)))
    assert not short.cannot_be_kept
    assert long.cannot_be_kept
