"""Which events a job may have already, told from memory.

Most events of a bulk request are new. To look thousands of keys up in the engine takes as long as reading all keys of
the job, however few of them are found: so large jobs have theirs in memory, and only what may be there is looked up.

Of the embedded engine alone: a server may still be at an insert that nobody waits for any more, of which nobody learns.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import structlog

from trueline.ledger import budget
from trueline.ledger.engine import READ_ONCE
from trueline.ledger.errors import LedgerError
from trueline.ledger.key_set import KeySet
from trueline.ledger.recency import Recency

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.lookup import Keys

KEY_MEMORY_BYTES: Final = 128 * 1024 * 1024
"""For all jobs together, unless a setting says otherwise."""
WORTH_KNOWING: Final = 500_000
"""Versions of events of a job: among fewer, thousands are looked up in a few milliseconds."""
MANY: Final = 1_000
"""Keys looked up at once that are worth reading those of the job for."""

_AT_ONCE: Final = 2_000_000
"""Keys that are read at once; more where there would be too many parts, as each takes a look at all keys."""
_MOST_PARTS: Final = 8
_READ_SECONDS: Final = 30.0
"""For all keys of a job, which is held meanwhile; ten million take one or two."""
_ALL: Final = 1 << 64

_log = structlog.get_logger("trueline.ledger")


class KnownKeys:
    """The event keys of one store's jobs. Who looks for keys of a job, or tells of new ones, must hold it."""

    def __init__(self, engine: Engine, tables: JobTables, memory_bytes: int) -> None:
        self._engine = engine
        self._tables = tables
        self._memory_bytes = memory_bytes if engine.is_embedded else 0
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._known: dict[int, KeySet] = {}
        self.recency: Recency[int] = Recency()
        """Of jobs. One whose keys could not be read is put off, too."""
        self.worth_knowing = WORTH_KNOWING
        self.many = MANY

    def maybe(self, job_id: int, keys: Keys) -> Keys:
        """Those of some keys that events of a job may have; of keys that none has hardly ever one, or all."""
        if not self._memory_bytes:
            return keys
        known = self._known.get(job_id)
        if known is None and len(keys) >= self.many:
            known = self._read(job_id)
        if known is None:
            return keys
        self.recency.ask(job_id)
        looked_for = _as_array(keys)
        try:
            return pa.array(looked_for[known.have(looked_for)])
        except MemoryError:
            self._give_up(job_id)
            return keys

    def written(self, job_id: int, keys: Keys) -> None:
        """Say that events with these keys are about to be written; they count as maybe there also if they never are."""
        known = self._known.get(job_id)
        if known is None:
            return
        try:
            known.add(_as_array(keys))
        except MemoryError:
            self._give_up(job_id)
        with self._lock:
            if job_id in self._known and not self._find_room(0):
                self._leave(job_id)

    def _give_up(self, job_id: int) -> None:
        """Have a job's keys looked up, as what failed only spares that."""
        _log.warning("the keys of a job cannot be kept in memory; they are looked up", job=job_id, exc_info=True)
        with self._lock:
            self._leave(job_id)

    def forget(self, job_id: int) -> None:
        """Drop what is known of a job."""
        with self._lock:
            self._known.pop(job_id, None)
            self.recency.forget_all(lambda each: each == job_id)

    def _read(self, job_id: int) -> KeySet | None:
        """The keys of a job; None where they are not worth reading, find no room, or cannot be read."""
        if self.recency.is_put_off(job_id):
            return None
        if not self._reading.acquire(blocking=False):
            return None  # those of another job are being read: that takes longer than to look these up
        try:
            with budget.within(_READ_SECONDS):
                return self._read_now(job_id)
        except (LedgerError, MemoryError):
            self._give_up(job_id)
            return None
        finally:
            self._reading.release()

    def _read_now(self, job_id: int) -> KeySet | None:
        table = self._tables.of(job_id).name
        versions = int(self._engine.rows(f"SELECT count() FROM {table}")[0][0])
        if versions < self.worth_knowing:
            return None
        with self._lock:
            if not self._find_room(KeySet.most_bytes(versions)):
                self._leave(job_id)
                return None
        known = KeySet(self._parts(table, versions), versions)
        with self._lock:
            self._known[job_id] = known
            self.recency.ask(job_id)
        return known

    def _parts(self, table: str, versions: int) -> Iterator[NDArray[np.uint64]]:
        parts = min(-(-versions // _AT_ONCE), _MOST_PARTS)
        for part in range(parts):
            bounds = {"low": part * _ALL // parts, "high": (part + 1) * _ALL // parts - 1}
            query = f"SELECT event_key FROM {table} WHERE event_key BETWEEN {{low:UInt64}} AND {{high:UInt64}}"
            yield _as_array(self._engine.table(query, bounds, READ_ONCE)["event_key"])

    def _find_room(self, size: int) -> bool:
        """Whether there is room for so many bytes more, if need be without what nobody looked for in a while."""
        idle = sorted(filter(self.recency.is_idle, list(self._known)), key=self.recency.last)
        while sum(each.nbytes for each in self._known.values()) + size > self._memory_bytes:
            if not idle:
                return False
            del self._known[idle.pop(0)]
        return True

    def _leave(self, job_id: int) -> None:
        """Have a job's keys looked up for a while."""
        self._known.pop(job_id, None)
        self.recency.put_off([job_id])


def _as_array(keys: Keys) -> NDArray[np.uint64]:
    if isinstance(keys, pa.Array | pa.ChunkedArray):
        array: NDArray[np.uint64] = keys.to_numpy()
        return array
    return np.array(keys, np.uint64)
