"""Which events a job may have already, told from memory.

Most events of a bulk request are new. To look thousands of keys up in the engine takes as long as reading all keys of
the job, however few of them are found: so large jobs have theirs in memory, and only what may be there is looked up.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from trueline.ledger.engine import READ_ONCE
from trueline.ledger.key_set import KeySet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.lookup import Keys

KEY_MEMORY_BYTES: Final = 128 * 1024 * 1024
"""For all jobs together, unless a setting says otherwise."""
WORTH_KNOWING: Final = 500_000
"""Events of a job: among fewer, thousands are looked up in a few milliseconds."""
MANY: Final = 1_000
"""Keys looked up at once that are worth reading those of the job for."""

_BYTES_A_KEY: Final = 4
_AT_ONCE: Final = 1_000_000
"""Keys that are read at once."""
_ALL: Final = 1 << 64


class KnownKeys:
    """The event keys of one store's jobs. Who looks for keys of a job, or tells of new ones, must hold it."""

    def __init__(self, engine: Engine, tables: JobTables, memory_bytes: int) -> None:
        self._engine = engine
        self._tables = tables
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._known: dict[int, KeySet] = {}  # whose were looked for last comes last
        self.worth_knowing = WORTH_KNOWING
        self.many = MANY

    def maybe(self, job_id: int, keys: Keys) -> Keys:
        """Those of some keys that events of a job may have; of keys that none has hardly ever one, or all."""
        with self._lock:
            known = self._known.pop(job_id, None)
            if known is not None:
                self._known[job_id] = known
        if known is None:
            known = self._read(job_id) if len(keys) >= self.many else None
        if known is None:
            return keys
        looked_for = _as_array(keys)
        return pa.array(looked_for[known.have(looked_for)])

    def written(self, job_id: int, keys: Keys) -> None:
        """Say that events with these keys are about to be written; it does no harm if they are not after all."""
        known = self._known.get(job_id)
        if known is not None:
            known.add(_as_array(keys))
            self._make_room()

    def forget(self, job_id: int) -> None:
        """Drop what is known of a job."""
        with self._lock:
            self._known.pop(job_id, None)

    def _read(self, job_id: int) -> KeySet | None:
        """The keys of a job; None where it has too few or too many events."""
        table = self._tables.of(job_id).name
        events = int(self._engine.rows(f"SELECT count() FROM {table}")[0][0])
        if events < self.worth_knowing or events * _BYTES_A_KEY > self._memory_bytes:
            return None
        known = KeySet(self._parts(table, -(-events // _AT_ONCE)))
        with self._lock:
            self._known[job_id] = known
        self._make_room()
        return self._known.get(job_id)

    def _parts(self, table: str, parts: int) -> Iterator[NDArray[np.uint64]]:
        for part in range(parts):
            bounds = {"low": part * _ALL // parts, "high": (part + 1) * _ALL // parts - 1}
            query = f"SELECT event_key FROM {table} WHERE event_key BETWEEN {{low:UInt64}} AND {{high:UInt64}}"
            yield _as_array(self._engine.table(query, bounds, READ_ONCE)["event_key"])

    def _make_room(self) -> None:
        """Drop what was not looked for the longest, until the rest is as small as it is to be."""
        with self._lock:
            while sum(known.nbytes for known in self._known.values()) > self._memory_bytes:
                del self._known[next(iter(self._known))]


def _as_array(keys: Keys) -> NDArray[np.uint64]:
    if isinstance(keys, pa.Array | pa.ChunkedArray):
        array: NDArray[np.uint64] = keys.to_numpy()
        return array
    return np.array(keys, np.uint64)
