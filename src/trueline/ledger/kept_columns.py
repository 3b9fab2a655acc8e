"""What filters asked for of documents, kept in memory beside the ledger: a few bytes an event and path.

The first filter on a path is answered by the engine. Meanwhile the path is read once, and from then on told of every
write before that is acknowledged, as a tally is: see `kept`. A filter is put to the different values that stand there,
by the engine, and which events pass is told from the number that each has of these; numbers of which hardly two are
alike are compared themselves.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from trueline.filters.fields import own_field
from trueline.ledger import path_numbers
from trueline.ledger.column_reading import KeptJob, Reading, take_together
from trueline.ledger.conditions import ask_for_kinds_alone
from trueline.ledger.document_columns import escaped
from trueline.ledger.path_numbers import PathNumbers
from trueline.ledger.recency import Recency
from trueline.ledger.value_query import ValueQuery
from trueline.metrics.coded_rows import BYTES_A_ROW, CodedRows, Moment
from trueline.metrics.hours import Window
from trueline.metrics.passing import PassingNumbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Set as AbstractSet

    import pyarrow as pa
    from numpy.typing import NDArray

    from trueline.filters.request import Filter
    from trueline.ledger.column_reading import KeptPath, Mark
    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.population import Population
    from trueline.metrics.passing import Passing
    from trueline.metrics.selected_rows import SelectedRows

FILTER_MEMORY_BYTES: Final = 512 * 1024 * 1024
"""For all jobs together, unless a setting says otherwise."""
WORTH_KEEPING: Final = 100_000
"""Events of a job: fewer are filtered by the engine in a few milliseconds."""

_Answer = TypeVar("_Answer")

_PATIENCE: Final = 1.0
"""Seconds that the reading of a part waits while the engine answers questions: about as long as it takes for one."""

_TRIES: Final = 3
_BYTES_A_NUMBER: Final = 2
_ANSWERS_OF_A_PATH: Final = 64
_MOST_MOMENTS: Final = 10_000
"""Of a subject that are told, the latest: more than any question about them names to the engine."""


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
        self._lock = threading.RLock()  # of what all jobs have together; before that of a job, where both are taken
        self._kept: dict[int, KeptJob] = {}
        self._readings: dict[int, Reading] = {}
        self._wishes: dict[int, set[str]] = {}
        self._not_worth: dict[int, set[str]] = {}
        self.recency: Recency[tuple[int, str]] = Recency()
        """Of jobs and paths."""
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
        window = Window(population.start, population.end)
        found = self._asked_of(population, events, lambda rows, at_paths: (rows.now(window), at_paths))
        if found is None:
            return None
        rows, at_paths = found  # of one moment, so that nobody has to wait until it is looked through
        return rows.select(at_paths)

    def moments(self, population: Population, subjects: Iterable[int], events: int) -> list[Moment] | None:
        """When events of such a population happened, of these marked subjects, the latest of each.

        None where that is not kept.

        Raises:
            QueryTimeoutError: a filter took longer than the budget.
        """
        keys, window = np.fromiter(subjects, np.uint64), Window(population.start, population.end)
        return self._asked_of(
            population, events, lambda rows, at_paths: rows.moments(keys, window, at_paths, _MOST_MOMENTS)
        )

    def _asked_of(
        self,
        population: Population,
        events: int,
        question: Callable[[CodedRows, list[tuple[str, Passing]]], _Answer],
    ) -> _Answer | None:
        filters = self._on_documents(population)
        for _ in range(_TRIES):
            kept = self._kept.get(population.job_id)
            asked = self._paths_for(population.job_id, kept, filters, events)
            if kept is None or asked is None:
                return None
            passing = [(each.field, self._passing(asked[each.field], population, each)) for each in filters]
            with kept.lock:  # in which no values come up and none are taken together
                if all(
                    kept.paths.get(each.field) is (path := asked[each.field])
                    and len(which) == len(path.values)
                    and path.values.tell(each)
                    for each, (_, which) in zip(filters, passing, strict=True)
                ):
                    return question(kept.rows, passing)
        return None

    def _on_documents(self, population: Population) -> tuple[Filter, ...]:
        """The filters on paths, where all others are on what events are counted by; else none."""
        filters = tuple(each for each in population.filters if own_field(each.field) is None)
        others = tuple(each for each in population.filters if own_field(each.field) is not None)
        return filters if population.hours is None and ask_for_kinds_alone(others) else ()

    def _paths_for(
        self, job_id: int, kept: KeptJob | None, filters: tuple[Filter, ...], events: int
    ) -> dict[str, KeptPath] | None:
        """The paths that filters ask for; None where not all of them are kept, or do not tell what passes."""
        if not filters or not self._memory_bytes:
            return None
        known = {} if kept is None else dict(kept.paths)
        paths = {each.field: known[each.field] for each in filters if each.field in known}
        missing = {each.field for each in filters} - paths.keys()
        if missing:
            if events >= self.worth_keeping:
                self._wish(job_id, missing)
            return None
        for path in paths:
            self.recency.ask((job_id, path))
        return paths if all(paths[each.field].values.tell(each) for each in filters) else None

    def _wish(self, job_id: int, paths: set[str]) -> None:
        columns = self._tables.of(job_id).paths
        wanted = self.wanted
        with self._lock:
            paths = {
                path
                for path in paths - self._not_worth.get(job_id, set())
                if escaped(path) in columns and not self.recency.is_put_off((job_id, path))
            }
            if not paths or self._is_closing:
                return
            self._wishes.setdefault(job_id, set()).update(paths)
        if wanted is not None:
            wanted(job_id)

    def _passing(self, path: KeptPath, population: Population, each: Filter) -> Passing:
        """Which rows pass a filter on their path."""
        if isinstance(path.values, PathNumbers):
            return path_numbers.passing(each)
        if path_numbers.are_told(each) and (doubles := path.values.doubles) is not None:
            return PassingNumbers(path_numbers.passing(each).met(doubles))
        # written out, since True, 1 and 1.0 are one to a dictionary and three to a filter
        asked = repr(each)
        known = path.passing.get(asked)
        begin, size = 0 if known is None else len(known), len(path.values)
        if known is None or begin < size:
            more = self._query.passing(each, population.shape, path.values, range(begin, size))
            known = PassingNumbers(more if known is None else np.concatenate([known.passing, more]))
            if len(path.passing) >= _ANSWERS_OF_A_PATH:
                path.passing.clear()
            path.passing[asked] = known
        return known

    # --- what is kept

    def begin(
        self, job_id: int, until: int, events: int, marked: NDArray[np.uint64], *, by_bucket: bool
    ) -> Reading | None:
        """Begin to read what was wished for of a job; None where there is nothing. The job must be held until then.

        Args:
            job_id: The job.
            until: The latest arrival of what is written of it.
            events: How many it has.
            marked: The keys of the subjects that have states of their own.
            by_bucket: Whether a subject is a bucket.
        """
        with self._lock:
            kept = self._kept.get(job_id)
            wished = self._wishes.pop(job_id, set()).difference(kept.paths if kept is not None else ())
            free = self._memory_bytes - self._size() + self._size_of_idle()
            room = free // max(events, 1) - (BYTES_A_ROW if kept is None else 0)
            paths = sorted(wished)[: max(room // _BYTES_A_NUMBER, 0)]
            self._put_off(job_id, wished.difference(paths))
            if not paths or self._is_closing:
                return None
            is_first = kept is None
            if kept is None:
                kept = KeptJob(CodedRows([], marked, by_bucket=by_bucket))
            reading = self._readings[job_id] = Reading(kept, paths, until, room, is_first=is_first)
            return reading

    def read(self, job_id: int, reading: Reading) -> None:
        """Read it, while others may write, and ask: they go before."""
        for part in reading.parts:
            if self._goes_on(reading):
                self._engine.precedence.given(_PATIENCE)
            if not self._goes_on(reading):
                return
            reading.read(self._engine, self._tables.of(job_id), part)
        reading.put_in_order()

    def _goes_on(self, reading: Reading) -> bool:
        return not self._is_closing and not reading.is_given_up and bool(reading.paths)

    def install(self, job_id: int, reading: Reading) -> None:
        """Have questions answered from what was read. The job must be held."""
        with self._lock:
            if self._readings.pop(job_id, None) is not reading:
                return  # forgotten meanwhile
            if self._is_closing or not (reading.is_first or self._kept.get(job_id) is reading.kept):
                reading.leave()
                return
            reading.take_in()
            self._not_worth.setdefault(job_id, set()).update(reading.too_many)
            self._put_off(job_id, reading.too_wide)
            if not reading.paths:
                return
            with reading.kept.lock:
                reading.kept.paths.update(reading.paths)
            self._kept[job_id] = reading.kept
            for path in reading.paths:
                self.recency.ask((job_id, path))
            self._make_room({(job_id, path) for path in reading.paths})

    def give_up(self, job_id: int, reading: Reading) -> None:
        """Leave what could not be read to the engine."""
        with self._lock:
            if self._readings.get(job_id) is reading:
                del self._readings[job_id]
                self._not_worth.setdefault(job_id, set()).update(reading.paths)
                reading.leave()

    def _make_room(self, new: AbstractSet[tuple[int, str]] = frozenset()) -> None:
        """Drop what was not asked for the longest, until the rest is as small as it is to be.

        What is asked for goes after what is new: else two that do not fit beside each other would be read by turns.
        """
        while self._size() > self._memory_bytes:
            held = [(job_id, path) for job_id, kept in self._kept.items() for path in kept.paths]
            asked_for = {each: each not in new and not self.recency.is_idle(each) for each in held}
            job_id, path = min(held, key=lambda each: (asked_for[each], self.recency.last(each)))
            self._drop(job_id, path)
            self._put_off(job_id, {path})

    def _put_off(self, job_id: int, paths: Iterable[str]) -> None:
        self.recency.put_off((job_id, path) for path in paths)

    def _size_of_idle(self) -> int:
        """What is taken by what was not asked for in a while."""
        size = 0
        for job_id, kept in self._kept.items():
            idle = [path for path in kept.paths if self.recency.is_idle((job_id, path))]
            size += sum(kept.rows.nbytes_of(path) + kept.paths[path].values.nbytes for path in idle)
            if len(idle) == len(kept.paths):
                size += kept.rows.nbytes - sum(map(kept.rows.nbytes_of, idle))
        return size

    def _size(self) -> int:
        return sum(
            kept.rows.nbytes + sum(path.values.nbytes for path in kept.paths.values()) for kept in self._kept.values()
        )

    def _drop(self, job_id: int, path: str) -> None:
        kept = self._kept[job_id]
        with kept.lock:
            del kept.paths[path]
            kept.rows.drop(path)
        self.recency.forget((job_id, path))
        if not kept.paths:
            del self._kept[job_id]

    def forget(self, job_id: int) -> None:
        """Drop what is kept of a job, and give up what is being read."""
        with self._lock:
            kept, reading = self._kept.pop(job_id, None), self._readings.pop(job_id, None)
            for path in () if kept is None else kept.paths:
                self.recency.forget((job_id, path))
            if reading is not None:
                reading.is_given_up = True

    def forget_for_good(self, job_id: int) -> None:
        """The same of a job that is no more."""
        with self._lock:
            self.forget(job_id)
            self._wishes.pop(job_id, None)
            self._not_worth.pop(job_id, None)
            self.recency.forget_all(lambda each: each[0] == job_id)

    def close(self) -> None:
        """Have what is being read end soon."""
        with self._lock:
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
        with self._lock:
            kept, reading = self._kept.get(job_id), self._readings.get(job_id)
            if reading is not None:
                reading.events_written(events, documents)
        if kept is None:
            return
        size = kept.rows.nbytes
        with kept.lock:
            kept.rows.append(events, {name: path.values.numbers(documents) for name, path in kept.paths.items()})
            take_together(kept.rows, kept.paths)
            too_many = [name for name, path in kept.paths.items() if path.values.cannot_be_kept]
        gone = kept.rows.taken_back
        is_worn = gone > self.worth_keeping + (len(kept.rows) - 2 * gone) // 2  # worth to be read anew without them
        if too_many or is_worn or kept.rows.nbytes > size:
            with self._lock:
                self._look_after(job_id, kept, too_many, is_worn=is_worn)

    def _look_after(self, job_id: int, kept: KeptJob, too_many: list[str], *, is_worn: bool) -> None:
        if self._kept.get(job_id) is not kept:
            return
        if is_worn:
            self.forget(job_id)
            return
        for path in too_many:
            self._not_worth.setdefault(job_id, set()).add(path)
            self._drop(job_id, path)
        self._make_room()

    def unmarked(self, job_id: int, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Those of the subjects that are not told apart here; none where nothing is kept of the job."""
        kept, reading = self._kept.get(job_id), self._readings.get(job_id)
        if kept is not None:
            with kept.lock:
                return kept.rows.unmarked(keys)
        return keys if reading is not None else keys[:0]

    def finds_by_version(self, job_id: int) -> bool:
        """Whether it takes the versions of subjects' events to mark these."""
        reading = self._readings.get(job_id)
        kept = self._kept.get(job_id) or (None if reading is None else reading.kept)
        return kept is not None and not kept.rows.by_bucket

    def mark(self, job_id: int, mark: Mark) -> None:
        """Take in that subjects have states of their own from now on: see `CodedRows.mark`."""
        with self._lock:
            kept, reading = self._kept.get(job_id), self._readings.get(job_id)
            if kept is None and reading is not None:
                reading.mark(mark)
        if kept is not None:
            with kept.lock:
                kept.rows.mark(*mark)
