"""What the engine's errors mean here."""

from __future__ import annotations

import re
from collections.abc import Callable  # noqa: TC003 - part of a constant's type
from typing import TYPE_CHECKING, Final

from trueline.ledger.errors import (
    JobGoneError,
    LedgerBusyError,
    LedgerDamagedError,
    LedgerError,
    LedgerFullError,
    QueryGivenUpError,
    QueryTimeoutError,
)

if TYPE_CHECKING:
    from clickhouse_connect.driver.exceptions import ClickHouseError

_UNKNOWN_TABLE = 60
_BUSY = {202, 241, 252}  # too many queries, memory limit, too many parts
_NOT_ENOUGH_SPACE = 243
_NO_SPACE = "No space left on device"  # of whatever the engine was doing: writing, syncing, making a folder

_DAMAGED = {32, 33, 40, 107, 226, 228, 246, 271, 432}
"""End of file, not all data, checksum, no such file, wrong size, corrupt, does not decompress, unknown codec."""

_PART = re.compile(r"reading from part (\S+)")
_FILE = re.compile(r"/ledger/(store/[^\s'\",:()]*)")


def _timed_out() -> LedgerError:
    return QueryTimeoutError("the query went over its time budget and was stopped")


_STOPPED: Final[dict[int | None, Callable[[], LedgerError]]] = {
    159: _timed_out,  # TIMEOUT_EXCEEDED
    160: _timed_out,  # TOO_SLOW
    394: QueryGivenUpError,  # QUERY_WAS_CANCELLED
}


def translated(error: ClickHouseError) -> LedgerError:
    """One of ours for one of the driver's; the engine's own words stay in the cause, for the log."""
    code = getattr(error, "code", None)
    if code in _STOPPED:
        return _STOPPED[code]()
    if code == _NOT_ENOUGH_SPACE or _NO_SPACE in str(error):
        return LedgerFullError()
    if code in _BUSY:
        return LedgerBusyError("the ledger is short of memory for this")
    if code == _UNKNOWN_TABLE:
        return JobGoneError("the job was deleted")
    if code in _DAMAGED or _PART.search(str(error)):
        return LedgerDamagedError(_damaged_file(str(error)), "what is read of it is not what was written")
    return LedgerError("the ledger could not carry out a statement")


def _damaged_file(said: str) -> str:
    """The file or part that the engine speaks of, by its path in the data folder."""
    found = _FILE.search(said)
    return f"ledger/{found[1]}" if found else "a file of the ledger"
