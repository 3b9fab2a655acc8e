"""The count query: from (job, window, filters) to the count table that every number is made from.

The population's rows are joined to the state of their subjects (`_SUBJECTS`: what was voted on later than
the event's first line, and the active model's knowledge base) and counted by what the numbers depend on.

A question without filters about whole hours is answered from the counts kept by the hour: see kept.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trueline.instants import from_micros
from trueline.ledger.conditions import Conditions, JobShape, conditions, own_expression
from trueline.ledger.parameters import Parameters
from trueline.ledger.votes import has_consensus_rows
from trueline.metrics.counts import Count
from trueline.metrics.tally import HOUR, Window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trueline.filters.fields import OwnField
    from trueline.filters.request import Filter
    from trueline.ledger.engine import Engine, Row
    from trueline.ledger.kept import KeptCounts
    from trueline.metrics.tally import Bound, ChangedEvent


@dataclass(frozen=True, slots=True)
class Population:
    """Which of a job's decided events a question is about."""

    job_id: int
    shape: JobShape
    training: int | None
    """The training of the active model, whose knowledge base the states are against."""
    start: int | None
    """Inclusive, in microseconds since 1970; None: from the first event on."""
    end: int | None
    """Exclusive."""
    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class CountTable:
    """The counts of a population and the earliest and latest ``@timestamp`` in it."""

    counts: tuple[Count, ...]
    earliest: datetime | None
    latest: datetime | None


_EVENTS = """
SELECT ts, arrived_at, event_key, version, sign, event_id, subject_key, bucket_id,
       outcome, decision, previous_decision, confidence, model_id, outlier,
       consensus AS first_consensus, consensus_changed_at AS first_changed_at,
       consensus_computed_at AS first_computed_at
FROM events
WHERE {where}"""

_VOTED = """
SELECT subject_key, 1 AS voted, consensus AS later_consensus, changed_at AS later_changed_at,
       computed_at AS later_computed_at, 0 AS trained, '' AS trained_label, false AS from_consensus
FROM consensus FINAL WHERE job_id = {job:UInt64}"""

_TRAINED = """
SELECT subject_key, 0, '', fromUnixTimestamp64Micro(0, 'UTC'), fromUnixTimestamp64Micro(0, 'UTC'),
       1, toString(label), from_consensus
FROM knowledge_base WHERE job_id = {job:UInt64} AND training = {training:UInt64}"""

_SUBJECTS = f"""
SELECT subject_key, max(voted) AS voted, max(toString(later_consensus)) AS later_consensus,
       max(later_changed_at) AS later_changed_at, max(later_computed_at) AS later_computed_at,
       max(trained) AS trained, max(trained_label) AS trained_label, max(from_consensus) AS from_consensus
FROM ({_VOTED}
UNION ALL {_TRAINED})
GROUP BY subject_key"""

_JOINED = """
SELECT * FROM ({events}) AS event
LEFT ANY JOIN ({subjects}) AS subject USING (subject_key)"""

_STATELESS = "0 AS voted, '' AS later_consensus, 0 AS trained, '' AS trained_label, false AS from_consensus"

_UNJOINED = f"""
SELECT *, first_changed_at AS later_changed_at, first_computed_at AS later_computed_at, {_STATELESS}
FROM ({{events}})"""

_OF_SUBJECTS = ["voted", "later_consensus", "trained", "trained_label", "from_consensus"]

_STATE = """
       if(voted, toString(later_consensus), toString(first_consensus)) AS consensus,
       trained AND if(consensus = '', from_consensus, consensus != trained_label) AS changed,
       multiIf(changed, 'retrain', trained, 'in_knowledge_base', consensus != '', 'pending', 'new') AS state"""

_STATES = f"""
SELECT *,{_STATE},
       if(voted, later_changed_at, first_changed_at) AS changed_at,
       if(voted, later_computed_at, first_computed_at) AS computed_at
FROM ({{joined}})"""

# the engine groups by one column of few different texts several times as fast as by two, and decisions and
# consensus stand together in `outcome`; what follows from the few groups is worked out for each group once
_COUNTS = f"""
SELECT outcome_decision, consensus, trained, changed, sum(events), sum(taken_back), min(earliest), max(latest)
FROM
(
    SELECT *, splitByChar('\\0', toString(outcome))[1] AS outcome_decision,
           splitByChar('\\0', toString(outcome))[2] AS first_consensus,{_STATE}
    FROM
    (
        SELECT {{keys}}{{constants}}, sum(sign) AS events, countIf(sign < 0) AS taken_back,
               min(ts) AS earliest, max(ts) AS latest
        FROM ({{source}}) GROUP BY {{keys}}
    )
)
WHERE outcome_decision != ''
GROUP BY outcome_decision, consensus, trained, changed"""


