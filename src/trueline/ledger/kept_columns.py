"""What filters asked for of documents, kept in memory beside the ledger: a few bytes an event and path.

The first filter on a path is answered by the engine. Meanwhile the path is read once, and from then on told of every
write before that is acknowledged, as a tally is: see `kept`. A filter is put to the different values that stand there,
by the engine, and which events pass is told from the number that each has of these.
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import numpy as np

from trueline.filters.fields import own_field
from trueline.ledger.conditions import ask_for_kinds_alone
from trueline.ledger.documents import escaped
from trueline.ledger.path_values import PathValues
from trueline.ledger.reviews import BAND
from trueline.ledger.value_query import ValueQuery
from trueline.metrics.coded_rows import BYTES_A_ROW, CODED, CodedRows, Moment, SelectedRows
from trueline.metrics.hours import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from trueline.filters.request import Filter
    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.population import Population

FILTER_MEMORY_BYTES: Final = 512 * 1024 * 1024
"""For all jobs together, unless a setting says otherwise."""
WORTH_KEEPING: Final = 100_000
"""Events of a job: fewer are filtered by the engine in a few milliseconds."""

_ROWS: Final = """
SELECT version, subject_key, toUnixTimestamp64Micro(ts) AS at, toString(outcome) AS outcome,
       toUnixTimestamp64Micro(consensus_changed_at) AS consensus_changed_at, {band}, sign{columns}
FROM {table} WHERE {where}"""

_COLUMNS: Final = "SELECT version{columns} FROM {table} WHERE {where} AND sign > 0"

_UNTIL: Final = {
    "start": "ts >= fromUnixTimestamp64Micro({start:Int64}, 'UTC')",
    "end": "ts < fromUnixTimestamp64Micro({end:Int64}, 'UTC')",
    "version": "version <= {version:UInt64}",
}

_Answer = TypeVar("_Answer")

_TRIES: Final = 3
_BYTES_A_VALUE: Final = 200
_BYTES_A_NUMBER: Final = 2
_ANSWERS_OF_A_PATH: Final = 64
_WORN: Final = 3
"""Of so many rows one takes another back: then they are worth to be read anew, when all of these are gone."""


@dataclass(slots=True)
class _Path:
    values: PathValues
    passing: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    """By filter: which values pass. Each follows from what was asked alone."""


@dataclass(slots=True)
class _Kept:
    rows: CodedRows
    paths: dict[str, _Path]
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class NewRows:
    """What rows of a job are kept as."""

    marked: NDArray[np.uint64]
    """The keys of the subjects that have states of their own."""
    by_bucket: bool

    def rows(self) -> _Kept:
        """Without a row."""
        return _Kept(CodedRows([], self.marked, by_bucket=self.by_bucket), {})


@dataclass(slots=True)
class Reading:
    """What is being read to be kept, and what is written meanwhile."""

    job_id: int
    parts: Sequence[Window]
    """Of all time, together."""
    until: int
    """The latest arrival of what is in the ledger."""
    kept: _Kept
    """What it is put into: what is kept of the job already, or what will be."""
    paths: dict[str, _Path]
    """What is read; `kept` has the rows for it, and no question sees it before all is there."""
    is_first: bool
    """Whether nothing was kept of the job before."""
    by_bucket: bool
    events: list[tuple[int, pa.Table, pa.Table]] = field(default_factory=list)
    """Written meanwhile: the place of the first row, the events and their documents."""
    marks: list[_Mark] = field(default_factory=list)
    """Marked meanwhile, where nothing was kept before."""
    is_spoiled: bool = False
    """Whether something was taken back meanwhile: then what was read is of no one moment."""


_Mark: TypeAlias = "tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]"
"""The keys of subjects, and the subjects' keys and the versions of their events: see `CodedRows.mark`."""


