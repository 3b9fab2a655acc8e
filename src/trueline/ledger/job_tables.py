"""A table of events for each job, made when it is first needed, with a column for each path of its documents.

A job's table grows as its documents do: a path gets a column for each kind of value it holds, so that a filter reads
the values it asks about and nothing else. Beyond so many paths, what stands at further ones is kept in one column
for them all: it is found as surely, and more slowly.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from trueline.ledger.document_columns import ARROW_TYPES, ValueKind, are_exact, column_name, escaped, parts_of
from trueline.ledger.errors import JobGoneError
from trueline.ledger.merging import SYNCED
from trueline.ledger.other_paths import OTHER_PATHS, cells_of, fill_up, in_one_column, paths_apart, recalled

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine

MAX_PATHS: Final = 2_048
"""Paths of a job that have columns of their own, unless a setting says otherwise."""

_EVENTS: Final = "events_"
"""What the name of a job's table of events begins with."""

_HAS_OTHERS: Final = "has values"
"""What the table says of `OTHER_PATHS` once something stands there, in its comment."""

_ENGINE_TYPES = {
    ValueKind.TEXT: "LowCardinality(Nullable(String))",
    ValueKind.LONG_TEXT: "Nullable(String) CODEC(ZSTD(1))",
    ValueKind.INTEGER: "Nullable(Int64) CODEC(T64, LZ4)",
    ValueKind.DOUBLE: "Nullable(Float64)",
    ValueKind.BOOLEAN: "Nullable(Bool)",
    ValueKind.SEVERAL: "Array(String)",
    ValueKind.OBJECT: "Bool",
}
_DISTINCT_TEXTS = "Nullable(String)"
_ENOUGH_TO_TELL = 1_000
_MANY_DISTINCT = 0.6  # of the first some thousand: four thousand hosts are a third of them, and a dictionary for good
_KINDS_BEFORE = tuple(f"{kind}_" for kind in ValueKind)


@dataclass(slots=True)
class JobTable:
    """The table of one job's events. Its columns only ever become more."""

    name: str
    replaced: str | None = None
    """The table of versions that others replaced; None while no event was sent again in another way."""
    columns: set[str] = field(default_factory=set)
    """The names of the columns that paths have."""
    paths: set[str] = field(default_factory=set)
    """The paths that have columns, escaped."""
    max_paths: int = MAX_PATHS
    """Paths that may have columns."""
    has_others: bool = False
    """Whether anything stands, or ever stood, at paths without columns. From then on no other path gets one: what the
    events before have there would not be found in it."""

    @property
    def room(self) -> int:
        """How many more paths may get columns."""
        return 0 if self.has_others else max(0, self.max_paths - len(self.paths))

    def may_be_apart(self, path: str) -> bool:
        """Whether what stands at a path may stand in `OTHER_PATHS`."""
        return self.has_others and escaped(path) not in self.paths

    def column(self, kind: ValueKind, path: str) -> str | None:
        """The column of a path's values of a kind, quoted for a statement; None where no document has any."""
        name = column_name(kind, path)
        return f"`{name}`" if name in self.columns else None

    def has(self, column: str) -> None:
        """Take in that the table has a column of documents."""
        self.columns.add(column)
        self.paths.add(parts_of(column)[1])


