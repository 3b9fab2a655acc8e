"""The count query: from (job, window, filters) to the count table that every number is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trueline.ledger.conditions import own_expression
from trueline.ledger.population import asked
from trueline.metrics.counts import Count
from trueline.metrics.groups import GROUPS, GROUPS_IN_TIME
from trueline.metrics.parts import Confidence, Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

    from trueline.filters.fields import OwnField
    from trueline.ledger.engine import Engine, Row
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.population import Asked, Population


@dataclass(frozen=True, slots=True)
class ChangedSubject:
    """A subject that changed after training."""

    subject_key: int
    changed_at: int
    """When its consensus did, in microseconds since 1970."""
    events: int
    """Of the population."""


@dataclass(frozen=True, slots=True)
class CountTable:
    """The counts of a population, and the moments of its first and last event where it was asked without a bound."""

    counts: tuple[Count, ...]
    earliest: int | None = None
    """Microseconds since 1970; None where there is no event, and where a start was asked for."""
    latest: int | None = None
    """None where there is no event, and where an end was asked for."""
    changed: tuple[ChangedSubject, ...] = ()


# what follows from the few groups is worked out for each group once
_COUNTS = """
SELECT outcome_decision, consensus, trained, changed, if(changed, marked, 0) AS changed_subject,
       max(toUnixTimestamp64Micro(changed_at)), sum(events)
FROM ({groups})
{where}
GROUP BY outcome_decision, consensus, trained, changed, changed_subject"""

_IN_PARTS = """
SELECT interval_start, model, outcome_decision, consensus, trained, changed, trained_label,
       sum(events), sum(with_confidence), sum(with_low_confidence), sum(confidence_total)