class KeptColumns:
    """What is kept of the documents of one store's jobs. Whoever tells it of a write must hold the job."""

    def __init__(self, engine: Engine, tables: JobTables, memory_bytes: int) -> None:
        self._engine = engine
        self._tables = tables
        self._query = ValueQuery(engine)
        self._memory_bytes = memory_bytes
        self.worth_keeping = WORTH_KEEPING
        self.wanted: Callable[[int], object] | None = None
        """Called with a job of which something is asked for that is not kept; it may be called often."""
        self._kept: dict[int, _Kept] = {}
        self._readings: dict[int, Reading] = {}
        self._wishes: dict[int, set[str]] = {}
        self._not_worth: dict[int, set[str]] = {}
        self._asked: dict[tuple[int, str], int] = {}
        self._turns = itertools.count()
        self._is_closing = False

    # --- questions

    def selected(self, population: Population, events: int) -> SelectedRows | None:
        """The rows of a population, but for its filters on what events are counted by; None where that is not kept.

        Args:
            population: Of now.
            events: How many the job has.

        Raises:
            QueryTimeoutError: a filter took longer than the budget.
        """
        return self._asked_of(population, events, lambda rows, window, passing: rows.select(window, passing))

    def moments(self, population: Population, subjects: Iterable[int], events: int) -> list[Moment] | None:
        """When events of such a population happened, of these marked subjects; None where that is not kept.

        Raises:
            QueryTimeoutError: a filter took longer than the budget.
        """
        keys = np.fromiter(subjects, np.uint64)
        return self._asked_of(population, events, lambda rows, window, passing: rows.moments(keys, window, passing))

    def _asked_of(
        self,
        population: Population,
        events: int,
        question: Callable[[CodedRows, Window, dict[str, NDArray[np.bool_]]], _Answer],
    ) -> _Answer | None:
        filters = self._on_documents(population)
        window = Window(population.start, population.end)
        for _ in range(_TRIES):
            kept = self._kept_for(population.job_id, filters, events)
            if kept is None:
                return None
            asked = {each.field: kept.paths.get(each.field) for each in filters}
            passing = self._passing(asked, population, filters)
            with kept.lock:  # in which no values come up and none are taken together
                if all(
                    path is not None and kept.paths.get(name) is path and len(passing[name]) == len(path.values)
                    for name, path in asked.items()
                ):
                    return question(kept.rows, window, passing)
        return None

    def _on_documents(self, population: Population) -> tuple[Filter, ...]:
        """The filters on paths, where all others are on what events are counted by; else none."""
        filters = tuple(each for each in population.filters if own_field(each.field) is None)
        others = tuple(each for each in population.filters if own_field(each.field) is not None)
        return filters if population.hours is None and ask_for_kinds_alone(others) else ()

    def _kept_for(self, job_id: int, filters: tuple[Filter, ...], events: int) -> _Kept | None:
        if not filters or not self._memory_bytes:
            return None
        paths = {each.field for each in filters}
        kept = self._kept.get(job_id)
        missing = paths.difference(kept.paths if kept is not None else ())
        if kept is None or missing:
            if events >= self.worth_keeping:
                self._wish(job_id, missing)
            return None
        for path in paths:
            self._asked[job_id, path] = next(self._turns)
        told = (path is None or path.values.tell(each) for each in filters for path in (kept.paths.get(each.field),))
        return kept if all(told) else None

    def _wish(self, job_id: int, paths: set[str]) -> None:
        columns = self._tables.of(job_id).paths
        paths = {path for path in paths if escaped(path) in columns} - self._not_worth.get(job_id, set())
        if paths:
            self._wishes.setdefault(job_id, set()).update(paths)
            if self.wanted is not None:
                self.wanted(job_id)

    def _passing(
        self, asked: dict[str, _Path | None], population: Population, filters: tuple[Filter, ...]
    ) -> dict[str, NDArray[np.bool_]]:
        """Which values pass all filters on their path."""
        found: dict[str, NDArray[np.bool_]] = {}
        for each in filters:
            path = asked[each.field]
            if path is not None:
                passing = self._passing_one(path, population, each)
                before = found.get(each.field, passing)
                size = min(len(before), len(passing))  # of two filters on one path the later may know more values
                found[each.field] = before[:size] & passing[:size]
        return found

    def _passing_one(self, path: _Path, population: Population, each: Filter) -> NDArray[np.bool_]:
        # written out, since True, 1 and 1.0 are one to a dictionary and three to a filter
        known = path.passing.get(repr(each), np.empty(0, np.bool_))
        if len(known) < (size := len(path.values)):
            more = self._query.passing(each, population.shape, path.values, range(len(known), size))
            known = np.concatenate([known, more])
            if len(path.passing) >= _ANSWERS_OF_A_PATH:
                path.passing.clear()
            path.passing[repr(each)] = known
        return known

    # --- what is kept

    def begin(self, job_id: int, parts: Sequence[Window], until: int, events: int, new: NewRows) -> Reading | None:
        """Begin to read what was wished for of a job; None where there is nothing. The job must be held until then.

        Args:
            job_id: The job.
            parts: All time, in parts of as many events as are to be read at once.
            until: The latest arrival of what is written of it.
            events: How many it has.
            new: What rows are kept as, where there are none yet.
        """
        kept = self._kept.get(job_id)
        paths = self._wishes.pop(job_id, set()).difference(kept.paths if kept is not None else ())
        if not paths or self._is_closing:
            return None
        size = _BYTES_A_NUMBER * len(paths) + (BYTES_A_ROW if kept is None else 0)
        if events * size > self._memory_bytes:
            self._not_worth.setdefault(job_id, set()).update(paths)
            return None
        is_first = kept is None
        if kept is None:
            kept = new.rows()
        reading = Reading(
            job_id, parts, until, kept, {path: _Path(PathValues(path)) for path in paths}, is_first, new.by_bucket
        )
        with kept.lock:
            for path in paths:
                kept.rows.add(path)
        self._readings[job_id] = reading
        return reading

    def read(self, reading: Reading) -> None:
        """Read it, while others may write."""
        for part in reading.parts:
            if self._is_closing or reading.is_spoiled:
                return
            self._read(reading, part, until=reading.until)

    def install(self, reading: Reading, marked: NDArray[np.uint64]) -> None:
        """Have questions answered from what was read. The job must be held.

        Args:
            reading: What was read.
            marked: The keys of the subjects that have states of their own.
        """
        job_id, kept = reading.job_id, reading.kept
        was_forgotten = self._readings.pop(job_id, None) is not reading
        if was_forgotten or self._is_closing or not (reading.is_first or self._kept.get(job_id) is kept):
            return
        if reading.is_spoiled:  # while nobody writes it is of one moment
            reading.paths = {path: _Path(PathValues(path)) for path in reading.paths}
            if reading.is_first:
                kept = reading.kept = NewRows(marked, by_bucket=reading.by_bucket).rows()
            with kept.lock:
                for name in reading.paths:
                    if not reading.is_first:
                        kept.rows.drop(name)
                    kept.rows.add(name)
            for part in reading.parts:
                self._read(reading, part)
        else:
            self._take_in(reading)
        for name, path in reading.paths.items():
            with kept.lock:
                kept.rows.renumber(name, path.values.put_in_order())
                kept.paths[name] = path
        self._kept[job_id] = kept
        self._drop_too_many(job_id, kept)
        self._make_room(job_id)

    def _read(self, reading: Reading, part: Window, *, until: int | None = None) -> None:
        """Read what happened in a part of all time."""
        table, kept = self._tables.of(reading.job_id), reading.kept
        named = {name for path in reading.paths.values() for name in path.values.columns.values()} & table.columns
        bound = {"start": part.start, "end": part.end, "version": until}
        bound = {name: value for name, value in bound.items() if value is not None}
        statement = _ROWS if reading.is_first else _COLUMNS
        for name, text in {
            "{band}": BAND,
            "{columns}": "".join(f", `{name}`" for name in sorted(named)),
            "{table}": table.name,
            "{where}": " AND ".join(["1", *(_UNTIL[name] for name in bound)]),
        }.items():
            statement = statement.replace(name, text)
        rows = self._engine.table(statement, bound)
        if not rows.num_rows:
            return
        if reading.is_first:
            rows = rows.rename_columns(["ts" if name == "at" else name for name in rows.column_names])
            numbers = self._numbers(reading, rows)
            kept.rows.append(rows.select(CODED.names).cast(CODED), numbers)
        else:
            numbers, versions = self._numbers(reading, rows), rows["version"].to_numpy()
            with kept.lock:
                for name, each in numbers.items():
                    kept.rows.put_versions(name, part, versions, each)
        self._take_together(reading)

    @staticmethod
    def _numbers(reading: Reading, documents: pa.Table) -> dict[str, NDArray[np.uint32]]:
        return {name: path.values.numbers(documents) for name, path in reading.paths.items()}

    @staticmethod
    def _take_together(reading: Reading) -> None:
        with reading.kept.lock:
            _take_together(reading.kept.rows, reading.paths)

    def _take_in(self, reading: Reading) -> None:
        """Take in what was written meanwhile."""
        kept = reading.kept
        for begin, events, documents in reading.events:
            numbers = self._numbers(reading, documents)
            if reading.is_first:
                kept.rows.append(events, numbers)
            else:
                with kept.lock:
                    for name, each in numbers.items():
                        kept.rows.put(name, begin, each)
            self._take_together(reading)
        for mark in reading.marks:
            kept.rows.mark(*mark)

    def _drop_too_many(self, job_id: int, kept: _Kept) -> None:
        for name in [name for name, path in kept.paths.items() if path.values.are_too_many]:
            self._not_worth.setdefault(job_id, set()).add(name)
            self._drop(job_id, name)

    def _make_room(self, job_id: int | None = None) -> None:
        """Drop what was not asked for the longest, but last of a job, until the rest is as small as it is to be."""
        while self._size() > self._memory_bytes:
            held = [(each, path) for each, kept in self._kept.items() for path in kept.paths]
            others = [each for each in held if each[0] != job_id] or held
            self._drop(*min(others, key=lambda each: self._asked.get(each, -1)))

    def _size(self) -> int:
        return sum(
            kept.rows.nbytes + _BYTES_A_VALUE * sum(len(path.values) for path in kept.paths.values())
            for kept in self._kept.values()
        )

    def _drop(self, job_id: int, path: str) -> None:
        kept = self._kept[job_id]
        with kept.lock:
            del kept.paths[path]
            kept.rows.drop(path)
        self._asked.pop((job_id, path), None)
        if not kept.paths:
            del self._kept[job_id]

    def forget(self, job_id: int) -> None:
        """Drop what is kept of a job, and give up what is being read."""
        self._kept.pop(job_id, None)
        reading = self._readings.pop(job_id, None)
        if reading is not None:
            reading.is_spoiled = True

    def forget_for_good(self, job_id: int) -> None:
        """The same of a job that is no more."""
        self.forget(job_id)
        self._wishes.pop(job_id, None)
        self._not_worth.pop(job_id, None)

    def close(self) -> None:
        """Have what is being read end soon."""
        self._is_closing = True

    # --- writes

    def are_kept(self, job_id: int) -> bool:
        """Whether anything of a job is kept, or being read: then it must be told of what is written."""
        return job_id in self._kept or job_id in self._readings

    def events_written(self, job_id: int, events: pa.Table, documents: pa.Table) -> None:
        """Take in versions of events that were set or taken back.

        Args:
            job_id: The job.
            events: Has the columns of `CODED`.
            documents: Their documents' columns, as the job's table has them.
        """
        if not events.num_rows:
            return
        kept, reading = self._kept.get(job_id), self._readings.get(job_id)
        if reading is not None:
            reading.is_spoiled |= bool((events["sign"].to_numpy() < 0).any())
            reading.events.append((len(reading.kept.rows), events, documents))
        if kept is None:
            return
        size = kept.rows.nbytes
        with kept.lock:
            kept.rows.append(events, {name: path.values.numbers(documents) for name, path in kept.paths.items()})
            _take_together(kept.rows, kept.paths)
        self._drop_too_many(job_id, kept)
        if kept.rows.taken_back > self.worth_keeping + len(kept.rows) // _WORN:
            self._kept.pop(job_id, None)
        elif kept.rows.nbytes > size:
            self._make_room()

    def unmarked(self, job_id: int, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Those of the subjects that are not told apart here; none where nothing is kept of the job."""
        kept, reading = self._kept.get(job_id), self._readings.get(job_id)
        if kept is not None:
            with kept.lock:
                return kept.rows.unmarked(keys)
        return keys if reading is not None else keys[:0]

    def mark(
        self, job_id: int, keys: NDArray[np.uint64], subject_keys: NDArray[np.uint64], versions: NDArray[np.uint64]
    ) -> None:
        """Take in that subjects have states of their own from now on: see `CodedRows.mark`."""
        kept, reading = self._kept.get(job_id), self._readings.get(job_id)
        if kept is not None:
            with kept.lock:
                kept.rows.mark(keys, subject_keys, versions)
        elif reading is not None:
            reading.marks.append((keys, subject_keys, versions))


def _take_together(rows: CodedRows, paths: dict[str, _Path]) -> None:
    """Take texts together that differ in digits alone, at paths where there are too many values."""
    for name, path in paths.items():
        if path.values.are_too_many and not path.values.are_without_digits:
            values, places = path.values.without_digits()
            rows.renumber(name, places)
            paths[name] = _Path(values)
