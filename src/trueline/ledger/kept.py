"""Counts kept in memory beside the ledger, one tally a job, in step with what is written.

A tally is made from the ledger at the first question, while its job is held, and then told of every write before that
is acknowledged. When a write fails, nobody knows what of it is there: the tally is dropped and made again. So it
never says anything but what a recount would; the tests hold it against one after every kind of write.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trueline.ledger.engine import READ_ONCE
from trueline.ledger.kept_columns import KeptColumns
from trueline.ledger.kept_reviews import KeptReviews, bands
from trueline.ledger.lookup import KEYS
from trueline.metrics import tally as tallies
from trueline.metrics.coded_rows import CODED
from trueline.metrics.hours import HOUR, HOURS_BEFORE_1970, Window
from trueline.metrics.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from trueline.ledger.column_reading import Reading
    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.lookup import KeyLookup
    from trueline.ledger.population import Population
    from trueline.metrics.coded_rows import Moment
    from trueline.metrics.consensus import Consensus
    from trueline.metrics.selected_rows import SelectedRows

_HOURS = f"""
SELECT intDiv(toUnixTimestamp64Micro(ts) + {HOURS_BEFORE_1970} * {HOUR}, {HOUR}) AS since_1900,
       toInt64(since_1900) - {HOURS_BEFORE_1970} AS hour, toString(outcome) AS outcome,
       sum(sign) AS events, toInt64(countIf(sign < 0)) AS taken_back,
       toUnixTimestamp64Micro(min(ts)) AS first, toUnixTimestamp64Micro(max(ts)) AS last
FROM {{events}} GROUP BY since_1900, outcome"""

_EVENTS = f"""
SELECT subject_key, toUnixTimestamp64Micro(ts) AS ts, toString(outcome) AS outcome,
       toUnixTimestamp64Micro(consensus_changed_at) AS consensus_changed_at, bucket_id, sign
FROM {{events}} WHERE subject_key IN {KEYS}"""

# the moments are found by subject, and the rest by moment
_VERSIONS = f"""
SELECT subject_key, version FROM {{events}}
WHERE ts IN (SELECT ts FROM {{events}} WHERE subject_key IN {KEYS}) AND subject_key IN {KEYS}"""

_CONSENSUS = """
SELECT subject_key, toString(argMax(consensus, version)) AS label,
       toUnixTimestamp64Micro(argMax(changed_at, version)) AS changed_at
FROM consensus WHERE job_id = {job:UInt64} GROUP BY subject_key"""

_LEARNED = """
SELECT subject_key, toString(label) AS label, from_consensus
FROM knowledge_base WHERE job_id = {job:UInt64} AND training = {training:UInt64}"""


_WORTH_SELECTING_ONCE = 4_000_000
"""Rows: more of them are some 50 MB, and are rather selected again."""
_ROWS_AT_ONCE = 500_000
"""Of events whose reviews are read to be kept."""
_ROWS_OF_FIELDS_AT_ONCE = 250_000
"""Of events whose fields are read to be kept: a question that comes meanwhile has one part of them beside it."""


@dataclass(slots=True)
class _Kept:
    tally: Tally
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Asked:
    """A tally in somebody's hands: entered several times a question, so not by a generator, which takes longer."""

    __slots__ = ("_kept", "_training")

    def __init__(self, kept: _Kept, training: int | None) -> None:
        self._kept = kept
        self._training = training

    def __enter__(self) -> Tally | None:
        self._kept.lock.acquire()
        tally = self._kept.tally
        return tally if tally.knows(self._training) else None

    def __exit__(self, *_: object) -> None:
        self._kept.lock.release()


