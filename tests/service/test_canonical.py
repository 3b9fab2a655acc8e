"""What is the same is written the same, and nothing else is."""

from __future__ import annotations

import math
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.service.canonical import canonical

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


class Policy(StrEnum):
    IMPLICIT = "implicit"


def test_there_is_one_way_to_write_a_value() -> None:
    value = {"é": (1, 1.0, 0.1, None, True), "a": {"b": Policy.IMPLICIT, "": []}}
    assert canonical(value) == b'{"a":{"":[],"b":"implicit"},"\\u00e9":[1,1.0,0.1,null,true]}'


@given(values)
def test_the_order_of_members_is_of_no_account(value: object) -> None:
    def turned(each: object) -> object:
        if isinstance(each, dict):
            return {name: turned(each[name]) for name in reversed(each)}
        return [turned(member) for member in each] if isinstance(each, list) else each

    assert canonical(value) == canonical(turned(value))


def test_what_differs_in_kind_or_place_is_written_differently() -> None:
    different = [canonical(value) for value in ([1], [[1]], [1.0], ["1"], [True], [None], {"1": 1})]
    assert len(set(different)) == len(different)


@pytest.mark.parametrize("value", [math.nan, math.inf, [{"a": -math.inf}]])
def test_numbers_that_are_not_finite_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(value)


@pytest.mark.parametrize("value", [{1: "a"}, [{"a": {None: 1}}], b"a", {1, 2}])
def test_what_json_has_no_word_for_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)
