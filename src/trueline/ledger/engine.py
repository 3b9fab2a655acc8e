"""The connection to ClickHouse: embedded in this process, or a server named by a DSN."""

from __future__ import annotations

import contextlib
import re
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, TypeAlias

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.exceptions import ClickHouseError

from trueline.ledger.errors import (
    JobGoneError,
    LedgerBusyError,
    LedgerDamagedError,
    LedgerError,
    LedgerFullError,
    LedgerInUseError,
    QueryTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from trueline.ledger.store_files import StoreFiles

Row: TypeAlias = "Sequence[Any]"

_TIMED_OUT = {159, 160}  # TIMEOUT_EXCEEDED, TOO_SLOW
_UNKNOWN_TABLE = 60
_BUSY = {202, 241, 252}  # too many queries, memory limit, too many parts
_NOT_ENOUGH_SPACE = 243
_NO_SPACE = "No space left on device"  # of whatever the engine was doing: writing, syncing, making a folder
_DAMAGED = {32, 33, 40, 107, 226, 228, 246, 271, 432}
"""End of file, not all data, checksum, no such file, wrong size, corrupt, does not decompress, unknown codec."""

_PART = re.compile(r"reading from part (\S+)")
_FILE = re.compile(r"/ledger/(store/[^\s'\",:()]*)")
_OPENING_PATIENCE = 5.0
_WRITE_AS_ONE_BLOCK = {
    # a part of its own per statement, so that the statement is in as a whole or not at all
    "max_insert_threads": 1,
    "max_threads": 1,
    "min_insert_block_size_rows": 1_000_000_000,
    "min_insert_block_size_bytes": 0,
}
_INSERT = _WRITE_AS_ONE_BLOCK | {
    # no text of a document is tried as a date: those tagged for filters never are one, and trying takes its time
    "input_format_try_infer_dates": 0,
    "input_format_try_infer_datetimes": 0,
}


class Engine:
    """One client a thread, so that threads do not wait for each other.

    Everything outside this class speaks to ClickHouse through `rows`, `table`, `insert` and `command`; all values
    are bound parameters (``{name:Type}``).
    """

    def __init__(
        self, dsn: str, database: str, *, query_seconds: float, query_memory_bytes: int, files: StoreFiles | None = None
    ) -> None:
        """Open the store and make its database if there is none.

        Raises:
            LedgerFullError: there is not the room to write in that is to be kept free.
            LedgerInUseError: another process has the folder open.
            LedgerError: the store does not open.
        """
        self._dsn = dsn
        self._database = database
        self._clients: weakref.WeakSet[Client] = weakref.WeakSet()  # a thread's ends with the thread
        self._lock = threading.Lock()
        self._local = threading.local()
        self._limits = {
            "max_execution_time": query_seconds,
            "timeout_overflow_mode": "throw",
            "max_memory_usage": query_memory_bytes,
            "precise_float_parsing": 1,
            # as many filters, with as many members, as are allowed
            "max_query_size": 64 * 1024 * 1024,
            "max_ast_elements": 1_000_000,
            "max_expanded_ast_elements": 5_000_000,
        }
        self._files = files
        if files is not None:
            files.open()  # the engine begins to merge as soon as it opens
        first = self._connect(None)
        try:
            first.command(f"CREATE DATABASE IF NOT EXISTS `{database}`")
        finally:
            first.close()
        if files is not None:
            files.check_parts()
            files.keep(self._stop_merging, self._start_merging)

    def _connect(self, database: str | None) -> Client:
        deadline = time.monotonic() + _OPENING_PATIENCE
        while True:
            try:
                if database is None:
                    return clickhouse_connect.get_client(dsn=self._dsn, tz_mode="schema")
                return clickhouse_connect.get_client(dsn=self._dsn, tz_mode="schema", database=database)
            except (ClickHouseError, OSError, RuntimeError) as error:
                if "EmbeddedServer" not in str(error):
                    raise LedgerError(f"the ledger's store does not open: {error}") from error
                if self._files is not None and not self._files.are_in_use():
                    raise LedgerDamagedError(str(self._files.folder), "the engine does not open it") from error
                if time.monotonic() > deadline:  # a process that is just ending lets go within moments
                    raise LedgerInUseError("another process has the ledger's folder open") from error
                time.sleep(0.1)

    @property
    def _client(self) -> Client:
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self._connect(self._database)
            with self._lock:
                self._clients.add(client)
        return client

    def rows(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> Sequence[Row]:
        """Answer a query with its rows."""
        with _errors_translated(self):
            answer: Sequence[Row] = self._client.query(
                sql, parameters=dict(parameters or {}), settings=self._limits | dict(settings or {})
            ).result_rows
            return answer

    def table(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Answer a query with its columns, all of them nullable: as those that go in may be."""
        # settings handed over beside this kind of query cost the embedded client a statement each, three times
        limited = f"{sql}\n{_settings_clause(self._limits)}"
        with _errors_translated(self):
            answer = self._client.query_arrow(limited, parameters=dict(parameters or {}))
        return pa.table(dict(zip(answer.column_names, answer.columns, strict=True)))

    def insert(self, table: str, rows: pa.Table) -> None:
        """Append rows, durably and as a whole.

        Raises:
            LedgerFullError: the disk has no room for it.
        """
        if rows.num_rows:
            self._check_room()
            with _errors_translated(self):
                self._client.insert_arrow(table, rows, settings=_INSERT)

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that answers nothing.

        Raises:
            LedgerFullError: the disk has no room for it.
        """
        self._check_room()
        with _errors_translated(self):
            self._client.command(sql, parameters=dict(parameters or {}))

    def put_in_memory(self, table: str, rows: pa.Table) -> None:
        """Make rows the only ones of a table that is in memory, for which the disk needs no room."""
        with _errors_translated(self):
            self._client.command(f"TRUNCATE TABLE {table}")
            self._client.insert_arrow(table, rows, settings=_INSERT)

    def _check_room(self) -> None:
        if self._files is not None:
            self._files.room.check()

    def _stop_merging(self) -> None:
        with _errors_translated(self):
            self._client.command("SYSTEM STOP MERGES")

    def _start_merging(self) -> None:
        with _errors_translated(self):
            self._client.command("SYSTEM START MERGES")

    def note_version(self, version: int) -> None:
        """Say beside an embedded store which schema it has, for those who must not open it."""
        if self._files is not None:
            self._files.seal.note_version(version)

    def start_afresh(self) -> None:
        """Give this thread another client: one whose query failed may answer the next one with what is left of it."""
        client: Client | None = getattr(self._local, "client", None)
        if client is not None:
            self._local.client = None
            client.close()

    def define(self, sql: str) -> None:
        """Run a statement that makes, changes or drops a table.

        Raises:
            LedgerFullError: the disk has no room for it.
        """
        with self._files.seal.changing() if self._files is not None else contextlib.nullcontext():
            self.command(sql)

    def insert_select(self, sql: str, parameters: Mapping[str, Any]) -> None:
        """Run an INSERT ... SELECT whose rows go in as a whole or not at all."""
        self.command(f"{sql}\n{_settings_clause(_WRITE_AS_ONE_BLOCK)}", parameters)

    def close(self) -> None:
        """Let go of the store."""
        if self._files is not None:
            self._files.room.close()
        with self._lock:
            for client in list(self._clients):
                client.close()
            self._clients.clear()
        self._local = threading.local()
        if self._files is not None:
            self._files.close()


def _damaged_file(said: str) -> str:
    """The file or part that the engine speaks of, by its path in the data folder."""
    found = _FILE.search(said)
    return f"ledger/{found[1]}" if found else "a file of the ledger"


def _settings_clause(settings: Mapping[str, object]) -> str:
    """The clause of a statement that has these settings: numbers, or names of choices."""
    return "SETTINGS " + ", ".join(
        f"{name} = '{value}'" if isinstance(value, str) else f"{name} = {value}" for name, value in settings.items()
    )


class _errors_translated(contextlib.AbstractContextManager[None]):  # noqa: N801 - reads as a phrase
    """Turn the driver's exceptions into ours; the engine's own words stay in the cause, for the log."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, ClickHouseError):
            return
        self._engine.start_afresh()
        code = getattr(error, "code", None)
        if code in _TIMED_OUT:
            raise QueryTimeoutError("the query went over its time budget and was stopped") from error
        if code == _NOT_ENOUGH_SPACE or _NO_SPACE in str(error):
            raise LedgerFullError from error
        if code in _BUSY:
            raise LedgerBusyError("the ledger is short of memory for this") from error
        if code == _UNKNOWN_TABLE:
            raise JobGoneError("the job was deleted") from error
        if code in _DAMAGED or _PART.search(str(error)):
            raise LedgerDamagedError(_damaged_file(str(error)), "what is read of it is not what was written") from error
        raise LedgerError("the ledger could not carry out a statement") from error
