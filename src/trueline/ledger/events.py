"""Events in the ledger: versions written, and what stands of an event read back."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from trueline.instants import to_micros
from trueline.ledger.columns import MOMENT, beside, in_microseconds, repeated
from trueline.ledger.lookup import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.kept import KeptCounts
    from trueline.ledger.known_keys import KnownKeys
    from trueline.ledger.lookup import KeyLookup, Keys


class Decision(msgspec.Struct, frozen=True, gc=False):
    """One decision made on an event."""

    label: str
    confidence: float | None
    """Percent, 0 to 100."""
    model_id: str
    """Empty where it was not said which model decided."""
    outlier: bool | None
    decided_at: int
    """Microseconds since 1970."""
    recorded_at: int
    """Arrival, microseconds since 1970; unique within a job."""


class EventVersion(msgspec.Struct, gc=False):
    """One version of an event: all there is to know of it but the votes of a later day. Times in microseconds."""

    event_id: str
    event_key: int
    ts: int
    version: int
    subject_key: int
    bucket_id: str
    arrived_at: int
    raw_body: bytes
    document: int
    """The row of its document in a table that goes with it: see `EventTable.write` and `Standing`."""
    decisions: list[Decision] = []
    """All ever made, in order of (decided_at, recorded_at): the last is in force."""
    consensus: str = ""
    """Of the votes in its first line, in a job grouped by event: a label, Undecided, or empty."""
    consensus_changed_at: int = 0
    consensus_computed_at: int = 0

    def is_sent_as(self, other: EventVersion) -> bool:
        """Whether both say the same of when the event happened, of its bucket and its document."""
        return (self.ts, self.subject_key, self.bucket_id, self.raw_body) == (
            other.ts,
            other.subject_key,
            other.bucket_id,
            other.raw_body,
        )


_COLUMNS: dict[str, pa.DataType] = {
    "ts": MOMENT,
    "event_key": pa.uint64(),
    "version": pa.uint64(),
    "sign": pa.int8(),
    "event_id": pa.string(),
    "subject_key": pa.uint64(),
    "bucket_id": pa.string(),
    "arrived_at": MOMENT,
    "decision": pa.string(),
    "confidence": pa.float64(),
    "model_id": pa.string(),
    "outlier": pa.bool_(),
    "decided_at": MOMENT,
    "decision_recorded_at": MOMENT,
    "previous_decision": pa.string(),
    "other_label": pa.list_(pa.string()),
    "other_confidence": pa.list_(pa.float64()),
    "other_model_id": pa.list_(pa.string()),
    "other_outlier": pa.list_(pa.bool_()),
    "other_decided_at": pa.list_(MOMENT),
    "other_recorded_at": pa.list_(MOMENT),
    "consensus": pa.string(),
    "consensus_changed_at": MOMENT,
    "consensus_computed_at": MOMENT,
    "raw_body": pa.binary(),
}

STORED: Final = tuple(_COLUMNS)
"""The columns that every job's table of events has beside `other_paths` and those of documents."""

DECISIONS: Final = Decision.__struct_fields__
"""What a decision has; `other_` and its name is the column of all decisions that are not in force."""

SENT = pa.schema(
    (name, _COLUMNS[name])
    for name in (
        *("event_id", "event_key", "ts", "subject_key", "bucket_id", "raw_body"),
        *("decision", "confidence", "model_id", "outlier", "decided_at"),
    )
)
"""Events as they were sent, column by column, each with at most one decision.

Names and meaning are those of `EventVersion` and `Decision`; `decision` is a label, empty where none was sent.
A `ts` or `decided_at` that is null is the arrival.
"""

WEIGHED = pa.schema((name, _COLUMNS[name]) for name in ("consensus", "consensus_changed_at", "consensus_computed_at"))
"""The consensus of events from the votes they came with, column by column: as in `EventVersion`."""

