"""The count query: from (job, window, filters) to the count table that every number is made from.

The population's rows are joined to the state of their subjects (`_SUBJECTS`: what was voted on later than
the event's first line, and the active model's knowledge base) and counted by what the numbers depend on.

A question without filters is answered from the counts kept by the hour, where its window has whole ones: see kept.py.
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
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.kept import KeptCounts
    from trueline.metrics.tally import Bound, ChangedEvents


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
FROM {table}
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
    FROM ({{grouped}})
)
WHERE {{where}}
GROUP BY outcome_decision, consensus, trained, changed"""

_AGGREGATES = "sum(sign) AS events, countIf(sign < 0) AS taken_back, min(ts) AS earliest, max(ts) AS latest"

_GROUPED_ALONE = f"""
        SELECT outcome, {_STATELESS}, {_AGGREGATES} FROM {{table}} WHERE {{where}} GROUP BY outcome"""

# events of a subject without a state of its own are alike, whatever subject that is: only the others are told apart,
# and then joined a group at a time and not an event
_GROUPED_BY_SUBJECT = f"""
        SELECT outcome, voted, later_consensus, trained, trained_label, from_consensus,
               events, taken_back, earliest, latest
        FROM
        (
            SELECT outcome, if(subject_key IN ({{keys}}), subject_key, 0) AS marked, {_AGGREGATES}
            FROM {{table}} WHERE {{where}} GROUP BY outcome, marked
        ) AS counted
        LEFT ANY JOIN ({{subjects}}) AS subject ON counted.marked = subject.subject_key"""

_GROUPED_BY_STATE = f"""
        SELECT outcome, voted, later_consensus, trained, trained_label, from_consensus, {_AGGREGATES}
        FROM ({{source}}) GROUP BY outcome, voted, later_consensus, trained, trained_label, from_consensus"""

_VOTED_KEYS = "SELECT subject_key FROM consensus WHERE job_id = {job:UInt64}"
_TRAINED_KEYS = "SELECT subject_key FROM knowledge_base WHERE job_id = {job:UInt64} AND training = {training:UInt64}"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A population as the engine is asked about it."""

    table: str
    where: str
    met: Conditions
    into: Parameters
    subjects: str | None
    """The query of the states of subjects; None where every state stands with its event."""
    subject_keys: str
    """The query of their keys."""

    def of_event(self, event_key: int) -> _Asked:
        """The same of one event alone."""
        where = f"{self.where} AND event_key = {self.into.bind(event_key, 'UInt64')}"
        if self.subjects is None:
            return replace(self, where=where)
        of_event = f"SELECT subject_key FROM {self.table} WHERE {where}"
        return replace(self, where=where, subjects=f"SELECT * FROM ({self.subjects}) WHERE subject_key IN ({of_event})")

    def source(self) -> str:
        """The query of the population's rows, each with the state of its subject."""
        events = _EVENTS.replace("{table}", self.table).replace("{where}", self.where)
        joined = _UNJOINED if self.subjects is None else _JOINED.replace("{subjects}", self.subjects)
        source = _STATES.replace("{joined}", joined.replace("{events}", events))
        after = self.met.on_states + self.met.on_moments
        return f"SELECT * FROM ({source}) WHERE {' AND '.join(after)}" if after else source


_TRIES = 3


