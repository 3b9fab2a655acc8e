"""Events in the ledger: versions written, and what stands of an event read back."""

from __future__ import annotations

import threading
from collections.abc import Sequence  # noqa: TC003 - msgspec resolves it at run time
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from trueline.instants import to_micros
from trueline.ledger.columns import MOMENT, repeated
from trueline.ledger.lookup import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from trueline.ledger.engine import Engine
    from trueline.ledger.kept import KeptCounts
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
    document: str
    """Its searchable form, see `trueline.ledger.documents`; empty in a version read back."""
    objects: Sequence[str]
    decisions: list[Decision] = []
    """All ever made, in order of (decided_at, recorded_at): the last is in force."""
    consensus: str = ""
    """Of the votes in its first line, in a job grouped by event: a label, Undecided, or empty."""
    consensus_changed_at: int = 0
    consensus_computed_at: int = 0


_COLUMNS: dict[str, pa.DataType] = {
    "job_id": pa.uint64(),
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
    "document": pa.string(),
    "objects": pa.list_(pa.string()),
    "raw_body": pa.binary(),
}

SENT = pa.schema(
    (name, _COLUMNS[name])
    for name in (
        *("event_id", "event_key", "ts", "subject_key", "bucket_id", "raw_body", "document", "objects"),
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
# a fraction of what it costs to read them back, and most often none was
_ANY_SEEN = f"SELECT 1 FROM events WHERE job_id = {{job:UInt64}} AND event_key IN {KEYS} LIMIT 1"
_READ_BACK = ", ".join(name for name in _COLUMNS if name not in {"job_id", "sign", "document"})


class EventTable:
    """The table of events of one store."""

    def __init__(self, engine: Engine, lookup: KeyLookup, kept: KeptCounts) -> None:
        self._engine = engine
        self._lookup = lookup
        self._kept = kept
        self._replacing = threading.Lock()

    def standing(self, job_id: int, keys: Keys) -> dict[int, EventVersion]:
        """What stands of the events with these keys; those never seen are left out."""
        if not len(keys) or not self._lookup.rows(_ANY_SEEN, job_id, keys):
            return {}
        rows = self._lookup.rows(
            f"SELECT {_READ_BACK} FROM events WHERE job_id = {{job:UInt64}} AND event_key IN {KEYS}"
            f" GROUP BY {_READ_BACK} HAVING sum(sign) > 0",
            job_id,
            keys,
        )
        return {row[1]: _read(row) for row in rows}

    def as_sent(self, job_id: int, event_key: int) -> tuple[str, datetime, bytes] | None:
        """The id, the first arrival and the document of the event with this key; None: never seen."""
        rows = self._engine.rows(
            "SELECT event_id, arrived_at, raw_body FROM events WHERE job_id = {job:UInt64} AND event_key = {key:UInt64}"
            " GROUP BY event_id, arrived_at, raw_body, version HAVING sum(sign) > 0",
            {"job": job_id, "key": event_key},
        )
        return (rows[0][0], rows[0][1], _as_bytes(rows[0][2])) if rows else None

    def subjects(self, job_id: int, keys: Sequence[int]) -> dict[int, tuple[str, int]]:
        """The id and the subject's key of the events with these keys; those never seen are left out."""
        if not keys:
            return {}
        rows = self._lookup.rows(
            f"SELECT event_key, event_id, subject_key FROM events WHERE job_id = {{job:UInt64}} AND event_key IN {KEYS}"
            " GROUP BY event_key, event_id, subject_key, version HAVING sum(sign) > 0",
            job_id,
            keys,
        )
        return {row[0]: (row[1], row[2]) for row in rows}

    def known_buckets(self, job_id: int, keys: Sequence[int]) -> set[int]:
        """Those of the subject keys that an event is in now, or that votes are on record for.

        What an event was in once cannot be told: a version taken back is gone with the next merge.
        """
        if not keys:
            return set()
        rows = self._lookup.rows(
            f"SELECT subject_key FROM events WHERE job_id = {{job:UInt64}} AND subject_key IN {KEYS}"
            " GROUP BY subject_key HAVING sum(sign) > 0"
            f" UNION ALL SELECT subject_key FROM votes WHERE job_id = {{job:UInt64}} AND subject_key IN {KEYS}",
            job_id,
            keys,
        )
        return {row[0] for row in rows}

    def write(
        self, job_id: int, fresh: Sequence[EventVersion], replacing: Sequence[tuple[EventVersion, EventVersion]]
    ) -> None:
        """Write events never seen before, and of others what stands and the version that replaces it.

        Durable when it returns. Each event is in wholly or not at all: a version is set and the one before
        it taken back by one and the same insert.
        """
        if fresh:
            self._add(job_id, _table(job_id, fresh))
        if replacing:
            before, now = zip(*replacing, strict=True)
            self._replace(job_id, now)
            self._kept.events_replaced(job_id, before, now)

    def write_first(self, job_id: int, sent: pa.Table, weighed: pa.Table, arrivals: range) -> None:
        """Write events never seen before, as `write` does, without a turn of Python for each.

        Args:
            job_id: The job.
            sent: Has the columns of `SENT`.
            weighed: Has the columns of `WEIGHED`, row for row.
            arrivals: One for each.
        """
        size = sent.num_rows
        arrived = pa.array(arrivals, MOMENT)
        columns = {name: sent[name] for name in SENT.names} | {name: weighed[name] for name in WEIGHED.names}
        columns |= {name: pc.coalesce(sent[name], arrived) for name in ("ts", "decided_at")}
        columns |= dict.fromkeys(("arrived_at", "decision_recorded_at"), arrived)
        columns["version"] = _column("version", arrivals)
        columns["previous_decision"] = repeated("", _COLUMNS["previous_decision"], size)
        columns |= {name: _empty_lists(name, size) for name in _OTHER}
        self._add(job_id, _with_constants(job_id, size, columns))

    def _add(self, job_id: int, rows: pa.Table) -> None:
        self._engine.insert("events", rows)
        self._kept.events_written(job_id, rows)

    def _replace(self, job_id: int, versions: Sequence[EventVersion]) -> None:
        names = ", ".join(_COLUMNS)
        taken_back = ", ".join("toInt8(-1)" if name == "sign" else name for name in _COLUMNS)
        with self._replacing:
            self._engine.command("TRUNCATE TABLE incoming_events")
            self._engine.insert("incoming_events", _table(job_id, versions))
            self._engine.insert_select(
                f"INSERT INTO events ({names}) SELECT {names} FROM incoming_events"
                f" UNION ALL SELECT {taken_back} FROM events WHERE job_id = {{job:UInt64}} AND sign = 1"
                " AND (event_key, version) IN (SELECT event_key, version FROM events"
                " WHERE job_id = {job:UInt64} AND event_key IN (SELECT event_key FROM incoming_events)"
                " GROUP BY event_key, version HAVING sum(sign) > 0)",
                {"job": job_id},
            )


def _column(name: str, values: Iterable[Any]) -> pa.Array:
    return pa.array(values if isinstance(values, list) else list(values), _COLUMNS[name])


def _with_constants(job_id: int, size: int, columns: dict[str, pa.Array]) -> pa.Table:
    columns["job_id"] = repeated(job_id, pa.uint64(), size)
    columns["sign"] = repeated(1, pa.int8(), size)
    return pa.table({name: columns[name] for name in _COLUMNS})


def _table(job_id: int, versions: Sequence[EventVersion]) -> pa.Table:
    size = len(versions)
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
    if not any(version.objects for version in versions):
        columns["objects"] = _empty_lists("objects", size)
    for name in _COLUMNS:
        if name not in columns and name not in {"job_id", "sign"}:
            columns[name] = _column(name, [getattr(version, name) for version in versions])
    return _with_constants(job_id, size, columns)


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


def _read(row: Sequence[Any]) -> EventVersion:
    names = _READ_BACK.split(", ")
    value = dict(zip(names, row, strict=True))

    def micros(moment: datetime) -> int:
        return to_micros(moment)

    others = [
        Decision(label, confidence, model_id, outlier, micros(decided_at), micros(recorded_at))
        for label, confidence, model_id, outlier, decided_at, recorded_at in zip(
            *(value[name] for name in _OTHER), strict=True
        )
    ]
    in_force = Decision(
        value["decision"],
        value["confidence"],
        value["model_id"],
        value["outlier"],
        micros(value["decided_at"]),
        micros(value["decision_recorded_at"]),
    )
    return EventVersion(
        event_id=value["event_id"],
        event_key=value["event_key"],
        ts=micros(value["ts"]),
        version=value["version"],
        subject_key=value["subject_key"],
        bucket_id=value["bucket_id"],
        arrived_at=micros(value["arrived_at"]),
        raw_body=_as_bytes(value["raw_body"]),
        document="",
        objects=value["objects"],
        decisions=[*others, in_force] if in_force.label else [],
        consensus=value["consensus"],
        consensus_changed_at=micros(value["consensus_changed_at"]),
        consensus_computed_at=micros(value["consensus_computed_at"]),
    )


def _as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
