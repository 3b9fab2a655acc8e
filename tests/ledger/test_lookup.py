"""Looking keys up, a few or many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from trueline.ledger.lookup import KEYS

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine
    from trueline.ledger.store import Ledger

SQL = f"SELECT number + {{job:UInt64}} FROM numbers(1000) WHERE number IN {KEYS} ORDER BY number"  # noqa: S608


@pytest.mark.parametrize("size", [0, 1, 128, 129, 900])
def test_a_few_and_many_are_found_alike_in_lists_and_columns(size: int, ledger: Ledger) -> None:
    lookup = ledger.events._lookup  # noqa: SLF001
    keys = [*range(size), 2**64 - 1]
    expected = [number + 5 for number in range(size)]
    for given in (keys, pa.array(keys, pa.uint64()), pa.chunked_array([pa.array(keys, pa.uint64())])):
        assert [row[0] for row in lookup.rows(SQL, given, job=5)] == expected
        assert [row[0] for row in lookup.rows(f"SELECT 5 UNION ALL {SQL}", given, job=5)].count(5) == 1 + (size > 0)


def test_a_few_are_found_while_many_are_being_looked_up(ledger: Ledger, engine: Engine) -> None:
    lookup = ledger.events._lookup  # noqa: SLF001
    with lookup._wanted(list(range(1_000))):  # noqa: SLF001
        assert [row[0] for row in lookup.rows(SQL, [3, 7], job=0)] == [3, 7]
        assert engine.rows("SELECT count() FROM wanted_keys")[0][0] == 1_000
