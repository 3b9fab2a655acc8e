"""What was read of the catalog, kept for as long as nothing was written to it.

SQLite tells by `data_version` whether anybody committed anything since it was last asked, whichever connection or
process that was: so what is remembered is what reading it anew would give, and asking costs one read of shared memory.
PostgreSQL has nothing like it, so there all is read anew each time.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from sqlalchemy import Engine

_Read = TypeVar("_Read")
_MOST = 10_000


class Remembered:
    """Reads of one catalog, for many threads."""

    def __init__(self, engine: Engine) -> None:
        self._lock = threading.Lock()
        self._reads: dict[Hashable, object] = {}
        self._version: int | None = None
        self._watch: Any = None
        """A connection that never writes, so that every commit is another's."""
        if engine.dialect.name == "sqlite":
            self._watch = engine.raw_connection()
            self._cursor = self._watch.driver_connection.cursor()

    def get(self, what: Hashable, read: Callable[[], _Read]) -> _Read:
        """What a read of that name gave, if nothing was written since; else what it gives now.

        That there is nothing is not remembered: anybody can ask for names without end of what is not there.
        """
        if self._watch is None:
            return read()
        with self._lock:
            version = self._look()
            if what in self._reads:
                return self._reads[what]  # type: ignore[return-value]
        found = read()
        with self._lock:
            # what was read after a later write may not stand as of the version before it, nor the other way round
            if found is not None and self._look() == version and len(self._reads) < _MOST:
                self._reads[what] = found
        return found

    def _look(self) -> int:
        """The version of the database now; forgets what was read of another one. The lock must be held."""
        # all rows are fetched: a statement that is not through would go on seeing the database as it was
        ((version,),) = self._cursor.execute("PRAGMA data_version").fetchall()
        if version != self._version:
            self._reads.clear()
            self._version = version
        return int(version)

    def close(self) -> None:
        """Let go of the connection; nothing may be asked from now on."""
        if self._watch is not None:
            with self._lock:
                self._cursor = None  # the pool may give its connection to others
                self._watch.close()