class JobTables:
    """The tables of one store's jobs."""

    def __init__(self, engine: Engine, max_paths: int = MAX_PATHS) -> None:
        self._engine = engine
        self._max_paths = max_paths
        self._tables: dict[int, JobTable] = {}
        self._dropped: set[int] = set()
        self._lock = threading.Lock()
        self._schema = (resources.files("trueline.ledger") / "schema" / "events_of_a_job.sql").read_text("utf-8")

    def of(self, job_id: int) -> JobTable:
        """The table of a job; made if there is none yet.

        Raises:
            JobGoneError: it was dropped.
        """
        table = self._tables.get(job_id)
        if table is None:
            with self._lock:
                if job_id in self._dropped:
                    raise JobGoneError(f"job {job_id} was deleted")
                table = self._tables.get(job_id) or self._open(job_id)
                self._tables[job_id] = table
        return table

    def drop(self, job_id: int) -> None:
        """Drop the tables of a job, if there are any, for good: whoever still asks about the job makes none anew."""
        with self._lock:
            self._dropped.add(job_id)
            self._tables.pop(job_id, None)
        for name in (_replaced(job_id), _events(job_id)):
            self._engine.define(f"DROP TABLE IF EXISTS {name} SYNC")

    def jobs(self) -> set[int]:
        """The ids of the jobs that have a table of events."""
        return {int(name.removeprefix(_EVENTS)) for name in self.names()}

    def names(self) -> list[str]:
        """The names of the tables of events of all jobs that ever had one."""
        return self._names(f"^{_EVENTS}[0-9]+$")

    def names_of_replaced(self) -> list[str]:
        """The names of the tables of versions that were replaced."""
        return self._names("^replaced_[0-9]+$")

    def _names(self, pattern: str) -> list[str]:
        rows = self._engine.rows(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND match(name, {pattern:String})",
            {"pattern": pattern},
        )
        return [row[0] for row in rows]

    def _open(self, job_id: int) -> JobTable:
        table = JobTable(_events(job_id), max_paths=self._max_paths)
        columns = self._columns_of(table.name)
        if not columns:
            self._engine.define(self._schema.replace("{events}", table.name))
            columns = self._columns_of(table.name)
        for column in columns:
            if column.startswith(_KINDS_BEFORE):
                table.has(column)
        # one from before that was noted has others if it has as many paths as there could be then
        table.has_others = len(table.paths) >= MAX_PATHS or self._noted(table.name)
        kept = self._columns_of(_replaced(job_id))
        if kept:
            table.replaced = _replaced(job_id)
            self._add_columns(table.replaced, {name: kind for name, kind in columns.items() if name not in kept})
        return table

    def _columns_of(self, name: str) -> dict[str, str]:
        """The columns of a table that are written, and how each is declared; none where there is no table."""
        return {
            row[0]: f"{row[1]} {row[2]}".rstrip()
            for row in self._engine.rows(
                "SELECT name, type, compression_codec FROM system.columns"
                " WHERE database = currentDatabase() AND table = {table:String} AND default_kind = ''"
                " ORDER BY position",
                {"table": name},
            )
        }

    def _noted(self, name: str) -> bool:
        """Whether a table says that it has values at paths without columns."""
        rows = self._engine.rows(
            "SELECT comment FROM system.columns WHERE database = currentDatabase()"
            " AND table = {table:String} AND name = {column:String}",
            {"table": name, "column": OTHER_PATHS},
        )
        return rows == [(_HAS_OTHERS,)]

    def _add_columns(self, name: str, columns: dict[str, str]) -> None:
        if columns:
            adding = ", ".join(f"ADD COLUMN IF NOT EXISTS `{column}` {kind}" for column, kind in columns.items())
            self._engine.define(f"ALTER TABLE {name} {adding}")

    def keeping_replaced(self, job_id: int) -> str:
        """The name of the table of a job's versions that were replaced; made if there is none yet.

        It has the columns of the table of events, and when each version was replaced. The job must be held.
        """
        table = self.of(job_id)
        if table.replaced is None:
            columns = self._columns_of(table.name)
            declared = ", ".join(f"`{column}` {kind}" for column, kind in columns.items())
            name = _replaced(job_id)
            self._engine.define(
                f"CREATE TABLE IF NOT EXISTS {name} ({declared},"
                " replaced_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)))"
                " ENGINE = MergeTree ORDER BY (event_key, replaced_at) SETTINGS fsync_after_insert = 1,"
                f" fsync_part_directory = 1, {SYNCED}, min_bytes_for_wide_part = 134217728"
            )
            table.replaced = name
        return table.replaced

    def index_anew(self, job_id: int) -> None:
        """Make anew what the engine finds a job's events by."""
        table = self.of(job_id).name
        for command in ("MATERIALIZE PROJECTION by_subject", "MATERIALIZE INDEX by_event_key"):
            self._engine.command(f"ALTER TABLE {table} {command} SETTINGS mutations_sync = 2")

    def placed(self, job_id: int, documents: pa.Table) -> pa.Table:
        """The columns of documents as a job's table has them, which grows by those that are new.

        The job must be held, so that nobody else makes its table grow.

        Args:
            job_id: The job.
            documents: As `trueline.ledger.documents.laid_out` gives them, or as they were read from that table.
        """
        table = self.of(job_id)
        own = self._with_columns(table, documents)
        documents = _numbers_together(recalled(documents, own), table)
        new = {name for name in documents.column_names if name not in table.columns and name != OTHER_PATHS}
        apart = self._grow(table, documents.select(sorted(new)), own) if new else set()
        columns = {name: documents[name] for name in documents.column_names if name not in apart}
        if cells := cells_of(documents, sorted(apart)):
            before = documents[OTHER_PATHS].to_pylist() if OTHER_PATHS in columns else ()
            columns[OTHER_PATHS] = in_one_column([cells], documents.num_rows, before)
        placed = pa.table(columns)
        if not table.has_others and paths_apart(placed):
            self._engine.define(f"ALTER TABLE {table.name} COMMENT COLUMN {OTHER_PATHS} '{_HAS_OTHERS}'")
            table.has_others = True
        return placed

    def _with_columns(self, table: JobTable, documents: pa.Table) -> set[str]:
        """The paths, escaped, that have columns or get some now, as far as there may be more."""
        named = {parts_of(name)[1]: None for name in documents.column_names if name != OTHER_PATHS}
        new = [path for path in named | paths_apart(documents) if path not in table.paths] if table.room else []
        return table.paths.union(new[: table.room])

    def _grow(self, table: JobTable, documents: pa.Table, own: set[str]) -> set[str]:
        """Give the table those of these columns that are of its own paths; gives the names of those left out."""
        added = {
            name: _engine_type(parts_of(name)[0], documents[name])
            for name in documents.column_names
            if parts_of(name)[1] in own and documents[name].null_count < documents.num_rows
        }
        if added:
            for each in (table.replaced, table.name):  # so that no column of events is ever without its like
                if each is not None:
                    self._add_columns(each, added)
            for name in added:
                table.has(name)
        return {name for name in documents.column_names if name not in added}