class KeptCounts:
    """The tallies of one store's jobs."""

    def __init__(self, engine: Engine, tables: JobTables, lookup: KeyLookup, filter_memory_bytes: int) -> None:
        self._engine = engine
        self._tables = tables
        self._lookup = lookup
        self._kept: dict[int, _Kept] = {}
        self.reviews = KeptReviews(engine, tables, lookup, self._mark_columns)
        """What the report counts of the jobs."""
        self.columns = KeptColumns(engine, tables, filter_memory_bytes)
        """What filters asked for of their documents."""
        self._selected: tuple[tuple[int, int, str], SelectedRows | None] | None = None
        self._changes: dict[int, int] = {}
        self._writes: dict[int, int] = {}
        self._numbers = itertools.count(1)

    def changes(self, job_id: int) -> int:
        """A number that is another one after every change of what was counted before, and odd while one is made.

        Whoever puts an answer together from a tally and the ledger asks for it before and after: see `changing`.
        """
        return self._changes.get(job_id, 0)

    def writes(self, job_id: int) -> int:
        """A number that is another one after every write of a job, before that is acknowledged, and never the same."""
        return self._writes.get(job_id, 0)

    def written(self, job_id: int) -> None:
        """Say that something of a job was written."""
        self._writes[job_id] = next(self._numbers)

    @contextlib.contextmanager
    def changing(self, job_id: int) -> Iterator[None]:
        """Say that what was counted before is being changed, in the ledger first and then in the tally."""
        self._changes[job_id] = self.changes(job_id) + 1
        try:
            yield
        except BaseException:
            self.forget(job_id)  # before anybody takes it to be in step again
            raise
        finally:
            self._changes[job_id] += 1

    def tally(self, job_id: int, training: int | None) -> AbstractContextManager[Tally | None]:
        """A job's tally for as long as a question takes; None where there is none that knows the training."""
        kept = self._kept.get(job_id)
        return contextlib.nullcontext() if kept is None else _Asked(kept, training)

    def is_ready(self, job_id: int, training: int | None) -> bool:
        """Whether there is a tally that can tell the states against a training."""
        with self.tally(job_id, training) as tally:
            return tally is not None

    def make_ready(self, job_id: int, training: int | None) -> None:
        """Make the tally that `is_ready` asks for, out of the ledger. The job must be held."""
        kept = self._kept.get(job_id)
        job = {"job": job_id}
        if kept is None:
            hours = self._engine.table(_HOURS.replace("{events}", self._tables.of(job_id).name), settings=READ_ONCE)
            kept = _Kept(Tally(hours.select(tallies.HOURS.names).cast(tallies.HOURS)))
            consensus = self._engine.table(_CONSENSUS, job).cast(tallies.CONSENSUS)
            self._mark(job_id, kept, consensus["subject_key"])
            kept.tally.set_consensus(consensus)
        if training is not None and not kept.tally.knows(training):
            learned = self._engine.table(_LEARNED, {**job, "training": training}).cast(tallies.LEARNED)
            self._mark(job_id, kept, learned["subject_key"])
            with kept.lock:
                kept.tally.learn(training, learned)
        self._kept[job_id] = kept

    def make_reviews_ready(self, job_id: int, *, by_bucket: bool, in_parts: bool = False) -> None:
        """Make what is kept of a job's reviews; also of parts of all time. The job must be held."""
        self.make_ready(job_id, None)
        with self.tally(job_id, None) as tally:
            parts = tally.divided(Window(), _ROWS_AT_ONCE) if in_parts and tally is not None else []
        self.reviews.make_ready(job_id, by_bucket=by_bucket, parts=parts)

    def begin_columns(self, job_id: int, until: int, *, by_bucket: bool) -> Reading | None:
        """Begin to read what filters wished for, as `KeptColumns.begin` does. The job must be held."""
        with self.tally(job_id, None) as tally:
            if tally is None:
                return None
            parts, events = tally.divided(Window(), _ROWS_OF_FIELDS_AT_ONCE), tally.events
        reading = self.columns.begin(job_id, until, events, self._marked(job_id), by_bucket=by_bucket)
        if reading is not None:
            reading.parts = parts
        return reading

    def selected(self, population: Population) -> SelectedRows | None:
        """As `KeptColumns.selected`."""
        return self.columns.selected(population, self.events(population.job_id))

    def selected_again(self, population: Population) -> SelectedRows | None:
        """The same for several questions about the same events, one right after the other."""
        asked = self.writes(population.job_id), self.changes(population.job_id), repr(population)
        before = self._selected
        if before is not None and before[0] == asked:
            return before[1]
        selected = self.selected(population)
        few = selected is not None and len(selected) <= _WORTH_SELECTING_ONCE
        self._selected = (asked, selected) if few else None
        return selected

    def moments(self, population: Population, subjects: Iterable[int]) -> list[Moment] | None:
        """As `KeptColumns.moments`."""
        return self.columns.moments(population, subjects, self.events(population.job_id))

    def events(self, job_id: int) -> int:
        """How many events a job has, decided or not; 0 where it has no tally."""
        with self.tally(job_id, None) as tally:
            return 0 if tally is None else tally.events

    def _marked(self, job_id: int) -> NDArray[np.uint64]:
        """The keys of the subjects that have states of their own."""
        with self.tally(job_id, None) as tally:
            marked = np.empty(0, np.uint64) if tally is None else tally.marked
        return np.union1d(marked, self.reviews.marked(job_id))

    def _mark(self, job_id: int, kept: _Kept, subjects: pa.ChunkedArray) -> None:
        keys = kept.tally.unmarked(subjects.to_numpy())
        if len(keys):
            named = _EVENTS.replace("{events}", self._tables.of(job_id).name)
            events = self._lookup.table(named, pa.array(keys)).cast(tallies.EVENTS)
            with kept.lock:
                kept.tally.mark(keys, events)
            self._mark_columns(job_id, keys)

    def _mark_columns(self, job_id: int, keys: NDArray[np.uint64]) -> None:
        keys = self.columns.unmarked(job_id, keys)
        if not len(keys):
            return
        subject_keys = versions = keys[:0]
        if self.columns.finds_by_version(job_id):
            events = self._lookup.table(_VERSIONS.replace("{events}", self._tables.of(job_id).name), pa.array(keys))
            subject_keys, versions = events["subject_key"].to_numpy(), events["version"].to_numpy()
        self.columns.mark(job_id, (keys, subject_keys, versions))

    def forget(self, job_id: int) -> None:
        """Drop a job's tally, as when a write has failed."""
        self.written(job_id)
        self._kept.pop(job_id, None)
        self.reviews.forget(job_id)
        self.columns.forget(job_id)

    def forget_for_good(self, job_id: int) -> None:
        """Drop all that is kept of a job that is no more."""
        self.forget(job_id)
        self.columns.forget_for_good(job_id)
        self._changes.pop(job_id, None)

    def events_written(self, job_id: int, rows: pa.Table, documents: pa.Table) -> None:
        """Count versions of events that were set or taken back.

        Args:
            job_id: The job.
            rows: As rows of the table of events, without the columns of documents.
            documents: Those, row for row.
        """
        self.reviews.events_written(job_id, rows)
        kept = self._kept.get(job_id)
        if kept is None:
            self.written(job_id)
            return
        columns = {name: rows[name] for name in ("version", "subject_key", "bucket_id", "sign")}
        columns |= {name: rows[name].cast(pa.int64()) for name in ("ts", "consensus_changed_at")}
        columns["outcome"] = pc.binary_join_element_wise(rows["decision"], rows["consensus"], "\0")
        events = pa.table({name: columns[name] for name in tallies.EVENTS.names}, tallies.EVENTS)
        if self.columns.are_kept(job_id):
            columns["band"] = bands(rows["confidence"])
            coded = pa.table({name: columns[name] for name in CODED.names}, CODED)
            self.columns.events_written(job_id, coded, documents)
        with kept.lock:
            kept.tally.add(events)
        self.written(job_id)  # when all that is kept has it: who asks from now on is answered with it

    def consensus_written(self, job_id: int, derived: Mapping[int, Consensus]) -> None:
        """Take in what subjects came to."""
        self.written(job_id)
        consensus = pa.table(
            {
                "subject_key": list(derived),
                "label": [each.label or "" for each in derived.values()],
                "changed_at": [each.changed_at for each in derived.values()],
            },
            tallies.CONSENSUS,
        )
        self.reviews.consensus_written(job_id, consensus["subject_key"], consensus["label"])
        kept = self._kept.get(job_id)
        if kept is None:
            return
        self._mark(job_id, kept, consensus["subject_key"])
        with kept.lock:
            kept.tally.set_consensus(consensus)

    def votes_written(self, job_id: int, given: pa.Table) -> None:
        """Take in votes, with the columns of `votes.GIVEN`; what subjects came to is told apart."""
        self.written(job_id)
        self.reviews.votes_written(job_id, given)

    def draws_written(self, job_id: int) -> None:
        """Take in that subjects were drawn for an audit."""
        self.written(job_id)
        self.reviews.draws_written(job_id)
