"""The connection to ClickHouse: embedded in this process, or a server named by a DSN."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypedDict, Unpack

import clickhouse_connect
import pyarrow as pa
import structlog
from clickhouse_connect.driver.binding import quote_identifier
from clickhouse_connect.driver.exceptions import ClickHouseError

from trueline.ledger import budget
from trueline.ledger.engine_errors import refused_by_server, translated
from trueline.ledger.errors import LedgerDamagedError, LedgerError, LedgerFullError, LedgerInUseError
from trueline.ledger.handing_over import NO_ROOM, handed_over
from trueline.ledger.in_use import is_in_use
from trueline.ledger.precedence import Precedence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

    from trueline.ledger.budget import Asker
    from trueline.ledger.store_files import StoreFiles

_log = structlog.get_logger("trueline.ledger")

Row: TypeAlias = "Sequence[Any]"

_NO_SUCH_PART = 232
_BROKEN_PROJECTION = b"Code: 713."
_ANY_NUMBER = 2**62
OPENING_PATIENCE = 5.0
"""Seconds to wait for another process that has the folder open: one that is just ending lets go within moments."""

_REMEMBER_NO_CONDITIONS = {"use_query_condition_cache": 0}
"""What the engine remembers of conditions is of parts that merges soon put an end to, and grows to 100 MiB."""

_INTERPRET = dict.fromkeys(("compile_expressions", "compile_aggregate_expressions", "compile_sort_description"), 0)
"""To compile takes milliseconds of each question, and of nine filters on ten million events made one faster."""

_WRITE_AS_ONE_BLOCK = {
    # a part of its own per statement, so that the statement is in as a whole or not at all
    "max_insert_threads": 1,
    "max_threads": 1,
    "min_insert_block_size_rows": 1_000_000_000,
    "min_insert_block_size_bytes": 0,
    **_REMEMBER_NO_CONDITIONS,
}
_INSERT = _WRITE_AS_ONE_BLOCK | {
    # rows that cancel do so in what is merged later; looking for them here is a fifth of what an insert takes
    "optimize_on_insert": 0,
    # no text of a document is tried as a date: those tagged for filters never are one, and trying takes its time
    "input_format_try_infer_dates": 0,
    "input_format_try_infer_datetimes": 0,
}

_CONFIGURATION: Final = str(resources.files("trueline.ledger") / "embedded.xml")


READ_ONCE: Final = {"use_uncompressed_cache": 0}
"""Settings of a query whose columns nobody is likely to ask for again: nothing is kept of them."""


class Limits(TypedDict):
    """What the engine may take."""

    query_seconds: float
    """Time for a query."""
    query_memory_bytes: int
    """Memory for a query, beside what it keeps for others."""
    cache_bytes: int
    """Memory for what is kept decompressed of parts, which never change. Of a server its own configuration decides."""


class Engine:
    """One client a thread, so that threads do not wait for each other.

    Everything outside this class speaks to ClickHouse through `rows`, `table`, `insert` and `command`; all values
    are bound parameters (``{name:Type}``).
    """

    def __init__(self, dsn: str, database: str, *, files: StoreFiles | None = None, **limits: Unpack[Limits]) -> None:
        """Open the store and make its database if there is none.

        Raises:
            LedgerFullError: there is not the room to write in that is to be kept free.
            LedgerInUseError: another process has the folder open.
            LedgerDamagedError: a file is not what was written.
            LedgerError: the store does not open.
        """
        self.precedence = Precedence()
        """Of questions that somebody waits for; fields that are read to be kept give way to them."""
        self._dsn = dsn
        # a server has it in its configuration
        options = {"config-file": _CONFIGURATION, "uncompressed_cache_size": limits["cache_bytes"]}
        self._embedded: dict[str, Any] = {"chdb_options": options} if dsn.startswith("chdb:") else {}
        self._database = database
        self._clients: weakref.WeakSet[Client] = weakref.WeakSet()  # a thread's ends with the thread
        self._lock = threading.Lock()
        self._local = threading.local()
        self._query_seconds = limits["query_seconds"]
        self._limits = {
            "timeout_overflow_mode": "throw",
            # whoever reads something first is charged for what is kept of it
            "max_memory_usage": limits["query_memory_bytes"] + limits["cache_bytes"],
            "use_uncompressed_cache": int(limits["cache_bytes"] > 0),
            "merge_tree_max_rows_to_use_cache": _ANY_NUMBER,
            "merge_tree_max_bytes_to_use_cache": _ANY_NUMBER,
            "precise_float_parsing": 1,
            **_REMEMBER_NO_CONDITIONS,
            **_INTERPRET,
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
            if files is not None:
                files.check_parts()
                _check_unsealed(first, files)
        finally:
            first.close()
        if files is not None:
            files.keep(self._stop_merging, self._start_merging)

    @property
    def is_embedded(self) -> bool:
        """Whether it runs in this process."""
        return bool(self._embedded)

    def _connect(self, database: str | None) -> Client:
        deadline = time.monotonic() + OPENING_PATIENCE
        while True:
            try:
                if database is None:
                    return clickhouse_connect.get_client(dsn=self._dsn, tz_mode="schema", **self._embedded)
                return clickhouse_connect.get_client(
                    dsn=self._dsn, tz_mode="schema", database=database, **self._embedded
                )
            except (ClickHouseError, OSError, RuntimeError) as error:
                if not self._embedded:
                    raise refused_by_server(error) from error
                if "EmbeddedServer" not in str(error):
                    raise LedgerError(f"the ledger's store does not open: {error}") from error
                if self._files is not None and not is_in_use(self._files.folder):
                    raise LedgerDamagedError(str(self._files.unopened()), "the engine does not open it") from error
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

    @contextlib.contextmanager
    def _statement(self) -> Iterator[None]:
        """Carry out one statement.

        The embedded engine answers the next one of a client with what was left over of one that failed, in front of
        its own answer: so after a failure the thread gets another client.
        """
        try:
            yield
        except ClickHouseError as error:
            self._drop_client()
            raise translated(error) from error

    @contextlib.contextmanager
    def _asked(self) -> Iterator[None]:
        """Carry out a statement that asks, and before what nobody waits for if somebody waits for it."""
        with self.precedence.taken() if budget.is_awaited() else contextlib.nullcontext(), self._statement():
            yield

    def _drop_client(self) -> None:
        client: Client | None = getattr(self._local, "client", None)
        if client is not None:
            self._local.client = None
            with self._lock:
                self._clients.discard(client)
            client.close()

    def rows(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> Sequence[Row]:
        """Answer a query with its rows."""
        with self._asked():
            answer: Sequence[Row] = self._client.query(
                budget.marked(sql), parameters=dict(parameters or {}), settings=self._limited() | dict(settings or {})
            ).result_rows
            return answer

    def table(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> pa.Table:
        """Answer a query with its columns, all of them nullable: as those that go in may be."""
        # settings handed over beside this kind of query cost the embedded client a statement each, three times
        limited = f"{budget.marked(sql)}\n{_settings_clause(self._limited() | dict(settings or {}))}"
        with self._asked():
            answer = self._client.query_arrow(limited, parameters=dict(parameters or {}))
        return pa.table(dict(zip(answer.column_names, answer.columns, strict=True)))

    def give_up(self, asker: Asker) -> None:
        """Have the engine stop what it does for somebody who has left, and begin nothing more for them.

        A query that is just about to begin may be missed: done again it is found.
        """
        asker.has_left = True
        self.rows("KILL QUERY WHERE position(query, {mark:String}) > 0 ASYNC", {"mark": asker.mark})

    def insert(self, table: str, rows: pa.Table) -> None:
        """Append rows, durably and as a whole.

        Raises:
            LedgerFullError: the disk has no room for it.
        """
        if not rows.num_rows:
            return
        files = self._files
        with files.room.taken(rows.nbytes) if files is not None else contextlib.nullcontext():
            self._count_change()
            self._take(table, rows, files.folder if files is not None else None)

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that answers nothing.

        Raises:
            LedgerFullError: the disk has no room for it.
        """
        self._begin_change()
        with self._statement():
            self._client.command(sql, parameters=dict(parameters or {}))

    def put_in_memory(self, table: str, rows: pa.Table) -> None:
        """Make rows the only ones of a table that is in memory, for which the disk needs no room."""
        with self._statement():
            self._client.command(f"TRUNCATE TABLE {table}")
        self._take(table, rows, None)

    def _take(self, table: str, rows: pa.Table, disk: Path | None) -> None:
        """Have the engine take rows, the embedded one by way of a disk or of memory."""
        if not self._embedded:
            with self._statement():
                self._client.insert_arrow(table, rows, settings=_INSERT)
            return
        columns = ", ".join(quote_identifier(name) for name in rows.column_names)
        with handed_over(rows, disk) as file, self._statement():
            self._client.command(
                f"INSERT INTO {table} ({columns}) FROM INFILE '{file}' COMPRESSION 'none' "
                f"{_settings_clause(_INSERT)} FORMAT Arrow"
            )

    def version(self) -> str:
        """The version of ClickHouse."""
        return str(self.rows("SELECT version()")[0][0])

    @property
    def changes_begun(self) -> int:
        """How many statements that may change something this thread has begun."""
        begun: int = getattr(self._local, "changes_begun", 0)
        return begun

    def _begin_change(self) -> None:
        self._check_room()
        self._count_change()

    def _count_change(self) -> None:
        self._local.changes_begun = self.changes_begun + 1

    def _check_room(self) -> None:
        if self._files is not None:
            self._files.room.check()

    def _stop_merging(self) -> None:
        with self._statement():
            self._client.command("SYSTEM STOP MERGES")

    def _start_merging(self) -> None:
        with self._statement():
            self._client.command("SYSTEM START MERGES")

    def note_version(self, version: int) -> None:
        """Say beside an embedded store which schema it has, for those who must not open it."""
        if self._files is not None:
            self._files.seal.note_version(version)

    def check_copy(self, copy: Path) -> None:
        """Hold a copy of an embedded store's files, made by `freeze`, against what is known of them.

        Raises:
            LedgerDamagedError: one of them is not what was written.
        """
        if self._files is not None:
            self._files.seal.check_copy(copy)

    def define(self, *statements: str) -> None:
        """Run statements that make, change or drop tables, one after the other.

        Raises:
            LedgerFullError: the disk has no room for it.
        """
        self._check_room()
        sealing = self._files.seal.changing if self._files is not None else contextlib.nullcontext
        try:
            with sealing():
                for statement in statements:
                    self.command(statement)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise LedgerFullError from error
            raise

    def insert_select(self, sql: str, parameters: Mapping[str, Any]) -> None:
        """Run an INSERT ... SELECT whose rows go in as a whole or not at all."""
        self.command(f"{sql}\n{_settings_clause(_WRITE_AS_ONE_BLOCK)}", parameters)

    def _limited(self) -> dict[str, Any]:
        """The settings of a query: what it may take, and of time no more than its request has left."""
        return self._limits | {"max_execution_time": budget.left(self._query_seconds)}

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


