"""Looking thousands of keys up at once."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

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

    def rows(self, sql: str, job_id: int, keys: Keys) -> Sequence[Row]:
        """Answer a query that has `KEYS` in the place of the keys and ``{job:UInt64}`` in that of the job."""
        if len(keys) <= _A_FEW:
            few = keys.to_pylist() if isinstance(keys, pa.Array | pa.ChunkedArray) else list(keys)
            return self._engine.rows(sql.replace(KEYS, "{keys:Array(UInt64)}"), {"job": job_id, "keys": few})
        with self._wanted(keys):
            return self._engine.rows(sql, {"job": job_id})

    def table(self, sql: str, job_id: int, keys: Keys) -> pa.Table:
        """As `rows`, with the columns of the answer."""
        with self._wanted(keys):
            return self._engine.table(sql, {"job": job_id})

    @contextlib.contextmanager
    def _wanted(self, keys: Keys) -> Iterator[None]:
        with self._lock:
            self._engine.command("TRUNCATE TABLE wanted_keys")
            column = keys if isinstance(keys, pa.Array | pa.ChunkedArray) else pa.array(keys, pa.uint64())
            self._engine.insert("wanted_keys", pa.table({"key": column}))
            yield
