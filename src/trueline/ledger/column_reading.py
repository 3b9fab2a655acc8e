"""Reading what filters ask for of a job's documents, once, while others go on writing to the job."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pyarrow as pa

from trueline.ledger.engine import READ_ONCE
from trueline.ledger.path_numbers import PathNumbers  # noqa: TC001 - part of a dataclass
from trueline.ledger.path_values import PathValues
from trueline.ledger.reviews import BAND
from trueline.metrics.coded_rows import CODED, CodedRows
from trueline.metrics.hours import Window
from trueline.metrics.passing import PassingNumbers  # noqa: TC001 - part of a dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTable

_ROWS: Final = f"""
SELECT version, subject_key, toUnixTimestamp64Micro(ts) AS at, toString(outcome) AS outcome,
       toUnixTimestamp64Micro(consensus_changed_at) AS consensus_changed_at, {BAND}, sign{{columns}}
FROM {{table}} WHERE {{where}}"""

_COLUMNS: Final = "SELECT version{columns} FROM {table} WHERE {where} AND sign > 0"

_WHERE: Final = {
    "version": "version <= {version:UInt64}",
    "start": "ts >= fromUnixTimestamp64Micro({start:Int64}, 'UTC')",
    "end": "ts < fromUnixTimestamp64Micro({end:Int64}, 'UTC')",
}

_BYTES_AT_ONCE: Final = 64 * 2**20
"""Of rows whose values are told apart before it is seen whether they are too many."""

Mark: TypeAlias = "tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]"
"""The keys of subjects, and the subjects' keys and the versions of their events: see `CodedRows.mark`."""


@dataclass(slots=True)
class KeptPath:
    """What is kept of a path beside the numbers of its rows."""

    values: PathValues | PathNumbers
    passing: dict[str, PassingNumbers] = field(default_factory=dict)
    """By filter: which of `PathValues` pass. Each follows from what was asked alone."""


@dataclass(slots=True)
class KeptJob:
    """What is kept of a job."""

    rows: CodedRows
    paths: dict[str, KeptPath] = field(default_factory=dict)
    """Those that questions may ask for; of others rows may have numbers, too."""
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(slots=True)
class _Written:
    """Versions of events that were written meanwhile."""

    begin: int
    """The row that the first of them has, where rows were kept already."""
    events: pa.Table
    documents: pa.Table


