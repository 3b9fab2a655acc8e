"""What the engine's errors mean here."""

from __future__ import annotations

import re
from collections.abc import Callable  # noqa: TC003 - part of a constant's type
from typing import TYPE_CHECKING, Final

from trueline.ledger.errors import (
    JobGoneError,
    LedgerAwayError,
    LedgerBusyError,
    LedgerDamagedError,
    LedgerError,
    LedgerFullError,
    QueryGivenUpError,
    QueryTimeoutError,
)

if TYPE_CHECKING:
    from clickhouse_connect.driver.exceptions import ClickHouseError

_TIMED_OUT: Final = {159, 160}
_CANCELLED: Final = 394
_UNKNOWN_TABLE: Final = 60
_BUSY: Final = {202, 241, 252}
"""Too many queries, memory limit, too many parts."""

_NO_MEMORY: Final = 173
_SHORT: Final = re.compile(r"errno: (11|12|23|24)\b")
"""The system is short of threads, memory or open files, whatever was read: nothing is wrong with what is there."""

_NOT_ENOUGH_SPACE: Final = 243
_NO_SPACE: Final = re.compile("No space left on device|Disk quota exceeded")
"""Whatever the engine was doing: writing, syncing, making a folder."""

_AWAY: Final = "executing HTTP request"
"""The driver's words where a server does not answer, which gives no code then."""

_DAMAGED: Final = {32, 33, 40, 107, 226, 228, 246, 271, 432}
"""End of file, not all data, checksum, no such file, wrong size, corrupt, does not decompress, unknown codec."""

_PART: Final = re.compile(r"reading from part (\S+)")
_FILE: Final = re.compile(r"/ledger/(store/[^\s'\",:()]*)")

_MEANINGS: Final[tuple[tuple[Callable[[int | None, str], object], Callable[[str], LedgerError]], ...]] = (
    (
        lambda code, _: code in _TIMED_OUT,
        lambda _: QueryTimeoutError("the query went over its time budget and was stopped"),
    ),
    (lambda code, _: code == _CANCELLED, lambda _: QueryGivenUpError()),
    (lambda code, said: code == _NOT_ENOUGH_SPACE or _NO_SPACE.search(said), lambda _: LedgerFullError()),
    (lambda code, _: code in _BUSY, lambda _: LedgerBusyError("the ledger is short of memory for this")),
    (
        lambda code, said: code == _NO_MEMORY or _SHORT.search(said),
        lambda _: LedgerBusyError("the system is short of memory, threads or open files"),
    ),
    (lambda code, said: code is None and _AWAY in said, lambda _: LedgerAwayError()),
    (lambda code, _: code == _UNKNOWN_TABLE, lambda _: JobGoneError("the job was deleted")),
    (
        lambda code, said: code in _DAMAGED or _PART.search(said),
        lambda said: LedgerDamagedError(_damaged_file(said), "what is read of it is not what was written"),
    ),
)
"""By code and words; the first that fits."""


def translated(error: ClickHouseError) -> LedgerError:
    """One of ours for one of the driver's; the engine's own words stay in the cause, for the log."""
    code, said = getattr(error, "code", None), str(error)
    for fits, meaning in _MEANINGS:
        if fits(code, said):
            return meaning(said)
    return LedgerError("the ledger could not carry out a statement")


def refused_by_server(error: Exception) -> LedgerError:
    """Why a server could not be connected to: without the driver's words, which have its address."""
    code = getattr(error, "code", None)
    if isinstance(error, OSError) or (code is None and _AWAY in str(error)):
        return LedgerAwayError()
    why = f"code {code}" if code is not None else type(error).__name__
    return LedgerError(f"the ledger's ClickHouse server refuses the connection ({why}): see TRUELINE_LEDGER_DSN")


def _damaged_file(said: str) -> str:
    """The file or part that the engine speaks of, by its path in the data folder."""
    found = _FILE.search(said)
    return f"ledger/{found[1]}" if found else "a file of the ledger"