_OTHER = [name for name in _COLUMNS if name.startswith("other_")]
_NONE_MADE = Decision("", None, "", None, 0, 0)
_IN_MICROSECONDS = pa.schema([(name, in_microseconds(kind)) for name, kind in _COLUMNS.items()])


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands of some events."""

    versions: dict[int, EventVersion]
    """By event key; `document` is the row in `rows`."""
    rows: pa.Table
    """Their rows as they are stored, whole."""

    @property
    def documents(self) -> pa.Table:
        """The columns of their documents."""
        return _documents_of(self.rows)


class EventTable:
    """The table of events of one store."""

    def __init__(
        self, engine: Engine, tables: JobTables, lookup: KeyLookup, kept: KeptCounts, known: KnownKeys
    ) -> None:
        self._engine = engine
        self._tables = tables
        self._lookup = lookup
        self._kept = kept
        self._known = known

    def standing(self, job_id: int, keys: Keys) -> Standing:
        """What stands of the events with these keys; those never seen are left out. The job must be held."""
        name = self._tables.of(job_id).name
        keys = self._known.maybe(job_id, keys)
        # a fraction of what it costs to read them back, and most often none was
        if not self._lookup.rows(f"SELECT 1 FROM {name} WHERE event_key IN {KEYS} LIMIT 1", keys):
            return Standing({}, pa.table({}))
        rows = self._lookup.table(f"SELECT * FROM {name} WHERE event_key IN {KEYS}", keys)
        signs: dict[tuple[int, int], int] = {}
        versions = list(zip(rows["event_key"].to_pylist(), rows["version"].to_pylist(), strict=True))
        for version, sign in zip(versions, rows["sign"].to_pylist(), strict=True):
            signs[version] = signs.get(version, 0) + sign
        standing = {version: row for row, version in enumerate(versions) if signs[version] > 0}
        rows = rows.take(pa.array(list(standing.values()), pa.int64()))
        read = _versions(rows.select(_COLUMNS.keys()).cast(_IN_MICROSECONDS).to_pylist())
        return Standing({version.event_key: version for version in read}, rows)

    def as_sent(self, job_id: int, event_key: int) -> tuple[str, datetime, bytes] | None:
        """The id, the first arrival and the document of the event with this key; None: never seen."""
        rows = self._engine.rows(
            f"SELECT event_id, arrived_at, raw_body FROM {self._tables.of(job_id).name}"
            " WHERE event_key = {key:UInt64} GROUP BY event_id, arrived_at, raw_body, version HAVING sum(sign) > 0",
            {"key": event_key},
        )
        return (rows[0][0], rows[0][1], as_bytes(rows[0][2])) if rows else None

    def subjects(self, job_id: int, keys: Sequence[int]) -> dict[int, tuple[str, int]]:
        """The id and the subject's key of the events with these keys; those never seen are left out."""
        rows = self._lookup.rows(
            f"SELECT event_key, event_id, subject_key FROM {self._tables.of(job_id).name} WHERE event_key IN {KEYS}"
            " GROUP BY event_key, event_id, subject_key, version HAVING sum(sign) > 0",
            keys,
        )
        return {row[0]: (row[1], row[2]) for row in rows}

    def known_buckets(self, job_id: int, keys: Sequence[int]) -> set[int]:
        """Those of the subject keys that an event is in now, or that votes are on record for.

        What an event was in once cannot be told: a version taken back is gone with the next merge.
        """
        rows = self._lookup.rows(
            f"SELECT subject_key FROM {self._tables.of(job_id).name} WHERE subject_key IN {KEYS}"
            " GROUP BY subject_key HAVING sum(sign) > 0"
            f" UNION ALL SELECT subject_key FROM votes WHERE job_id = {{job:UInt64}} AND subject_key IN {KEYS}",
            keys,
            job=job_id,
        )
        return {row[0] for row in rows}

    def last_arrival(self) -> int:
        """The latest arrival of an event or a decision of the store, microseconds; 0 where there is none.

        Also one of a version that was never written, since that write was cut short.
        """
        latest = 0
        for name in self._tables.names():
            ((version, decision),) = self._engine.rows(f"SELECT max(version), max(decision_recorded_at) FROM {name}")
            latest = max(latest, int(version), to_micros(decision))
        for name in self._tables.names_of_replaced():
            ((replaced_at,),) = self._engine.rows(f"SELECT max(replaced_at) FROM {name}")
            latest = max(latest, to_micros(replaced_at))
        return latest

    def write(
        self,
        job_id: int,
        fresh: Sequence[EventVersion],
        replacing: Sequence[EventVersion],
        documents: pa.Table,
        standing: Standing,
    ) -> None:
        """Write events never seen before, and versions that replace what stands of others.

        Durable when it returns. Each event is in wholly or not at all: a version is set and the one before
        it taken back by one and the same insert. Before that, what is sent otherwise is kept as it was: a write
        that is cut short between the two has kept once too often what still stands, which `as_of` allows for.

        Args:
            job_id: The job, which must be held.
            fresh: Events never seen before.
            replacing: Versions of events that are among `standing`.
            documents: Of both, as `trueline.ledger.documents.laid_out` gives them; `document` is the row.
            standing: Has what `replacing` takes the place of.
        """
        now = [*fresh, *replacing]
        if not now:
            return
        mine = documents.take(pa.array([version.document for version in now], pa.int64()))
        written = beside(_table(now), self._tables.placed(job_id, mine))
        before = [standing.versions[version.event_key] for version in replacing]
        if before:
            written = pa.concat_tables([_taken_back(standing, before), written], promote_options="permissive")
        with self._kept.changing(job_id) if before else contextlib.nullcontext():
            self._keep(job_id, replacing, standing)
            self._insert(job_id, written)
            rows = _table([*before, *now], [-1] * len(before) + [1] * len(now))
            self._kept.events_written(job_id, rows, _documents_of(written))

    def _keep(self, job_id: int, replacing: Sequence[EventVersion], standing: Standing) -> None:
        """Keep what others are about to replace, for those who ask what was known before."""
        pairs = [(standing.versions[version.event_key], version) for version in replacing]
        gone = [(before, now) for before, now in pairs if not now.is_sent_as(before)]
        if not gone:
            return
        rows = standing.rows.take(pa.array([before.document for before, _ in gone], pa.int64()))
        rows = rows.drop_columns(["sign"]).append_column("sign", repeated(1, pa.int8(), len(gone)))
        rows = rows.append_column("replaced_at", pa.array([now.version for _, now in gone], MOMENT))
        self._engine.insert(self._tables.keeping_replaced(job_id), rows.combine_chunks())

    def write_first(self, job_id: int, sent: pa.Table, weighed: pa.Table, arrivals: range, documents: pa.Table) -> None:
        """Write events never seen before, as `write` does, without a turn of Python for each.

        Args:
            job_id: The job, which must be held.
            sent: Has the columns of `SENT`.
            weighed: Has the columns of `WEIGHED`, row for row.
            arrivals: One for each.
            documents: As `trueline.ledger.documents.laid_out` gives them, row for row.
        """
        size = sent.num_rows
        arrived = pa.array(arrivals, MOMENT)
        columns = {name: sent[name] for name in SENT.names} | {name: weighed[name] for name in WEIGHED.names}
        columns |= {name: pc.coalesce(sent[name], arrived) for name in ("ts", "decided_at")}
        columns |= dict.fromkeys(("arrived_at", "decision_recorded_at"), arrived)
        columns["version"] = _column("version", arrivals)
        columns["previous_decision"] = repeated("", _COLUMNS["previous_decision"], size)
        columns["sign"] = repeated(1, pa.int8(), size)
        columns |= {name: _empty_lists(name, size) for name in _OTHER}
        rows, placed = pa.table({name: columns[name] for name in _COLUMNS}), self._tables.placed(job_id, documents)
        self._insert(job_id, beside(rows, placed))
        self._kept.events_written(job_id, rows, placed)

    def _insert(self, job_id: int, rows: pa.Table) -> None:
        self._known.written(job_id, rows["event_key"])  # before: a write that fails may have come all the same
        # in one batch: the engine makes a part of each
        self._engine.insert(self._tables.of(job_id).name, rows.combine_chunks())