class Reading:
    """What is being read of a job, and what is written meanwhile.

    Read is what had arrived when the reading began; what is written after that waits, and is put to it at the end.
    """

    def __init__(self, kept: KeptJob, paths: Sequence[str], until: int, room: int, *, is_first: bool) -> None:
        """Begin; the job must be held.

        Args:
            kept: What is kept of the job already, or will be: the numbers of the paths come to its rows.
            paths: Which are read.
            until: The latest arrival of what is written of the job.
            room: Bytes a row that the paths may take together.
            is_first: Whether the rows have to be read, too.
        """
        self.kept = kept
        self.parts: Sequence[Window] = (Window(),)
        """All time, in parts with as many events as are read at once."""
        self.paths = {path: KeptPath(PathValues(path)) for path in paths}
        """What came of it, and which no question sees before all is there."""
        self.too_many: set[str] = set()
        """The paths at which too many different values stand to be kept."""
        self.too_wide: set[str] = set()
        """The paths for which there is no room beside the others."""
        self.is_first = is_first
        self.is_given_up = False
        self._room = room
        self._until = until
        self._writes: list[_Written | Mark] = []
        self._columns = {name for path in self.paths.values() for name in path.values.columns.values()}
        with kept.lock:
            for path in paths:
                kept.rows.add(path)

    # --- what is written meanwhile

    def events_written(self, events: pa.Table, documents: pa.Table) -> None:
        """Take in versions of events, as `KeptColumns.events_written` does."""
        documents = documents.select([name for name in documents.column_names if name in self._columns])
        self._writes.append(_Written(len(self.kept.rows), events, documents))

    def mark(self, mark: Mark) -> None:
        """Take in that subjects are marked."""
        self._writes.append(mark)

    # --- reading

    def read(self, engine: Engine, table: JobTable, part: Window) -> None:
        """Read what happened in a part of all time."""
        named = sorted(self._columns & table.columns)
        bound = {"version": self._until, "start": part.start, "end": part.end}
        bound = {name: value for name, value in bound.items() if value is not None}
        statement = _ROWS if self.is_first else _COLUMNS
        for name, text in {
            "{columns}": "".join(f", `{column}`" for column in named),
            "{table}": table.name,
            "{where}": " AND ".join(_WHERE[name] for name in bound),
        }.items():
            statement = statement.replace(name, text)
        rows = engine.table(statement, bound, READ_ONCE)
        stretch = max(1, _BYTES_AT_ONCE * rows.num_rows // max(1, rows.nbytes))
        for begin in range(0, rows.num_rows, stretch):
            self._read(rows.slice(begin, stretch), part)
            self._leave_what_does_not_fit()
            if not self.paths:
                return  # nothing of what was read is kept

    def _read(self, rows: pa.Table, part: Window) -> None:
        numbers = self._numbers(rows)
        if self.is_first:
            rows = rows.rename_columns(["ts" if name == "at" else name for name in rows.column_names])
            self.kept.rows.append(rows.select(CODED.names).cast(CODED), numbers)
            return
        versions = rows["version"].to_numpy()
        with self.kept.lock:
            for name, each in numbers.items():
                self.kept.rows.put_versions(name, part, versions, each)

    def put_in_order(self) -> None:
        """Number values anew by what they are, before those that were written meanwhile come behind them."""
        for name, path in self.paths.items():
            if isinstance(path.values, PathValues):
                places = path.values.put_in_order()
                with self.kept.lock:
                    self.kept.rows.renumber(name, places)

    def take_in(self) -> None:
        """Take in what was written meanwhile, in its order. The job must be held, until questions see it."""
        for each in self._writes:
            if not isinstance(each, _Written):
                self.kept.rows.mark(*each)
                continue
            if self.is_first:
                events, documents = self._not_yet_read(each)
                self.kept.rows.append(events, self._numbers(documents))
            else:
                self._put(each)
            self._leave_what_does_not_fit()

    def _numbers(self, documents: pa.Table) -> dict[str, NDArray[Any]]:
        return {name: path.values.numbers(documents) for name, path in self.paths.items()}

    def _not_yet_read(self, written: _Written) -> tuple[pa.Table, pa.Table]:
        """Without what takes versions back that were read as taken back already, or not at all, as they were gone."""
        versions, signs = (written.events[name].to_numpy() for name in ("version", "sign"))
        earlier = np.flatnonzero((signs < 0) & (versions <= self._until))
        standing = self.kept.rows.standing(versions[earlier])
        keep = np.ones(len(signs), np.bool_)
        keep[earlier[~standing]] = False
        kept = pa.array(keep)
        return written.events.filter(kept), written.documents.filter(kept)

    def _put(self, written: _Written) -> None:
        """Set the numbers of rows that came meanwhile, and of those that they take back.

        The ledger may have let go of these before they were read.
        """
        versions, signs = (written.events[name].to_numpy() for name in ("version", "sign"))
        back = signs < 0
        with self.kept.lock:
            for name, each in self._numbers(written.documents).items():
                self.kept.rows.put(name, written.begin, each)
                if back.any():
                    self.kept.rows.put_versions(name, None, versions[back], each[back])

    def _leave_what_does_not_fit(self) -> None:
        with self.kept.lock:
            take_together(self.kept.rows, self.paths)
            for name in [name for name, path in self.paths.items() if path.values.cannot_be_kept]:
                self.too_many.add(name)
                self.kept.rows.drop(name)
                del self.paths[name]
            widths = {name: self.kept.rows.bytes_a_row(name) for name in self.paths}
            while sum(widths.values()) > self._room:
                widest = max(widths, key=widths.__getitem__)
                self.too_wide.add(widest)
                self.kept.rows.drop(widest)
                del self.paths[widest], widths[widest]
        self._columns = {name for path in self.paths.values() for name in path.values.columns.values()}

    def leave(self) -> None:
        """Have the rows without what was read."""
        self.is_given_up = True
        with self.kept.lock:
            for name in self.paths:
                self.kept.rows.drop(name)
        self.paths = {}


def take_together(rows: CodedRows, paths: dict[str, KeptPath]) -> None:
    """Take values together at paths where they are too many, where they can be: see `PathValues.taken_together`."""
    for name, path in paths.items():
        if not isinstance(path.values, PathValues) or not path.values.cannot_be_kept:
            continue
        if (fewer := path.values.taken_together()) is not None:
            values, places = fewer
            rows.renumber(name, places)
            paths[name] = KeptPath(values)
