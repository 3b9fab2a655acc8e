"""Which events a job may have already, told from memory.

Most events of a bulk request are new. To look thousands of keys up in the engine takes as long as reading all keys of
the job, however few of them are found: so large jobs have theirs in memory, and only what may be there is looked up.
They are read while others write to the job, whose keys are looked up meanwhile.

Of the embedded engine alone: a server may still be at an insert that nobody waits for any more, of which nobody learns.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import structlog

from trueline.ledger.engine import READ_ONCE
from trueline.ledger.errors import LedgerError
from trueline.ledger.key_set import KeySet
from trueline.ledger.recency import Recency

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
_SHARE_MEANWHILE: Final = 16
"""One in so many are room for keys that come while others are read."""
_ALL: Final = 1 << 64

_log = structlog.get_logger("trueline.ledger")


@dataclass(slots=True)
class KeyReading:
    """The keys of a job that are being read, and those that are written meanwhile."""

    versions: int
    """Of events that the job had when it began."""
    known: KeySet | None = None
    """What was read; None while not all is."""
    written: list[NDArray[np.uint64]] = field(default_factory=list)


class KnownKeys:
    """The event keys of one store's jobs. Who looks for keys of a job, or tells of new ones, must hold it."""

    def __init__(self, engine: Engine, tables: JobTables, memory_bytes: int) -> None:
        self._engine = engine
        self._tables = tables
        self._memory_bytes = memory_bytes if engine.is_embedded else 0
        self._lock = threading.Lock()
        self._known: dict[int, KeySet] = {}
        self._readings: dict[int, KeyReading] = {}
        self._is_closing = False
        self.wanted: Callable[[int], object] | None = None
        """Called with a job whose keys are worth reading; it may be called often."""
        self.recency: Recency[int] = Recency()
        """Of jobs. One whose keys could not be read is put off, too."""
        self.worth_knowing = WORTH_KNOWING
        self.many = MANY

    def maybe(self, job_id: int, keys: Keys) -> Keys:
        """Those of some keys that events of a job may have; of keys that none has hardly ever one, or all."""
        if not self._memory_bytes:
            return keys
        known = self._known.get(job_id)
        if known is None:
            if len(keys) >= self.many:
                with suppress(LedgerError):  # whoever looks the keys up is told
                    self._wish(job_id)
            return keys
        self.recency.ask(job_id)
        looked_for = _as_array(keys)
        try:
            return pa.array(looked_for[known.have(looked_for)])
        except MemoryError:
            self._do_without(job_id)
            return keys

    def written(self, job_id: int, keys: Keys) -> None:
        """Say that events with these keys are about to be written; they count as maybe there also if they never are."""
        with self._lock:
            known, reading = self._known.get(job_id), self._readings.get(job_id)
        try:
            if reading is not None:
                reading.written.append(_as_array(keys).copy())
            if known is None:
                return
            known.add(_as_array(keys))
        except MemoryError:
            self._do_without(job_id)
        with self._lock:
            self._leave_what_finds_no_room(job_id)

    def _do_without(self, job_id: int) -> None:
        """Have a job's keys looked up, as what failed only spares that."""
        _log.warning("the keys of a job cannot be kept in memory; they are looked up", job=job_id, exc_info=True)
        with self._lock:
            self._leave(job_id)

    def forget(self, job_id: int) -> None:
        """Drop what is known of a job, and give up what is being read."""
        with self._lock:
            self._known.pop(job_id, None)
            self._readings.pop(job_id, None)
            self.recency.forget_all(lambda each: each == job_id)

    # --- reading

    def _wish(self, job_id: int) -> None:
        wanted = self.wanted
        if wanted is None or job_id in self._readings or self.recency.is_put_off(job_id):
            return
        if self._versions(job_id) >= self.worth_knowing:
            wanted(job_id)

    def _versions(self, job_id: int) -> int:
        return int(self._engine.rows(f"SELECT count() FROM {self._tables.of(job_id).name}")[0][0])

    def begin(self, job_id: int) -> KeyReading | None:
        """Begin to read the keys of a job; None where there is no room. The job must be held until then."""
        versions = self._versions(job_id)
        with self._lock:
            if self._is_closing or job_id in self._known or self.recency.is_put_off(job_id):
                return None
            if not self._find_room(KeySet.most_bytes(versions)):
                self._leave(job_id)
                return None
            reading = self._readings[job_id] = KeyReading(versions)
            return reading

    def read(self, job_id: int, reading: KeyReading) -> None:
        """Read them, while others may write."""
        most = reading.versions + reading.versions // _SHARE_MEANWHILE
        known = KeySet(self._parts(job_id, reading), most)
        reading.known = known if self._goes_on(job_id, reading) else None

    def install(self, job_id: int, reading: KeyReading) -> None:
        """Have keys told from what was read. The job must be held."""
        if not self._goes_on(job_id, reading) or reading.known is None:
            return  # forgotten meanwhile
        for keys in reading.written:
            reading.known.add(keys)
        with self._lock:
            del self._readings[job_id]
            self._known[job_id] = reading.known
            self.recency.ask(job_id)
            self._leave_what_finds_no_room(job_id)

    def give_up(self, job_id: int, reading: KeyReading) -> None:
        """Have the keys of a job looked up that could not be read."""
        with self._lock:
            if self._readings.get(job_id) is reading:
                self._leave(job_id)

    def close(self) -> None:
        """Have what is being read end soon."""
        with self._lock:
            self._is_closing = True

    def _goes_on(self, job_id: int, reading: KeyReading) -> bool:
        with self._lock:
            return not self._is_closing and self._readings.get(job_id) is reading

    def _parts(self, job_id: int, reading: KeyReading) -> Iterator[NDArray[np.uint64]]:
        parts = min(-(-reading.versions // _AT_ONCE), _MOST_PARTS)
        for part in range(parts):
            if not self._goes_on(job_id, reading):
                return
            bounds = {"low": part * _ALL // parts, "high": (part + 1) * _ALL // parts - 1}
            name = self._tables.of(job_id).name
            query = f"SELECT event_key FROM {name} WHERE event_key BETWEEN {{low:UInt64}} AND {{high:UInt64}}"
            yield _as_array(self._engine.table(query, bounds, READ_ONCE)["event_key"])

    def _find_room(self, size: int) -> bool:
        """Whether there is room for so many bytes more, if need be without what nobody looked for in a while."""
        idle = sorted(filter(self.recency.is_idle, list(self._known)), key=self.recency.last)
        while sum(each.nbytes for each in self._known.values()) + size > self._memory_bytes:
            if not idle:
                return False
            del self._known[idle.pop(0)]
        return True

    def _leave_what_finds_no_room(self, job_id: int) -> None:
        if job_id in self._known and not self._find_room(0):
            self._leave(job_id)

    def _leave(self, job_id: int) -> None:
        """Have a job's keys looked up for a while."""
        self._known.pop(job_id, None)
        self._readings.pop(job_id, None)
        self.recency.put_off([job_id])


def _as_array(keys: Keys) -> NDArray[np.uint64]:
    if isinstance(keys, pa.Array | pa.ChunkedArray):
        array: NDArray[np.uint64] = keys.to_numpy()
        return array
    return np.array(keys, np.uint64)
