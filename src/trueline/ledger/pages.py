"""Pages of events: which events a question is about, one after the other, in an order in which no two are alike.

Which events a page has is found in the narrow columns; all else is read of those events only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from trueline.filters.fields import Kind, OwnField
from trueline.ledger.conditions import asks_for_subject, own_expression
from trueline.ledger.errors import LedgerBusyError
from trueline.ledger.events import as_bytes
from trueline.ledger.ordering import ordering
from trueline.ledger.population import asked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.ledger.engine import Engine, Row
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.ordering import Order
    from trueline.ledger.population import Asked, Population

_TRIES = 5

_TO_BE_DECIDED_ANEW = """
(event_key, decision_recorded_at) IN
(SELECT event_key, decision_recorded_at FROM reprocess_requests WHERE job_id = {job:UInt64})"""


@dataclass(frozen=True, slots=True)
class Listing:
    """Events of one job to be listed, decided or not."""

    population: Population
    events: tuple[tuple[int, str], ...] | None = None
    """The keys and ids of the only events it is about; None: all."""
    awaiting_decision: bool = False
    """Only events without a decision, and those whose decision somebody asked to have made anew."""


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """An event as it stands."""

    own_fields: dict[OwnField, Any]
    """Every own field as filters see it: a text, a number, a boolean or a moment; None where it has no value."""
    raw_body: bytes
    """The document as it was sent."""


class EventPages:
    """Lists events of one store."""

    def __init__(self, engine: Engine, tables: JobTables) -> None:
        self._engine = engine
        self._tables = tables

    def count(self, listing: Listing) -> int:
        """How many events a listing has. Exact.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        of = self._asked(listing)
        if of.met.on_moments:
            counting = f"SELECT sum(sign) FROM ({of.rows()})"
        elif of.met.on_states:  # a state is the same for many events: those are counted before it is looked at
            counting = f"SELECT sum(events) FROM ({of.groups_with_states()}) WHERE {' AND '.join(of.met.on_states)}"
        else:
            counting = f"SELECT sum(sign) FROM {of.table} WHERE {of.where}"
        return int(self._engine.rows(counting, of.into.values)[0][0])

    def page(self, listing: Listing, order: Order, size: int, skip: int) -> list[ListedEvent]:
        """So many of a listing's events after the first so many.

        Raises:
            QueryTimeoutError: it took longer than the budget.
            LedgerBusyError: its events were replaced again and again while they were read.
        """
        for _ in range(_TRIES):
            keys = self._keys(listing, order, size, skip)
            if not keys:
                return []
            events = self._events(listing.population, keys)
            if len(events) == len(keys):
                return [events[version] for _, _, version, _ in keys]
        raise LedgerBusyError("the events asked for are being replaced; ask again")

    def request_decisions(self, listing: Listing, request: int) -> int:
        """Note that the decisions in force on a listing's events are to be made anew; gives how many there are.

        Durable when it returns. A decision that is made later is none of them.
        """
        of = self._asked(listing).also("decision != ''").standing()
        number = of.into.bind(request, "UInt64")
        self._engine.insert_select(
            "INSERT INTO reprocess_requests (job_id, event_key, decision_recorded_at, request)"
            f" SELECT {{job:UInt64}}, event_key, decision_recorded_at, {number}"
            f" FROM ({of.rows('decision_recorded_at')})",
            of.into.values,
        )
        found = self._engine.rows(
            "SELECT count() FROM reprocess_requests WHERE job_id = {job:UInt64} AND request = {request:UInt64}",
            {"job": listing.population.job_id, "request": request},
        )
        return int(found[0][0])

    def _asked(self, listing: Listing) -> Asked:
        of = asked(self._engine, self._tables, listing.population)
        if listing.events is not None:
            keys = of.into.bind([key for key, _ in listing.events], "Array(UInt64)")
            ids = of.into.bind([event_id for _, event_id in listing.events], "Array(String)")
            of = of.also(f"event_key IN {keys} AND event_id IN {ids}")
        if listing.awaiting_decision:
            of = of.also(f"(decision = '' OR {_TO_BE_DECIDED_ANEW})")
        return of

    def _keys(self, listing: Listing, order: Order, size: int, skip: int) -> Sequence[Row]:
        """The time, the key, the version and the subject of a page's events, in their order."""
        of = self._asked(listing).standing()
        by = ordering(order, listing.population.shape, self._tables.of(listing.population.job_id), of.into)
        from_rows = bool(of.on_subjects) or asks_for_subject(order.field)
        source, where = (f"({of.rows(*by.columns)})", "1") if from_rows else (of.table, of.where)
        return self._engine.rows(
            f"SELECT toUnixTimestamp64Micro(ts), event_key, version, subject_key FROM {source} WHERE {where}"
            f" ORDER BY {by.clause} LIMIT {size:d} OFFSET {skip:d}",
            of.into.values,
        )

    def _events(self, population: Population, keys: Sequence[Row]) -> dict[int, ListedEvent]:
        """The events of these keys by version; those that are gone meanwhile are left out."""
        of = asked(self._engine, self._tables, _all_of(population)).of_subjects(sorted({row[3] for row in keys}))
        first, last = (of.into.moment(end([row[0] for row in keys])) for end in (min, max))
        named = of.into.bind([row[1] for row in keys], "Array(UInt64)")
        versions = of.into.bind([row[2] for row in keys], "Array(UInt64)")
        of = of.also(f"ts BETWEEN {first} AND {last} AND event_key IN {named} AND version IN {versions} AND sign > 0")
        values = ", ".join(
            f"{own_expression(each, population.shape, of.into) or 'NULL'} AS value_{place}"
            for place, each in enumerate(OwnField)
        )
        rows = self._engine.rows(f"SELECT version, raw_body, {values} FROM ({of.rows('raw_body')})", of.into.values)
        return {
            version: ListedEvent(
                {each: _value(each, value) for each, value in zip(OwnField, own, strict=True)}, as_bytes(raw_body)
            )
            for version, raw_body, *own in rows
        }


def _all_of(population: Population) -> Population:
    return replace(population, start=None, end=None, filters=())


def _value(own: OwnField, value: Any) -> Any:  # noqa: ANN401 - an own field's
    if own.kind is Kind.TEXT:
        return value or None
    return None if value is None else bool(value) if own.kind is Kind.BOOLEAN else value