class CountQuery:
    """Asks the ledger the questions that the numbers of a job are made from."""

    def __init__(self, engine: Engine, tables: JobTables, kept: KeptCounts) -> None:
        self._engine = engine
        self._tables = tables
        self._kept = kept

    def counts(self, population: Population) -> CountTable:
        """Count a population's events by decision, consensus and what a training changed. Exact.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        return self._kept_counts(population) or self._counted(population)

    def _kept_counts(self, population: Population) -> CountTable | None:
        """Count whole hours from the tally and what a window has beside them from the events."""
        inner, edges = _whole_hours(population)
        if inner is None:
            return None
        for _ in range(_TRIES):
            changes = self._kept.changes(population.job_id)
            table = self._tallied(population, inner)
            if table is None or not edges:
                return table
            others = [self._counted(replace(population, start=start, end=end)) for start, end in edges]
            if changes % 2 == 0 and self._kept.changes(population.job_id) == changes:
                return _together([table, *others])
        return None  # one question to the ledger is right whatever is changed meanwhile

    def _tallied(self, population: Population, window: Window) -> CountTable | None:
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
        asked = self._asked(population)
        on_groups = " AND ".join(["outcome_decision != ''", *asked.met.on_states])
        if asked.met.on_moments:
            grouped = _GROUPED_BY_STATE.replace("{source}", asked.source())
        elif asked.subjects is None:
            grouped = _GROUPED_ALONE
        else:
            grouped = _GROUPED_BY_SUBJECT.replace("{subjects}", asked.subjects).replace("{keys}", asked.subject_keys)
        grouped = grouped.replace("{table}", asked.table).replace("{where}", asked.where)
        rows = self._engine.rows(_COUNTS.replace("{grouped}", grouped).replace("{where}", on_groups), asked.into.values)
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
        asked = self._asked(population)
        found = self._engine.rows(
            f"SELECT ts FROM ({asked.source()}) WHERE decision != ''"
            f" GROUP BY ts, event_key, version HAVING sum(sign) > 0 ORDER BY ts {order} LIMIT 1",
            asked.into.values,
        )
        return found[0][0] if found else None

    def changed_events(self, population: Population, limit: int = 10) -> list[str]:
        """The ids of events whose subject changed after training.

        Latest change of consensus first, then latest ``@timestamp``, then id.
        """
        kept = self._kept_changed_events(population, limit)
        if kept is not None:
            return kept
        asked = self._asked(population)
        rows = self._engine.rows(
            f"SELECT event_id FROM ({asked.source()}) WHERE decision != '' AND changed"
            " GROUP BY event_id, ts, version, changed_at HAVING sum(sign) > 0"
            f" ORDER BY changed_at DESC, ts DESC, event_id LIMIT {limit:d}",
            asked.into.values,
        )
        return [row[0] for row in rows]

    def _kept_changed_events(self, population: Population, limit: int) -> list[str] | None:
        if population.filters or population.training is None:
            return None
        window = Window(population.start, population.end)
        with self._kept.tally(population.job_id, population.training) as tally:
            if tally is None:
                return None
            changed = tally.changed_events(window, limit)
        rows = [
            (-each.changed_at, -each.ts, event_id)
            for each, ids in zip(changed, self._ids_of(population.job_id, changed), strict=True)
            for event_id in ids
        ]
        return [event_id for _, _, event_id in sorted(rows)[:limit]]

    def _ids_of(self, job_id: int, changed: list[ChangedEvents]) -> list[list[str]]:
        """The ids of the decided events of each subject and moment."""
        if not changed:
            return []
        into = Parameters()
        moments = ", ".join(into.moment(moment) for moment in sorted({each.ts for each in changed}))
        subjects = into.bind(sorted({each.subject_key for each in changed}), "Array(UInt64)")
        rows = self._engine.rows(
            f"SELECT toUnixTimestamp64Micro(ts), subject_key, event_id FROM {self._tables.of(job_id).name}"
            f" WHERE ts IN ({moments}) AND subject_key IN {subjects} AND decision != ''"
            " GROUP BY ts, subject_key, event_id, version HAVING sum(sign) > 0",
            into.values,
        )
        found: dict[tuple[int, int], list[str]] = {}
        for ts, subject_key, event_id in rows:
            found.setdefault((ts, subject_key), []).append(event_id)
        return [found.get((each.ts, each.subject_key), []) for each in changed]

    def changed_buckets(self, population: Population, limit: int = 10) -> list[str]:
        """The ids of buckets that changed after training: most events of the population first, then id."""
        if not population.filters and population.training is not None:
            window = Window(population.start, population.end)
            with self._kept.tally(population.job_id, population.training) as tally:
                if tally is not None:
                    return tally.changed_buckets(window, limit)
        asked = self._asked(population)
        rows = self._engine.rows(
            f"SELECT bucket_id FROM ({asked.source()}) WHERE decision != '' AND changed"
            f" GROUP BY bucket_id HAVING sum(sign) > 0 ORDER BY sum(sign) DESC, bucket_id LIMIT {limit:d}",
            asked.into.values,
        )
        return [row[0] for row in rows]

    def own_fields(self, population: Population, event_key: int, fields: Sequence[OwnField]) -> Row | None:
        """What own fields say of one event, decided or not, as filters see them; None where it is not there.

        A field without a value is an empty text or None.
        """
        asked = self._asked(population).of_event(event_key)
        values = [own_expression(each, population.shape, asked.into) or "NULL" for each in fields]
        columns = ", ".join(f"{value} AS value_{place}" for place, value in enumerate(values))
        names = ", ".join(f"value_{place}" for place in range(len(values)))
        found = self._engine.rows(
            f"SELECT {columns} FROM ({asked.source()}) GROUP BY version, {names} HAVING sum(sign) > 0",
            asked.into.values,
        )
        return found[0] if found else None

    def _asked(self, population: Population) -> _Asked:
        """A population put into words of the engine, the values bound.

        Joined to the subjects only when some subject has a state that does not stand with its event.
        """
        table = self._tables.of(population.job_id)
        into = Parameters(job=population.job_id)
        window = []
        if population.start is not None:
            window.append(f"ts >= {into.moment(population.start)}")
        if population.end is not None:
            window.append(f"ts < {into.moment(population.end)}")
        met = conditions(population.filters, population.shape, table, into)
        subjects, subject_keys = None, ""
        if population.training is not None:
            into.values["training"] = population.training
            subjects, subject_keys = _SUBJECTS, f"{_VOTED_KEYS} UNION ALL {_TRAINED_KEYS}"
        elif has_consensus_rows(self._engine, population.job_id):
            subjects, subject_keys = _VOTED, _VOTED_KEYS
        where = " AND ".join(["1", *window, *met.on_events])
        return _Asked(table.name, where, met, into, subjects, subject_keys)


def _whole_hours(population: Population) -> tuple[Window | None, list[tuple[int, int]]]:
    """The whole hours of a population's window, and from when to when what is left of it goes.

    None where filters ask for more than is counted by the hour, or no hour is whole.
    """
    start, end = population.start, population.end
    first = None if start is None else -(-start // HOUR) * HOUR
    last = None if end is None else end // HOUR * HOUR
    if population.filters or (first is not None and last is not None and first >= last):
        return None, []
    edges = []
    if start is not None and first is not None and start < first:
        edges.append((start, first))
    if end is not None and last is not None and last < end:
        edges.append((last, end))
    return Window(first, last), edges


def _together(tables: list[CountTable]) -> CountTable:
    """The count table of populations that have no event in common."""
    counts: dict[tuple[str, str | None, bool, bool], int] = {}
    for count in (count for table in tables for count in table.counts):
        alike = (count.decision, count.consensus, count.in_knowledge_base, count.changed_after_training)
        counts[alike] = counts.get(alike, 0) + count.events
    earliest = [table.earliest for table in tables if table.earliest is not None]
    latest = [table.latest for table in tables if table.latest is not None]
    return CountTable(
        tuple(Count(*alike, events) for alike, events in counts.items()),
        min(earliest, default=None),
        max(latest, default=None),
    )
