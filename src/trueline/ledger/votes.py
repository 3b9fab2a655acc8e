"""Votes in the ledger, and the consensus derived from them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from trueline.instants import to_micros
from trueline.ledger.columns import MOMENT, repeated
from trueline.ledger.lookup import KEYS
from trueline.metrics.consensus import NO_REMARK, Consensus, Remark, Vote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from trueline.ledger.engine import Engine, Row
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.kept import KeptCounts
    from trueline.ledger.lookup import KeyLookup, Keys

_SUBJECTS_AT_ONCE = 50_000


class GivenVote(msgspec.Struct, frozen=True, gc=False):
    """A vote, the subject it is on, and the event it was given on."""

    subject_key: int
    vote: Vote
    event_id: str = ""


GIVEN = pa.schema(
    [
        ("subject_key", pa.uint64()),
        ("recorded_at", MOMENT),
        ("at", MOMENT),
        ("analyst", pa.string()),
        ("label", pa.string()),
        ("override", pa.bool_()),
        ("event_id", pa.string()),
        ("review_probability", pa.float64()),
        ("review_reason", pa.string()),
        ("note", pa.string()),
    ]
)
"""Votes column by column: names and meaning are those of `Vote`, its `Remark`, and `GivenVote`."""


def has_consensus_rows(engine: Engine, job_id: int) -> bool:
    """Whether any subject of a job has a row of consensus: where none has, joins and look-ups can be spared."""
    return bool(engine.rows("SELECT 1 FROM consensus WHERE job_id = {job:UInt64} LIMIT 1", {"job": job_id}))


class VoteTable:
    """The votes of one store and the consensus of their subjects."""

    def __init__(self, engine: Engine, tables: JobTables, lookup: KeyLookup, kept: KeptCounts) -> None:
        self._engine = engine
        self._tables = tables
        self._lookup = lookup
        self._kept = kept

    def append(self, job_id: int, given: Sequence[GivenVote]) -> None:
        """Record votes that arrived in one request, durably and as a whole."""
        if not given:
            return
        columns = {
            "subject_key": [each.subject_key for each in given],
            "recorded_at": [each.vote.recorded_at for each in given],
            "at": [each.vote.at for each in given],
            "analyst": [each.vote.analyst for each in given],
            "label": [each.vote.label for each in given],
            "override": [each.vote.override for each in given],
            "event_id": [each.event_id for each in given],
            **{name: [getattr(each.vote.remark, name) for each in given] for name in Remark.__struct_fields__},
        }
        self.append_columns(job_id, pa.table(columns, GIVEN))

    def append_columns(self, job_id: int, given: pa.Table) -> None:
        """As `append`, with the columns of `GIVEN`."""
        size = given.num_rows
        if not size:
            return
        columns = {name: given[name] for name in GIVEN.names}
        columns["label"] = pc.fill_null(given["label"], "")
        request = pc.min(given["recorded_at"]).value
        columns["job_id"] = repeated(job_id, pa.uint64(), size)
        columns["request"] = repeated(request, pa.uint64(), size)
        says = given["review_probability"].null_count < size or pc.any(pc.not_equal(given["review_reason"], "")).as_py()
        with self._kept.changing(job_id) if says else contextlib.nullcontext():
            self._engine.insert("votes", pa.table(columns))
            self._kept.votes_written(job_id, given)

    def on(self, job_id: int, subjects: Sequence[int]) -> dict[int, list[Vote]]:
        """Every vote ever given on these subjects; those without any are left out."""
        return _by_subject(
            self._lookup.rows(
                f"{_SELECT} AND subject_key IN {KEYS} ORDER BY subject_key, recorded_at", subjects, job=job_id
            )
        )

    def all(self, job_id: int, *, only_after: int | None = None) -> Iterator[dict[int, list[Vote]]]:
        """Every vote of a job, some thousand subjects at a time.

        With `only_after` just the subjects that have a vote with a later ``at`` (microseconds).
        """
        condition, parameters = "", {"job": job_id}
        if only_after is not None:
            condition = " AND at > fromUnixTimestamp64Micro({after:Int64}, 'UTC')"
            parameters["after"] = only_after
        subjects = self._engine.rows(
            f"SELECT DISTINCT subject_key FROM votes WHERE job_id = {{job:UInt64}}{condition} ORDER BY subject_key",
            parameters,
        )
        for begin in range(0, len(subjects), _SUBJECTS_AT_ONCE):
            some = subjects[begin : begin + _SUBJECTS_AT_ONCE]
            yield _by_subject(
                self._engine.rows(
                    f"{_SELECT} AND subject_key BETWEEN {{first:UInt64}} AND {{last:UInt64}}"
                    " ORDER BY subject_key, recorded_at",
                    {"job": job_id, "first": some[0][0], "last": some[-1][0]},
                ),
                {row[0] for row in some},
            )

    def of_last_request(self, job_id: int) -> dict[int, list[Vote]]:
        """Every vote on the subjects of the job's last recorded request."""
        subjects = self._engine.rows(
            "SELECT DISTINCT subject_key FROM votes WHERE job_id = {job:UInt64}"
            " AND request = (SELECT max(request) FROM votes WHERE job_id = {job:UInt64})",
            {"job": job_id},
        )
        return self.on(job_id, [row[0] for row in subjects])

    def last_arrival(self) -> int:
        """The arrival of the latest vote of the store, microseconds; 0 when there is none."""
        return to_micros(self._engine.rows("SELECT max(recorded_at) FROM votes")[0][0])

    def last_arrival_of(self, job_id: int) -> int | None:
        """The arrival of the latest vote on a job's subjects, microseconds; None when there is none."""
        ((votes, latest),) = self._engine.rows(
            "SELECT count(), max(recorded_at) FROM votes WHERE job_id = {job:UInt64}", {"job": job_id}
        )
        return to_micros(latest) if votes else None

    def have_consensus_row(self, job_id: int, subjects: Keys) -> set[int]:
        """Those of the subjects that have a row of consensus, whatever it says."""
        if not len(subjects) or not has_consensus_rows(self._engine, job_id):
            return set()
        rows = self._lookup.rows(
            f"SELECT DISTINCT subject_key FROM consensus WHERE job_id = {{job:UInt64}} AND subject_key IN {KEYS}",
            subjects,
            job=job_id,
        )
        return {row[0] for row in rows}

    def weighed_until(self, job_id: int, subjects: Sequence[int]) -> dict[int, int]:
        """The arrival of the latest vote that is in the kept consensus of these subjects, in microseconds."""
        rows = self._lookup.rows(
            "SELECT subject_key, max(computed_at) FROM ("
            f"SELECT subject_key, computed_at FROM consensus WHERE job_id = {{job:UInt64}} AND subject_key IN {KEYS}"
            f" UNION ALL SELECT subject_key, consensus_computed_at FROM {self._tables.of(job_id).name}"
            f" WHERE subject_key IN {KEYS} AND consensus != '') GROUP BY subject_key",
            subjects,
            job=job_id,
        )
        return {row[0]: to_micros(row[1]) for row in rows}

    def consensus_of(self, job_id: int, subjects: Sequence[int]) -> dict[int, Consensus]:
        """The consensus that is kept of these subjects, of those that have one kept."""
        rows = self._lookup.rows(
            "SELECT subject_key, argMax(tuple(toString(consensus), changed_at), version) FROM ("
            "SELECT subject_key, consensus, changed_at, version FROM consensus"
            f" WHERE job_id = {{job:UInt64}} AND subject_key IN {KEYS}"
            " UNION ALL SELECT subject_key, consensus, consensus_changed_at, toUInt64(0)"
            f" FROM {self._tables.of(job_id).name} WHERE subject_key IN {KEYS} AND consensus != '' AND sign = 1)"
            " GROUP BY subject_key",
            subjects,
            job=job_id,
        )
        return {row[0]: Consensus(row[1][0] or None, to_micros(row[1][1])) for row in rows}

    def consensus_without_votes(self, job_id: int) -> list[int]:
        """The subjects of which a consensus is kept though no vote on them is on record: there should be none."""
        rows = self._engine.rows(
            "SELECT subject_key FROM consensus FINAL WHERE job_id = {job:UInt64} AND consensus != ''"
            " AND subject_key NOT IN (SELECT subject_key FROM votes WHERE job_id = {job:UInt64})",
            {"job": job_id},
        )
        return [row[0] for row in rows]

    def write_consensus(
        self, job_id: int, derived: Mapping[int, Consensus], votes: Mapping[int, Iterable[Vote]], version: int
    ) -> None:
        """Set the consensus of subjects, with the arrival of their latest vote; `version` orders the settings."""
        size = len(derived)
        latest = [max((vote.recorded_at for vote in votes[subject]), default=0) for subject in derived]
        rows = pa.table(
            {
                "job_id": repeated(job_id, pa.uint64(), size),
                "subject_key": pa.array(list(derived), pa.uint64()),
                "version": repeated(version, pa.uint64(), size),
                "consensus": pa.array([each.label or "" for each in derived.values()]),
                "changed_at": pa.array([each.changed_at for each in derived.values()], MOMENT),
                "computed_at": pa.array(latest, MOMENT),
            }
        )
        with self._kept.changing(job_id):
            self._engine.insert("consensus", rows)
            self._kept.consensus_written(job_id, derived)


_SELECT = (
    "SELECT subject_key, toString(analyst), toString(label), at, recorded_at, override,"
    " review_probability, toString(review_reason), note FROM votes"
    " WHERE job_id = {job:UInt64}"
)


def _by_subject(rows: Sequence[Row], among: set[int] | None = None) -> dict[int, list[Vote]]:
    found: dict[int, list[Vote]] = {}
    for subject, analyst, label, at, recorded_at, override, *remark in rows:
        if among is None or subject in among:
            said = Remark(*remark)
            vote = Vote(
                analyst,
                label or None,
                to_micros(at),
                to_micros(recorded_at),
                bool(override),
                NO_REMARK if said == NO_REMARK else said,
            )
            found.setdefault(subject, []).append(vote)
    return found
