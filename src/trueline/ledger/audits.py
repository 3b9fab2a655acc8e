"""Audits: subjects drawn by chance to be reviewed, and what is known of those that were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from trueline.instants import to_micros
from trueline.ledger.columns import MOMENT, repeated
from trueline.ledger.population import DRAWS, asked

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.kept import KeptCounts
    from trueline.ledger.population import Asked, Population

DRAWN: Final = """
SELECT subject_key, toString(decision) AS drawn_decision,
       if(count() = 1, any(probability),
          1 - arrayProduct(arrayMap(each -> 1 - each, arraySort(groupArray(probability))))) AS drawn_probability,
       argMax(toString(reason), (drawn_at, draw)) AS drawn_reason
FROM {draws} GROUP BY subject_key, drawn_decision"""
"""The query of how likely each drawn subject was to be drawn, among those of which decision, and why it was drawn last;
of `Asked.draws`.

Draws depend on nothing but what asked for each, so they are independent: of several, the chance to be in any is one
less the product of the chances to be in none, multiplied in one order, so that it is the same each time. Among subjects
of another decision nothing is known of that chance: a bucket that also has events decided otherwise was not drawn among
those, nor was an event decided anew since.
"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One draw, as it is on record."""

    draw: str
    """What names it: follows from `request`."""
    decision: str
    """Whose subjects were drawn from."""
    population: int
    """How many there were at that moment."""
    probability: float
    reason: str
    request: str
    """What asked for it, as JSON."""
    drawn_at: int
    """Microseconds since 1970."""
    subjects: tuple[tuple[int, str], ...]
    """The keys and ids of those drawn, in the order of drawing."""


@dataclass(frozen=True, slots=True)
class SeenSubjects:
    """So many subjects of a population are alike in these."""

    decision: str
    consensus: str | None
    by_chance: bool
    """Whether they were drawn among those of this decision, or a vote on them says its review probability."""
    subjects: int


_SEEN = """
SELECT decision, consensus,
       (subject_key, decision) IN
           (SELECT subject_key, toString(decision) FROM {draws})
       OR subject_key IN
           (SELECT subject_key FROM {votes} WHERE isNotNull(review_probability)) AS by_chance,
       sum(subjects)
FROM ({counted})
GROUP BY decision, consensus, by_chance
HAVING sum(subjects) > 0"""

_EACH_EVENT = """
SELECT toString(decision) AS decision, consensus, subject_key, sign AS subjects
FROM ({rows}) AS event WHERE event.decision != ''"""

_EACH_BUCKET = """
SELECT toString(event.decision) AS decision, any(consensus) AS consensus, subject_key, 1 AS subjects
FROM ({rows}) AS event WHERE event.decision != ''
GROUP BY decision, subject_key HAVING sum(sign) > 0"""


class AuditTable:
    """The draws of one store."""

    def __init__(self, engine: Engine, tables: JobTables, kept: KeptCounts) -> None:
        self._engine = engine
        self._tables = tables
        self._kept = kept

    def seen(self, population: Population) -> list[SeenSubjects]:
        """Count a population's subjects by decision, consensus, and whether chance had a say in who was reviewed.

        A bucket with events of several decisions counts once with each.
        """
        of = asked(self._engine, self._tables, population)
        each = _EACH_BUCKET if of.by_bucket else _EACH_EVENT
        rows = self._engine.rows(
            _SEEN.format(counted=each.format(rows=of.rows()), draws=of.draws, votes=of.votes), of.into.values
        )
        return [
            SeenSubjects(decision, consensus or None, bool(chance), int(subjects))
            for decision, consensus, chance, subjects in rows
        ]

    def select(
        self, population: Population, decision: str, size: int, salt: bytes
    ) -> tuple[int, tuple[tuple[int, str], ...]]:
        """Draw subjects of a decision: how many there are, and the keys and ids of those drawn, in their order.

        The ids with the smallest SHA-256 after the salt are drawn, as `metrics.audit.draw` does, but here in the
        engine, which keeps no more than those.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        of = asked(self._engine, self._tables, population)
        of = of.also(f"decision = {of.into.text(decision)}")
        subjects = _buckets(of) if of.by_bucket else _events(of)
        key = of.into.text(salt.hex())
        rows = self._engine.rows(
            f"WITH (SELECT count() FROM ({subjects})) AS population"
            f" SELECT population, subject_key, id FROM ({subjects})"
            f" ORDER BY SHA256(concat(unhex({key}), id)), id LIMIT {size:d}",
            of.into.values,
        )
        return (int(rows[0][0]) if rows else 0), tuple((row[1], row[2]) for row in rows)

    def append(self, job_id: int, drawn: Drawn) -> None:
        """Put a draw on record, durably and as a whole."""
        size = len(drawn.subjects)
        rows = pa.table(
            {
                "job_id": repeated(job_id, pa.uint64(), size),
                "draw": repeated(drawn.draw, pa.string(), size),
                "place": pa.array(range(size), pa.uint32()),
                "subject_key": pa.array([key for key, _ in drawn.subjects], pa.uint64()),
                "id": pa.array([name for _, name in drawn.subjects], pa.string()),
                "decision": repeated(drawn.decision, pa.string(), size),
                "population": repeated(drawn.population, pa.uint64(), size),
                "probability": repeated(drawn.probability, pa.float64(), size),
                "reason": repeated(drawn.reason, pa.string(), size),
                "request": repeated(drawn.request, pa.string(), size),
                "drawn_at": repeated(drawn.drawn_at, MOMENT, size),
            }
        )
        with self._kept.changing(job_id):
            self._engine.insert("audit_draws", rows)
            self._kept.draws_written(job_id)

    def read(self, job_id: int, draw: str) -> Drawn | None:
        """The draw of that name; None: there is none."""
        rows = self._engine.rows(
            "SELECT subject_key, id, toString(decision), population, probability, toString(reason), request, drawn_at"
            " FROM audit_draws WHERE job_id = {job:UInt64} AND draw = {draw:String} ORDER BY place",
            {"job": job_id, "draw": draw},
        )
        if not rows:
            return None
        _, _, decision, population, probability, reason, request, drawn_at = rows[0]
        subjects = tuple((row[0], row[1]) for row in rows)
        return Drawn(draw, decision, population, probability, reason, request, to_micros(drawn_at), subjects)

    def probabilities(self, job_id: int) -> dict[tuple[int, str], float]:
        """How likely each drawn subject was to be drawn, by its key and the decision it was drawn for: see `DRAWN`."""
        return {
            (subject, decision): probability
            for subject, decision, probability, _ in self._engine.rows(DRAWN.replace("{draws}", DRAWS), {"job": job_id})
        }


def _events(of: Asked) -> str:
    """The query of a population's events, each once."""
    of = of.standing()
    source = f"({of.rows()})" if of.on_subjects else f"{of.table} WHERE {of.where}"
    return f"SELECT subject_key, event_id AS id FROM {source}"


def _buckets(of: Asked) -> str:
    """The query of the buckets that have events of a population."""
    source = f"({of.rows()})" if of.on_subjects else f"{of.table} WHERE {of.where}"
    return f"SELECT subject_key, any(bucket_id) AS id FROM {source} GROUP BY subject_key HAVING sum(sign) > 0"
