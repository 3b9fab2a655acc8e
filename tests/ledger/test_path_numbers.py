"""Numbers at a path as they are: a filter says of them what the oracle says of the documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import plain_values
from trueline.filters.request import parse_filters
from trueline.ledger.documents import laid_out, searchable
from trueline.ledger.path_numbers import PathNumbers, are_told, passing
from trueline.ledger.path_values import PathValues

if TYPE_CHECKING:
    import pyarrow as pa

EDGES = [0, -0.0, 1, -1, 0.1, 0.5, 1e-6, 65_535, 2**24 + 1, 2**32, 2**53 - 1, -(2**53) + 1, 2.0**53, 1e20, -1e20]
STORED = st.one_of(
    st.sampled_from([None, *EDGES]),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(1e-6, 1e20),
    st.floats(-1e20, -1e-6),
)
ASKED = st.one_of(
    st.sampled_from([*EDGES, 2**53, 2**53 + 1, -(2**53), 2**63, 2**70, -(2**70), 10**400, 1e300, 1e-300]),
    st.integers(-(2**60), 2**60),
    st.floats(-1e25, 1e25),
)
MEMBERS = st.one_of(ASKED, st.sampled_from(["1", "0.10", "1e0", "x", "", True, "true", "9007199254740993"]))


def documents(*values: Any) -> pa.Table:  # noqa: ANN401 - any value of JSON
    return laid_out([searchable({"v": each}) for each in values])


def passes(value: Any, asked: dict[str, Any]) -> bool:  # noqa: ANN401 - any value of JSON
    operator = asked["operator"]
    positive = plain_values.NEGATIONS.get(operator, operator)
    standing = [each for each in plain_values.reach({"v": value}, "v") if each is not None]
    met = any(plain_values.matches(each, positive, asked.get("value")) for each in standing)
    return met != (operator in plain_values.NEGATIONS)


@pytest.mark.parametrize("short", [False, True])
@given(data=st.data(), stored=st.lists(STORED, min_size=1, max_size=12))
def test_filters_pass_of_numbers_what_the_oracle_lets_pass(
    data: st.DataObject, stored: list[float | None], *, short: bool
) -> None:
    if short:
        stored = [None if each is None else float(np.float32(each)) for each in stored]
        stored = [None if each is not None and each and not 1e-6 <= abs(each) < 1e21 else each for each in stored]
    values = PathNumbers("v")
    numbers = values.numbers(documents(*stored))
    if short:
        assert np.array_equal(numbers.astype(np.float32), numbers, equal_nan=True)
        numbers = numbers.astype(np.float32)  # as rows are kept
    alike = st.sampled_from([each for each in stored if each is not None] or [0])
    asked: list[dict[str, Any]] = [{"field": "v", "operator": operator} for operator in ("exists", "not exists")]
    one, member = st.one_of(alike, ASKED), st.one_of(alike, MEMBERS)
    values_of = {
        **dict.fromkeys(("gt", "gte", "lt", "lte"), one),
        **dict.fromkeys(("is", "is not"), member),
        **dict.fromkeys(("is one of", "is not one of"), st.lists(member, min_size=1, max_size=4)),
    }
    asked += [{"field": "v", "operator": each, "value": data.draw(drawn)} for each, drawn in values_of.items()]
    asked.append({"field": "v", "operator": "lt", "value": "2025-01-01"})
    for raw in asked:
        (each,) = parse_filters([raw])
        assert are_told(each)
        assert passing(each).met(numbers).tolist() == [passes(value, raw) for value in stored], raw


def test_of_many_members_only_the_different_values_are_asked() -> None:
    members = [float(number) for number in range(9)]
    many, few = parse_filters(
        [{"field": "v", "operator": "is one of", "value": each} for each in (members, members[1:])]
    )
    values = PathNumbers("v")
    assert [values.tell(each) for each in (many, few)] == [False, True]
    stored = np.array([0, 0.5, 8, np.nan])
    assert passing(many).met(stored).tolist() == [True, False, True, False]
    assert passing(few).met(stored).tolist() == [False, False, True, False]


@pytest.mark.parametrize("operator", ["starts with", "contains", "not contains"])
def test_how_numbers_are_written_is_not_told(operator: str) -> None:
    (each,) = parse_filters([{"field": "v", "operator": operator, "value": 5}])
    assert not PathNumbers("v").tell(each)


@pytest.mark.parametrize(
    "other", ["5", "", "x" * 600, True, [1, 2], ["x"], {"in": 1}, [{"in": 1}], 2**53, -(2**53), -(2**63), 2**63, 1e300]
)
def test_of_all_else_nothing_is_told_from_then_on(other: object) -> None:
    (each,) = parse_filters([{"field": "v", "operator": "gt", "value": 5}])
    values = PathNumbers("v")
    values.numbers(documents(1, 2.5, None, [], [None], [7]))
    assert values.tell(each)
    values.numbers(documents(1, other, None))
    assert values.cannot_be_kept
    assert not values.tell(each)


@pytest.mark.parametrize(
    ("stored", "numbers"),
    [
        ([1, 2.5, None, -3, 2**53 - 1], True),
        ([1, 2**53], False),
        ([1, "2"], False),
        ([1, True], False),
        ([1, [1, 2]], False),
        (["x1", "x2"], False),
    ],
)
def test_values_become_numbers_where_all_of_them_are(stored: list[Any], *, numbers: bool) -> None:
    values = PathValues("v")
    before = values.numbers(documents(*stored))
    fewer = values.taken_together()
    assert fewer is not None
    together, places = fewer
    assert isinstance(together, PathNumbers) == numbers
    np.testing.assert_array_equal(places[before], together.numbers(documents(*stored)))


def test_few_different_numbers_are_told_as_what_they_are_until_something_else_comes() -> None:
    values = PathValues("v")
    before = values.numbers(documents(7, None, 2.5, 7, 3))
    places = values.put_in_order()
    assert values.doubles is not None
    np.testing.assert_array_equal(values.doubles[places[before]], [7, np.nan, 2.5, 7, 3])
    after = values.numbers(documents(9, 2))
    np.testing.assert_array_equal(values.doubles[after], [9, 2])
    values.numbers(documents("x"))
    assert values.doubles is None