def _documents_of(rows: pa.Table) -> pa.Table:
    """The columns of documents of rows as they are stored."""
    return rows.select([name for name in rows.column_names if name not in _COLUMNS])


def _taken_back(standing: Standing, versions: Sequence[EventVersion]) -> pa.Table:
    """Rows that take versions back: as they were stored, but for the sign."""
    rows = standing.rows.take(pa.array([version.document for version in versions], pa.int64()))
    return rows.set_column(rows.column_names.index("sign"), "sign", repeated(-1, pa.int8(), len(versions)))


def _column(name: str, values: Iterable[Any]) -> pa.Array:
    return pa.array(values if isinstance(values, list) else list(values), _COLUMNS[name])


def _table(versions: Sequence[EventVersion], signs: list[int] | None = None) -> pa.Table:
    in_force = [version.decisions[-1] if version.decisions else _NONE_MADE for version in versions]
    columns = {
        "decision": _column("decision", [made.label for made in in_force]),
        "decision_recorded_at": _column("decision_recorded_at", [made.recorded_at for made in in_force]),
        "previous_decision": _column(
            "previous_decision",
            [version.decisions[-2].label if len(version.decisions) > 1 else "" for version in versions],
        ),
        **_other_decisions(versions),
    }
    for name in ("confidence", "model_id", "outlier", "decided_at"):
        columns[name] = _column(name, [getattr(made, name) for made in in_force])
    columns["sign"] = _column("sign", [1] * len(versions) if signs is None else signs)
    for name in _COLUMNS:
        if name not in columns:
            columns[name] = _column(name, [getattr(version, name) for version in versions])
    return pa.table({name: columns[name] for name in _COLUMNS})