_IDS_REMEMBERED = 100_000


class CountQuery:
    """Asks the ledger the questions that the numbers of a job are made from."""

    def __init__(self, engine: Engine, kept: KeptCounts) -> None:
        self._engine = engine
        self._kept = kept
        self._ids: dict[tuple[int, int], str] = {}  # what a key of an event stands for never changes

    def counts(self, population: Population) -> CountTable:
        """Count a population's events by decision, consensus and what a training changed. Exact.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        return self._kept_counts(population) or self._counted(population)

    def _kept_counts(self, population: Population) -> CountTable | None:
        window = _whole_hours(population)
        if window is None:
            return None
        with self._kept.tally(population.job_id, population.training) as tally:
            if tally is None:
                return None
            counts, bounds = tally.counts(window, population.training), tally.bounds(window)
        if bounds is None:
            return CountTable(counts, None, None)
        first, last = bounds
        earliest, latest = self._moment(population, first, "ASC"), self._moment(population, last, "DESC")
        if earliest is None or latest is None:  # emptied by a write in between
            return None
        return CountTable(counts, earliest, latest)

    def _moment(self, population: Population, bound: Bound, order: str) -> datetime | None:
        """A bound of a population, read from the events of its hour where it is known no better."""
        if bound.exact:
            return from_micros(bound.ts)
        hour = bound.ts // HOUR * HOUR
        return self._bound(replace(population, start=hour, end=hour + HOUR), order)

    def _counted(self, population: Population) -> CountTable:
        source, into, joined = self._source(population)
        keys = ", ".join(["outcome", *(_OF_SUBJECTS if joined else [])])
        constants = "" if joined else f", {_STATELESS}"
        rows = self._engine.rows(
            _COUNTS.replace("{keys}", keys).replace("{constants}", constants).replace("{source}", source), into.values
        )
        kept = [row for row in rows if row[4]]
        counts = tuple(Count(row[0], row[1] or None, bool(row[2]), bool(row[3]), int(row[4])) for row in kept)
        if not kept:
            return CountTable(counts, None, None)
        if any(row[5] for row in rows):  # a taken-back version may lie outside of what is left
            bounds = [self._bound(population, order) for order in ("ASC", "DESC")]
            if None in bounds:  # emptied by a write in between
                return self._counted(population)
            return CountTable(counts, *bounds)
        return CountTable(counts, min(row[6] for row in kept), max(row[7] for row in kept))

    def _bound(self, population: Population, order: str) -> datetime | None:
        source, into, _ = self._source(population)
        found = self._engine.rows(
            f"SELECT ts FROM ({source}) WHERE decision != '' GROUP BY ts, event_key, version HAVING sum(sign) > 0"
            f" ORDER BY ts {order} LIMIT 1",
            into.values,
        )
        return found[0][0] if found else None

    def changed_events(self, population: Population, limit: int = 10) -> list[str]:
        """The ids of events whose subject changed after training.

        Latest change of consensus first, then latest ``@timestamp``, then id.
        """
        kept = self._kept_changed_events(population, limit)
        if kept is not None:
            return kept
        source, into, _ = self._source(population)
        rows = self._engine.rows(
            f"SELECT event_id FROM ({source}) WHERE decision != '' AND changed"
            " GROUP BY event_id, ts, version, changed_at HAVING sum(sign) > 0"
            f" ORDER BY changed_at DESC, ts DESC, event_id LIMIT {limit:d}",
            into.values,
        )
        return [row[0] for row in rows]

    def _kept_changed_events(self, population: Population, limit: int) -> list[str] | None:
        window = _whole_hours(population)
        if window is None or population.training is None:
            return None
        with self._kept.tally(population.job_id, population.training) as tally:
            if tally is None:
                return None
            events = tally.changed_events(window, population.training, limit)
        ids = self._ids_of(population.job_id, events)
        if ids is None:
            return None
        ordered = sorted((-each.changed_at, -each.ts, event_id) for each, event_id in zip(events, ids, strict=True))
        return [event_id for _, _, event_id in ordered[:limit]]

    def _ids_of(self, job_id: int, events: list[ChangedEvent]) -> list[str] | None:
        """The ids that the keys of events stand for; None where a write has moved one in between."""
        unread = [event for event in events if (job_id, event.event_key) not in self._ids]
        if unread:
            into = Parameters(job=job_id)
            keys = into.bind(sorted({event.event_key for event in unread}), "Array(UInt64)")
            moments = ", ".join(into.moment(moment) for moment in sorted({event.ts for event in unread}))
            rows = self._engine.rows(
                "SELECT DISTINCT event_key, event_id FROM events"
                f" WHERE job_id = {{job:UInt64}} AND ts IN ({moments}) AND event_key IN {keys}",
                into.values,
            )
            if len(self._ids) > _IDS_REMEMBERED:
                self._ids.clear()
            self._ids.update({(job_id, row[0]): row[1] for row in rows})
        ids = [self._ids.get((job_id, event.event_key)) for event in events]
        return None if None in ids else [each for each in ids if each is not None]

    def changed_buckets(self, population: Population, limit: int = 10) -> list[str]:
        """The ids of buckets that changed after training: most events of the population first, then id."""
        window = _whole_hours(population)
        if window is not None and population.training is not None:
            with self._kept.tally(population.job_id, population.training) as tally:
                if tally is not None:
                    return tally.changed_buckets(window, population.training, limit)
        source, into, _ = self._source(population)
        rows = self._engine.rows(
            f"SELECT bucket_id FROM ({source}) WHERE decision != '' AND changed GROUP BY bucket_id HAVING sum(sign) > 0"
            f" ORDER BY sum(sign) DESC, bucket_id LIMIT {limit:d}",
            into.values,
        )
        return [row[0] for row in rows]

    def own_fields(self, population: Population, event_key: int, fields: Sequence[OwnField]) -> Row | None:
        """What own fields say of one event, decided or not, as filters see them; None where it is not there.

        A field without a value is an empty text or None.
        """
        source, into, _ = self._source(population, event_key)
        values = [own_expression(each, population.shape, into) or "NULL" for each in fields]
        columns = ", ".join(f"{value} AS value_{place}" for place, value in enumerate(values))
        names = ", ".join(f"value_{place}" for place in range(len(values)))
        found = self._engine.rows(
            f"SELECT {columns} FROM ({source}) GROUP BY version, {names} HAVING sum(sign) > 0", into.values
        )
        return found[0] if found else None

    def _source(self, population: Population, event_key: int | None = None) -> tuple[str, Parameters, bool]:
        """The population, or one event of it, with the state of each event's subject, the values bound in it.

        Joined to the subjects only when some subject has a state that does not stand with its event.
        """
        into = Parameters(job=population.job_id)
        where = ["job_id = {job:UInt64}"]
        if population.start is not None:
            where.append(f"ts >= {into.moment(population.start)}")
        if population.end is not None:
            where.append(f"ts < {into.moment(population.end)}")
        if event_key is not None:
            where.append(f"event_key = {into.bind(event_key, 'UInt64')}")
        met: Conditions = conditions(population.filters, population.shape, into)
        events = _EVENTS.replace("{where}", " AND ".join([*where, *met.on_events]))
        subjects = None
        if population.training is not None:
            into.values["training"] = population.training
            subjects = _SUBJECTS
        elif has_consensus_rows(self._engine, population.job_id):
            subjects = _VOTED
        if subjects is not None and event_key is not None:
            of_event = f"SELECT subject_key FROM events WHERE {' AND '.join(where)}"
            subjects = f"SELECT * FROM ({subjects}) WHERE subject_key IN ({of_event})"
        joined = _UNJOINED if subjects is None else _JOINED.replace("{subjects}", subjects)
        source = _STATES.replace("{joined}", joined.replace("{events}", events))
        if met.on_subjects:
            source = f"SELECT * FROM ({source}) WHERE {' AND '.join(met.on_subjects)}"
        return source, into, subjects is not None


def _whole_hours(population: Population) -> Window | None:
    """The window of a population that is all of whole hours; None where filters or a bound ask for more."""
    bounds = (bound for bound in (population.start, population.end) if bound is not None)
    if population.filters or any(bound % HOUR for bound in bounds):
        return None
    return Window(population.start, population.end)