def _check_unsealed(client: Client, files: StoreFiles) -> None:
    """Have the engine hold each part that is in no seal against its checksums, merged meanwhile or not.

    Raises:
        LedgerDamagedError: one is not what was written.
        LedgerError: the engine cannot tell.
    """
    if not files.unsealed:
        return
    _log.info("parts in no seal are held against the engine's checksums", parts=len(files.unsealed))
    try:
        client.command("SYSTEM STOP MERGES")
        for database, table, name, path in client.query(
            # those first that were merged since they were loaded: their files are deleted soon, and who tells then?
            "SELECT database, table, name, path FROM system.parts ORDER BY active"
        ).result_rows:
            part = os.path.relpath(path, files.folder)
            if part in files.unsealed and not _is_whole(client, database, table, name):
                raise LedgerDamagedError(str(files.folder / part), "its files are not those that were written")
        client.command("SYSTEM START MERGES")
    except ClickHouseError as error:
        raise translated(error) from error


def _is_whole(client: Client, database: str, table: str, part: str) -> bool:
    """Whether a part's files are those that were written.

    Not those of a projection: the engine never syncs them, so that they may be lost with the power, and does without.
    """
    check = f"CHECK TABLE `{database}`.`{table}` PART '{part}'"
    try:
        # raw, since an error that it tells of may have bytes that are no text
        told = client.raw_query(check, settings={"check_query_single_value_result": 0}, fmt="TabSeparatedRaw")
    except ClickHouseError as error:
        if getattr(error, "code", None) == _NO_SUCH_PART:  # it has ended meanwhile
            return True
        raise
    _, passed, said = told.split(b"\t", 2)
    return passed == b"1" or said.startswith(_BROKEN_PROJECTION)


def _settings_clause(settings: Mapping[str, object]) -> str:
    """The clause of a statement that has these settings: numbers, or names of choices."""
    return "SETTINGS " + ", ".join(
        f"{name} = '{value}'" if isinstance(value, str) else f"{name} = {value}" for name, value in settings.items()
    )