def _other_decisions(versions: Sequence[EventVersion]) -> dict[str, pa.Array]:
    if all(len(version.decisions) <= 1 for version in versions):
        return {name: _empty_lists(name, len(versions)) for name in _OTHER}
    return {
        name: pa.array(
            [[getattr(made, name.removeprefix("other_")) for made in version.decisions[:-1]] for version in versions],
            _COLUMNS[name],
        )
        for name in _OTHER
    }


def _empty_lists(name: str, size: int) -> pa.Array:
    offsets = repeated(0, pa.int32(), size + 1)
    return pa.ListArray.from_arrays(offsets, pa.array([], _COLUMNS[name].value_type))


def _versions(rows: list[dict[str, Any]]) -> list[EventVersion]:
    """Rows of the table, moments as integers, as the versions that they are; `document` is their place."""
    return [_version(row, place) for place, row in enumerate(rows)]


def _version(row: dict[str, Any], place: int) -> EventVersion:
    others = [Decision(*each) for each in zip(*(row[name] for name in _OTHER), strict=True)]
    in_force = Decision(
        row["decision"],
        row["confidence"],
        row["model_id"],
        row["outlier"],
        row["decided_at"],
        row["decision_recorded_at"],
    )
    return EventVersion(
        event_id=row["event_id"],
        event_key=row["event_key"],
        ts=row["ts"],
        version=row["version"],
        subject_key=row["subject_key"],
        bucket_id=row["bucket_id"],
        arrived_at=row["arrived_at"],
        raw_body=row["raw_body"],
        document=place,
        decisions=[*others, in_force] if in_force.label else [],
        consensus=row["consensus"],
        consensus_changed_at=row["consensus_changed_at"],
        consensus_computed_at=row["consensus_computed_at"],
    )


def as_bytes(text: str | bytes) -> bytes:
    """A stored document as the bytes it was sent in."""
    return text if isinstance(text, bytes) else text.encode()
