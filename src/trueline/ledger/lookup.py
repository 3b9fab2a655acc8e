"""Looking thousands of keys up at once."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from trueline.ledger.engine import READ_ONCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trueline.ledger.engine import Engine, Row

Keys: TypeAlias = "Sequence[int] | pa.Array | pa.ChunkedArray"
"""64-bit keys, in a column or not."""

KEYS = "(SELECT key FROM wanted_keys)"
"""Stands in a statement for the keys that are looked up."""

_A_FEW = 128


class KeyLookup:
    """Answers statements about many keys.

    Many go in as rows of a table in memory: bound as a parameter, ten thousand of them take longer to write down
    than the answer takes to find. A few are bound: that spares them two statements, and a wait for each other.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()

    def rows(self, sql: str, keys: Keys, **parameters: int) -> Sequence[Row]:
        """Answer a query that has `KEYS` in the place of the keys."""
        if not len(keys):
            return []
        if len(keys) <= _A_FEW:
            return self._engine.rows(*_few_bound(sql, keys, parameters))
        with self._wanted(keys):
            return self._engine.rows(sql, parameters)

    def table(self, sql: str, keys: Keys, **parameters: int) -> pa.Table:
        """As `rows`, with the columns of the answer; those are there also when there are no keys.

        The engine keeps nothing decompressed of what it reads for many keys: these are all over the table, and most
        often what is read of them is kept beside it, or replaced.
        """
        if len(keys) <= _A_FEW:
            return self._engine.table(*_few_bound(sql, keys, parameters))
        with self._wanted(keys):
            return self._engine.table(sql, parameters, READ_ONCE)

    @contextlib.contextmanager
    def _wanted(self, keys: Keys) -> Iterator[None]:
        with self._lock:
            column = keys if isinstance(keys, pa.Array | pa.ChunkedArray) else pa.array(keys, pa.uint64())
            self._engine.put_in_memory("wanted_keys", pa.table({"key": column}))
            yield


def _few_bound(sql: str, keys: Keys, parameters: dict[str, int]) -> tuple[str, dict[str, object]]:
    few = keys.to_pylist() if isinstance(keys, pa.Array | pa.ChunkedArray) else list(keys)
    return sql.replace(KEYS, "{keys:Array(UInt64)}"), {**parameters, "keys": few}
