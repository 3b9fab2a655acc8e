"""Values bound into statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from trueline.ledger.parameters import Parameters

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine

texts = st.text(st.characters(codec="utf-8"), max_size=30) | st.text("\0'\"`\\{}:%nrtbx0N\n\t\r-", max_size=12)


@given(st.lists(texts, min_size=10, max_size=30))
@example(
    ["\0", "'", "\\", "\\'", "\\N", "\\0", "\\\\", "{p0:String}", "%s", "%(p0)s", "\x00'\\", "\ufeff", "\U0010ffff"]
)
def test_any_text_comes_back_as_it_went_in(engine: Engine, values: list[str]) -> None:
    into = Parameters()
    as_list = into.bind(values, "Array(String)")
    columns = ", ".join(f"hex({into.text(value)})" for value in values)
    (row,) = engine.rows(f"SELECT arrayMap(v -> hex(v), {as_list}), {columns}", into.values)
    hexes = [value.encode().hex().upper() for value in values]
    assert [list(row[0]), *row[1:]] == [hexes, *hexes]


@given(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.integers(0, 2**64 - 1))
def test_any_number_comes_back_as_it_went_in(engine: Engine, signed: int, double: float, key: int) -> None:
    into = Parameters()
    placeholders = into.bind(signed, "Int64"), into.bind(double, "Float64"), into.bind(key, "UInt64")
    assert list(engine.rows(f"SELECT {', '.join(placeholders)}", into.values)[0]) == [signed, double, key]


@given(st.integers(-2_208_988_800_000_000, 10_413_791_999_999_999))
def test_any_moment_comes_back_as_it_went_in(engine: Engine, micros: int) -> None:
    into = Parameters()
    rows = engine.rows(f"SELECT toUnixTimestamp64Micro({into.moment(micros)})", into.values)
    assert rows[0][0] == micros