def _events(job_id: int) -> str:
    return f"{_EVENTS}{job_id:d}"


def _replaced(job_id: int) -> str:
    return f"replaced_{job_id:d}"


def _numbers_together(documents: pa.Table, table: JobTable) -> pa.Table:
    """With integers among the doubles of their path, where it has any and they are the same as doubles.

    So a filter finds the numbers of a path in one column, where some senders write 5 and others 5.0.
    """
    columns = dict(zip(documents.column_names, documents.columns, strict=True))
    for name in documents.column_names:
        kind, path = parts_of(name) if name != OTHER_PATHS else (None, "")
        double = f"{ValueKind.DOUBLE}_{path}"
        if kind is not ValueKind.INTEGER or not (double in columns or double in table.columns):
            continue
        integers = columns.pop(name)
        exact = are_exact(integers)
        as_doubles = pc.if_else(exact, integers, None).cast(ARROW_TYPES[ValueKind.DOUBLE])
        fill_up(columns, {double: as_doubles})
        if as_doubles.null_count > integers.null_count:
            columns[name] = pc.if_else(exact, None, integers)
    return pa.table(columns)


def _engine_type(kind: ValueKind, column: pa.ChunkedArray) -> str:
    """The type of a new column; texts that are nearly all different are not worth a dictionary."""
    there = len(column) - column.null_count
    if (
        kind is ValueKind.TEXT
        and there >= _ENOUGH_TO_TELL
        and pc.count_distinct(column).as_py() > _MANY_DISTINCT * there
    ):
        return _DISTINCT_TEXTS
    return _ENGINE_TYPES[kind]