FROM ({groups})
{where}
GROUP BY interval_start, model, outcome_decision, consensus, trained, changed, trained_label
HAVING sum(events) > 0"""

_FEW = 64
_IN_ORDER = {"max_threads": 1, "max_block_size": 8192}
"""For reading until a few are found: more threads and blocks read what is thrown away."""


class CountQuery:
    """Asks the ledger the questions that the numbers of a job are made from."""

    def __init__(self, engine: Engine, tables: JobTables) -> None:
        self._engine = engine
        self._tables = tables

    def counts(self, population: Population, *, earliest: bool | None = None, latest: bool | None = None) -> CountTable:
        """Count a population's events by decision, consensus and what a training changed. Exact.

        Args:
            population: What is counted.
            earliest: Whether to tell the first event's moment also where a start was asked for, or in no case.
            latest: Likewise the last one's.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        of = asked(self._engine, self._tables, population)
        rows = self._engine.rows(put_together(_COUNTS, of, of.groups_with_states()), of.into.values)
        counts: dict[tuple[str, str | None, bool, bool], int] = {}
        changed: dict[int, tuple[int, int]] = {}
        for decision, consensus, trained, has_changed, subject, changed_at, events in rows:
            if not decision:
                continue
            alike = (decision, consensus or None, bool(trained), bool(has_changed))
            counts[alike] = counts.get(alike, 0) + int(events)
            if has_changed:
                changed[subject] = (int(changed_at), changed.get(subject, (0, 0))[1] + int(events))
        counted = tuple(Count(*alike, events) for alike, events in counts.items() if events)
        return CountTable(
            counted,
            *(self._bounds(of, population, earliest, latest) if counted else (None, None)),
            tuple(ChangedSubject(key, at, events) for key, (at, events) in changed.items() if events),
        )

    def groups(self, population: Population, *, in_time: bool) -> pa.Table:
        """A population's events by outcome and, where that has a state, by subject.

        Its filters on the states of subjects are not put to them.

        Args:
            population: What is counted.
            in_time: Whether with the columns of `GROUPS_IN_TIME`, else with those of `GROUPS`.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        of = asked(self._engine, self._tables, population)
        groups = self._engine.table(of.groups_without_states(in_time=in_time), of.into.values)
        return groups.cast(GROUPS_IN_TIME if in_time else GROUPS)

    def bounds(
        self, population: Population, *, earliest: bool | None = None, latest: bool | None = None
    ) -> tuple[int | None, int | None]:
        """The moments of a population's first and last decided event: those of its `CountTable`, without the counts.

        Args:
            population: Of which.
            earliest: As in `counts`.
            latest: Likewise.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        return self._bounds(asked(self._engine, self._tables, population), population, earliest, latest)

    def _bounds(
        self, of: Asked, population: Population, earliest: bool | None, latest: bool | None
    ) -> tuple[int | None, int | None]:
        since = population.start is None if earliest is None else earliest
        until = population.end is None if latest is None else latest
        return self._first(of, "ASC") if since else None, self._first(of, "DESC") if until else None

    def parts(self, population: Population, width: int | None = None) -> list[Part]:
        """Count a population's events also by when they happened and which model decided. Exact.

        Args:
            population: What is counted; the sum over all parts is what `counts` says of it.
            width: Of the intervals, microseconds, whose bounds are its multiples since 1970; None: one interval.

        Returns:
            The parts that have events, in no order.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        of = asked(self._engine, self._tables, population)
        groups = of.groups_in_parts(width, population.shape.low_confidence_below)
        rows = self._engine.rows(put_together(_IN_PARTS, of, groups), of.into.values)
        return [
            Part(
                interval=None if width is None else int(interval),
                model_id=model or None,
                learned_label=learned or None,
                count=Count(decision, consensus or None, bool(trained), bool(changed), int(events)),
                confidence=Confidence(int(sure), int(low), int(total)),
            )
            for interval, model, decision, consensus, trained, changed, learned, events, sure, low, total in rows
            if decision
        ]

    def _first(self, of: Asked, order: str) -> int | None:
        """The moment of the first event in an order of time, microseconds."""
        source = f"({of.rows()})" if of.on_subjects else of.table
        where = f"{'1' if of.on_subjects else of.where} AND decision != ''"
        few = _FEW
        while True:
            rows = self._engine.rows(
                f"SELECT toUnixTimestamp64Micro(ts), event_key, version, sign FROM {source}"
                f" WHERE {where} ORDER BY ts {order} LIMIT {few:d}",
                of.into.values,
                _IN_ORDER,
            )
            signs: dict[tuple[int, int, int], int] = {}
            for ts, event_key, version, sign in rows:
                signs[ts, event_key, version] = signs.get((ts, event_key, version), 0) + sign
            # what takes a version back has its moment, and may come after the few
            whole = [ts for (ts, _, _), sign in signs.items() if sign > 0 and (len(rows) < few or ts != rows[-1][0])]
            if whole or len(rows) < few:
                return whole[0] if whole else None
            few *= 8

    def changed_events(self, population: Population, table: CountTable, limit: int = 10) -> list[str]:
        """The ids of events whose subject changed after training.

        Latest change of consensus first, then latest ``@timestamp``, then id.

        Args:
            population: What was counted.
            table: What came of that.
            limit: How many at the most.
        """
        of = asked(self._engine, self._tables, population)
        if of.on_subjects:  # then it depends on more than the subject whether an event is of the population
            rows = self._engine.rows(
                f"SELECT event_id FROM ({of.rows()}) WHERE decision != '' AND changed"
                " GROUP BY event_id, ts, version, changed_at HAVING sum(sign) > 0"
                f" ORDER BY changed_at DESC, ts DESC, event_id LIMIT {limit:d}",
                of.into.values,
            )
            return [row[0] for row in rows]
        changed_at = latest_changed(table.changed, limit)
        if not changed_at:
            return []
        keys = of.into.bind(sorted(changed_at), "Array(UInt64)")
        of = of.also(f"subject_key IN {keys} AND decision != ''")
        rows = self._engine.rows(
            f"SELECT subject_key, toUnixTimestamp64Micro(ts) AS at, event_id FROM {of.table} WHERE {of.where}"
            " GROUP BY subject_key, ts, event_id, version HAVING sum(sign) > 0"
            f" ORDER BY ts DESC, event_id LIMIT {limit:d} BY subject_key",
            of.into.values,
        )
        ordered = sorted((-changed_at[subject], -ts, event_id) for subject, ts, event_id in rows)
        return [event_id for _, _, event_id in ordered[:limit]]

    def ids(self, population: Population, moments: Iterable[tuple[int, int]]) -> dict[tuple[int, int], list[str]]:
        """The ids of a population's events by subject and moment, of subjects' keys and moments that are named.

        No filter of the population may be on the states of subjects.
        """
        found: dict[tuple[int, int], list[str]] = {each: [] for each in moments}
        if not found:
            return found
        of = self._at(population, found)
        rows = self._engine.rows(
            f"SELECT subject_key, toUnixTimestamp64Micro(ts), event_id FROM {of.table} WHERE {of.where}"
            " GROUP BY subject_key, ts, event_id, version HAVING sum(sign) > 0",
            of.into.values,
        )
        for subject, moment, event_id in rows:
            if (subject, moment) in found:
                found[subject, moment].append(event_id)
        return found

    def _at(self, population: Population, moments: Iterable[tuple[int, int]]) -> Asked:
        """A population's decided events of any of these subjects at any of these moments."""
        of = asked(self._engine, self._tables, population)
        named = sorted(moments)
        at = ", ".join(of.into.moment(moment) for moment in sorted({moment for _, moment in named}))
        subjects = of.into.bind(sorted({subject for subject, _ in named}), "Array(UInt64)")
        return of.also(f"ts IN ({at}) AND subject_key IN {subjects} AND decision != ''")

    def changed_buckets(self, population: Population, table: CountTable, limit: int = 10) -> list[str]:
        """The ids of buckets that changed after training: most events of the population first, then id."""
        events = most_changed(table.changed, limit)
        if not events:
            return []
        of = asked(self._engine, self._tables, population)
        keys = of.into.bind(sorted(events), "Array(UInt64)")
        rows = self._engine.rows(
            f"SELECT subject_key, any(bucket_id) FROM {of.table} WHERE subject_key IN {keys} GROUP BY subject_key",
            of.into.values,
        )
        return [name for _, name in sorted((-events[subject], name) for subject, name in rows)[:limit]]

    def own_fields(self, population: Population, event_key: int, fields: Sequence[OwnField]) -> Row | None:
        """What own fields say of one event, decided or not, as filters see them; None where it is not there.

        A field without a value is an empty text or None.
        """
        of = asked(self._engine, self._tables, population).of_event(event_key)
        values = [own_expression(each, population.shape, of.into) or "NULL" for each in fields]
        columns = ", ".join(f"{value} AS value_{place}" for place, value in enumerate(values))
        names = ", ".join(f"value_{place}" for place in range(len(values)))
        found = self._engine.rows(
            f"SELECT {columns} FROM ({of.rows()}) GROUP BY version, {names} HAVING sum(sign) > 0", of.into.values
        )
        return found[0] if found else None


def put_together(query: str, of: Asked, groups: str) -> str:
    """The query over the groups of a population."""
    # no more than that: a condition on what is grouped by is put to every row before it is grouped
    on_groups = f"WHERE {' AND '.join(of.met.on_states)}" if of.met.on_states else ""
    return query.replace("{groups}", groups).replace("{where}", on_groups)


def most_changed(changed: Sequence[ChangedSubject], limit: int) -> dict[int, int]:
    """The events of the subjects with the most of them: so many, and all that are level with the last one."""
    most = sorted((each.events for each in changed), reverse=True)[:limit]
    return {each.subject_key: each.events for each in changed if each.events >= most[-1]}


def latest_changed(changed: Sequence[ChangedSubject], limit: int) -> dict[int, int]:
    """When those changed that have the first so many events, latest first; all that are level with the last one."""
    found: dict[int, int] = {}
    events = 0
    last = None
    for each in sorted(changed, key=lambda each: -each.changed_at):
        if events >= limit and each.changed_at != last:
            break
        found[each.subject_key] = last = each.changed_at
        events += each.events
    return found
