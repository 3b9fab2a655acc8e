"""The count of reviews: a population's subjects by all that the report's numbers depend on.

The review probability of a subject is the latest one said by anybody whose vote on it stands. So who corrects a label
without saying it again does not undo that the subject was drawn, and who withdraws does. Where nobody said one, it is
that of the audits it was drawn for. Why it was reviewed follows the same rule, apart from that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from trueline.filters.fields import Kind, own_field
from trueline.ledger.audits import DRAWN
from trueline.ledger.conditions import asks_for_subject, own_expression
from trueline.ledger.document_columns import OBJECT_TAG, ValueKind
from trueline.ledger.document_conditions import columns_at
from trueline.ledger.population import VOTED_KEYS, asked
from trueline.ledger.predicates import moment_text
from trueline.metrics.reviewed_buckets import DECIDED
from trueline.metrics.reviewed_events import BANDED, BANDED_GROUPS
from trueline.metrics.reviews import Mass, ReviewCount

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pyarrow as pa

    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.population import Asked, Population

REST: Final = 0
"""The place of all values that are not among those named."""
WITHOUT: Final = -1
"""The place of events without a value."""

OCCASIONS: Final = """
SELECT subject_key, argMaxIf(likely, likely_at, isNotNull(likely)) AS probability,
       argMaxIf(why, why_at, why != '') AS reason
FROM
(
    SELECT subject_key, override, if(override, '', toString(analyst)) AS who,
           argMax(toString(label), (at, recorded_at)) AS standing,
           argMaxIf(review_probability, (at, recorded_at), isNotNull(review_probability)) AS likely,
           maxIf((at, recorded_at), isNotNull(review_probability)) AS likely_at,
           argMaxIf(toString(review_reason), (at, recorded_at), review_reason != '') AS why,
           maxIf((at, recorded_at), review_reason != '') AS why_at
    FROM {votes}
    WHERE subject_key IN ({said})
    GROUP BY subject_key, override, who
)
WHERE standing != ''
GROUP BY subject_key"""
"""The query of what votes say of the review probability of subjects, and of why they were reviewed; `{said}` is the
query of their keys."""

SAID: Final = "SELECT subject_key FROM {votes} WHERE isNotNull(review_probability) OR review_reason != ''"
"""The query of the keys of subjects of which a vote ever said either."""
_ON_OCCASION = f"{SAID} UNION ALL SELECT subject_key FROM {{draws}}"

# what was drawn and nobody reviewed says nothing yet
_WITH_OCCASION = """
SELECT counted.*,
       if(counted.consensus = '', NULL, coalesce(said.probability, nullIf(drawn.drawn_probability, 0))) AS probability,
       multiIf(counted.consensus = '', '', said.reason != '', said.reason, drawn.drawn_reason) AS reason
FROM ({groups}) AS counted
LEFT ANY JOIN ({said}) AS said ON counted.marked = said.subject_key
LEFT ANY JOIN ({drawn}) AS drawn
    ON counted.marked = drawn.subject_key AND counted.outcome_decision = drawn.drawn_decision"""

# each event is its own subject
_OF_EVENTS = """
SELECT outcome_decision, consensus, band, probability, reason{of_parts}, sum(events) AS size, size, size
FROM ({groups})
{where}
GROUP BY outcome_decision, consensus, band, probability, reason{of_parts}
HAVING size > 0"""

# a bucket's events of one decision are one subject, as sure as the least sure of them
_OF_BUCKETS = """
SELECT outcome_decision, consensus, lowest_band, likely, why{of_parts}, sum(size), count(), sum(size * size)
FROM
(
    SELECT outcome_decision, consensus, marked{of_parts}, any(probability) AS likely, any(reason) AS why,
           sum(events) AS size,
           ifNull(minOrNullIf(band, events > 0 AND band >= 0), -1) AS lowest_band
    FROM ({groups})
    {where}
    GROUP BY outcome_decision, consensus, marked{of_parts}
    HAVING size > 0
)
GROUP BY outcome_decision, consensus, lowest_band, likely, why{of_parts}"""

# the states of subjects are put to these by whoever knows them
_EVENTS_ALONE = """
SELECT toString(outcome) AS outcome, {band}, if(subject_key IN ({marked}), subject_key, 0) AS marked,
       sum(sign) AS events
FROM {table} WHERE {where} GROUP BY outcome, band, marked"""

# by a number for the decision, which costs the engine less than a text; it takes longer to count these by bucket than
# to hand them out
_DECIDED = """
SELECT subject_key, toUInt16(indexOf({decisions}, decision)) AS decided, {band}, sign
FROM {table} WHERE {where} AND decision != ''"""

BAND: Final = "if(isNull(confidence), toInt8(-1), toInt8(least(floor(assumeNotNull(confidence) / 10), 9))) AS band"
"""A tenth of confidence, from 0 to 9; -1 where there is none."""

VERSIONS: Final = f"""
SELECT subject_key, toUnixTimestamp64Micro(ts) AS moment, toString(outcome) AS outcome, {BAND}, sign
FROM {{table}} WHERE {{where}}"""
"""The query of versions of events, with the columns of `BANDED`, of which the moment has another name here."""

_LATER = "SELECT subject_key FROM consensus WHERE job_id = {job:UInt64} AND consensus = {label}"

_VALUES = """
SELECT value, sum(sign) AS events FROM ({rows}) WHERE isNotNull(value) AND decision != ''
GROUP BY value HAVING events > 0 ORDER BY events DESC, value LIMIT {limit}"""


@dataclass(frozen=True, slots=True)
class Split:
    """By what a count of reviews is told apart."""

    bounds: tuple[int, ...] = ()
    """Where intervals begin, microseconds since 1970, ascending; no event is before the first. None: one interval."""
    field: str | None = None
    """An own field, or a path of documents."""
    values: tuple[str, ...] = ()
    """Those of its values that are told apart, as texts."""


@dataclass(frozen=True, slots=True)
class ReviewPart:
    """Subjects that are alike, of one interval and one value.

    In a job grouped by bucket a subject with events in several of them is a subject in each.
    """

    start: int | None
    """Of the interval; None where all is one."""
    value: int | None
    """1 for the first of the values and so on, `REST`, `WITHOUT`; None where all is one."""
    count: ReviewCount


def banded(versions: pa.Table) -> pa.Table:
    """What `VERSIONS` answers, with the columns of `BANDED`."""
    return versions.rename_columns(BANDED.names).cast(BANDED)


class ReviewQuery:
    """Asks the ledger what the report's numbers are made from."""

    def __init__(self, engine: Engine, tables: JobTables) -> None:
        self._engine = engine
        self._tables = tables

    def counts(self, population: Population) -> list[ReviewCount]:
        """Count a population's subjects by decision, consensus, confidence, review probability and reason. Exact.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        return [part.count for part in self.parts(population, Split())]

    def parts(self, population: Population, split: Split) -> list[ReviewPart]:
        """The same, told apart by interval and by value of a field; parts without events are left out.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        of = asked(self._engine, self._tables, population)
        on_occasion = _ON_OCCASION.replace("{votes}", of.votes).replace("{draws}", of.draws)
        known = bool(self._engine.rows(f"SELECT 1 FROM ({on_occasion}) LIMIT 1", of.into.values))
        if known:
            keys = f"{of.subject_keys} UNION ALL {on_occasion}" if of.subject_keys else on_occasion
            of = replace(of, subjects=of.subjects or _NO_STATES, subject_keys=keys)
        parts, of_parts, further = [BAND], ["band"], []
        if split.bounds:
            bounds = of.into.bind(list(split.bounds), "Array(Int64)")
            parts.append(f"roundDown(toUnixTimestamp64Micro(ts), {bounds}) AS interval_start")
            of_parts.append("interval_start")
        one_by_one = bool(of.met.on_moments)
        if split.field is not None:
            value = self._value(population, of, split.field)
            if asks_for_subject(split.field):
                one_by_one = True
            elif one_by_one:
                further.append(f"{value} AS grouped_value")
                value = "grouped_value"
            place = f"indexOf({of.into.bind(list(split.values), 'Array(String)')}, assumeNotNull({value}))"
            parts.append(f"if(isNull({value}), {WITHOUT}, toInt32({place})) AS place")
            of_parts.append("place")
        groups = of.groups_of_reviews(
            "".join(f", {part}" for part in parts),
            "".join(f", {name}" for name in of_parts),
            further=further,
            one_by_one=one_by_one,
        )
        rows = self._engine.rows(_put_together(of, groups, of_parts[1:], known=known), of.into.values)
        return [_part(row, split) for row in rows if row[0]]

    def groups(self, population: Population) -> pa.Table:
        """A population's events counted by all that the report asks for but the states of their subjects.

        No filter may be on these states.

        Returns:
            The columns of `BANDED_GROUPS`.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        of = asked(self._engine, self._tables, population)
        on_occasion = _ON_OCCASION.replace("{votes}", of.votes).replace("{draws}", of.draws)
        query = _EVENTS_ALONE.replace("{marked}", f"{VOTED_KEYS} UNION ALL {on_occasion}")
        query = query.replace("{band}", BAND).replace("{table}", of.table).replace("{where}", of.where)
        return self._engine.table(query, of.into.values).select(BANDED_GROUPS.names).cast(BANDED_GROUPS)

    def decided(self, population: Population, decisions: Sequence[str]) -> pa.Table:
        """The versions of a population's decided events, with no more than the report asks for in a job by bucket.

        No filter may be on the states of their subjects.

        Args:
            population: Whose events.
            decisions: All that there are; of an event decided otherwise meanwhile 0 is told.

        Returns:
            The columns of `DECIDED`.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        of = asked(self._engine, self._tables, population)
        query = _DECIDED.replace("{decisions}", of.into.bind(list(decisions), "Array(String)"))
        query = query.replace("{band}", BAND).replace("{table}", of.table).replace("{where}", of.where)
        return self._engine.table(query, of.into.values).cast(DECIDED)

    def largest(self, population: Population, field: str, limit: int) -> list[str]:
        """The values that most of a population's events have at a field, then in the order of their texts.

        A value is told as its text, numbers as JSON writes them; several at one path are one value, a JSON list.
        Objects have no text, so they are none.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        of = asked(self._engine, self._tables, population)
        value = self._value(population, of, field)
        if asks_for_subject(field):
            rows = f"SELECT {value} AS value, sign, decision FROM ({of.rows()})"
        elif of.on_subjects:
            rows = f"SELECT value, sign, decision FROM ({of.rows(f'{value} AS value')})"
        else:
            rows = f"SELECT {value} AS value, sign, decision FROM {of.table} WHERE {of.where}"
        query = _VALUES.replace("{rows}", rows).replace("{limit}", str(int(limit)))
        return [row[0] for row in self._engine.rows(query, of.into.values)]

    def missed(self, population: Population, label: str, limit: int) -> list[str]:
        """The ids of events whose consensus is a label that they were not decided as: latest ``@timestamp``, then id.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        of = asked(self._engine, self._tables, population)
        named = of.into.text(label)
        # few subjects have that consensus, or had it when they came: the others' states are not looked at
        later = "0"
        if of.subjects is not None:
            keys = _LATER.replace("{label}", named) if population.as_of is None else of.subject_keys
            later = f"subject_key IN ({keys})"
        of = of.also(f"decision NOT IN ('', {named})").also(f"(consensus = {named} OR {later})")
        if of.subjects is not None:
            here = f"SELECT subject_key FROM {of.table} WHERE {of.where}"
            of = replace(of, subjects=f"SELECT * FROM ({of.subjects}) WHERE subject_key IN ({here})")
        rows = self._engine.rows(
            f"SELECT event_id FROM ({of.rows()}) WHERE consensus = {named}"
            f" GROUP BY event_id, ts, version HAVING sum(sign) > 0 ORDER BY ts DESC, event_id LIMIT {limit:d}",
            of.into.values,
        )
        return [row[0] for row in rows]

    def named(
        self, population: Population, label: str, moments: Collection[tuple[int, int]]
    ) -> list[tuple[int, int, str, bool]]:
        """Events not decided as a label, of some subjects' keys and moments or that came with that label as consensus.

        Returns:
            Of each its subject's key, its moment, its id, and whether it came with that consensus.
        """
        of = asked(self._engine, self._tables, population)
        named = of.into.text(label)
        at = of.into.bind(sorted({moment for _, moment in moments}), "Array(Int64)")
        subjects = of.into.bind(sorted({subject for subject, _ in moments}), "Array(UInt64)")
        theirs = f"(toUnixTimestamp64Micro(ts) IN {at} AND subject_key IN {subjects})" if moments else "0"
        of = of.also(f"decision NOT IN ('', {named})").also(f"(consensus = {named} OR {theirs})")
        rows = self._engine.rows(
            f"SELECT subject_key, toUnixTimestamp64Micro(ts), event_id, consensus = {named} AS came FROM {of.table}"
            f" WHERE {of.where} GROUP BY subject_key, ts, event_id, came, version HAVING sum(sign) > 0",
            of.into.values,
        )
        return [(subject, moment, event_id, bool(came)) for subject, moment, event_id, came in rows]

    def _value(self, population: Population, of: Asked, field: str) -> str:
        """The expression of an event's value at a field, as text; NULL where it has none."""
        own = own_field(field)
        if own is None:
            return _document_value(population, self._tables, of, field)
        expression = own_expression(own, population.shape, of.into)
        if expression is None:
            return "CAST(NULL, 'Nullable(String)')"
        match own.kind:
            case Kind.TEXT:
                return f"nullIf(toString({expression}), '')"
            case Kind.NUMBER:
                return f"toString({expression})"
            case Kind.BOOLEAN:
                return f"if(isNull({expression}), NULL, if({expression}, 'true', 'false'))"
            case Kind.TIME:
                return moment_text(expression)


_NO_STATES = (
    "SELECT toUInt64(0) AS subject_key, 0 AS voted, '' AS later_consensus,"
    " fromUnixTimestamp64Micro(0, 'UTC') AS later_changed_at, fromUnixTimestamp64Micro(0, 'UTC') AS later_computed_at,"
    " 0 AS trained, '' AS trained_label, false AS from_consensus WHERE 0"
)


def _document_value(population: Population, tables: JobTables, of: Asked, path: str) -> str:
    texts = []
    for column in columns_at(path, tables.of(population.job_id), of.into):
        if column.kind is ValueKind.SEVERAL:
            bare = f"arrayMap(v -> substring(v, 2), arrayFilter(v -> v != '{OBJECT_TAG}', {column.expression}))"
            texts.append(f"multiIf(empty({bare}), NULL, length({bare}) = 1, {bare}[1], toJSONString({bare}))")
        elif column.kind is not ValueKind.OBJECT:
            texts.append(f"toString({column.expression})")
    return (
        f"coalesce({', '.join(texts)}, CAST(NULL, 'Nullable(String)'))" if texts else "CAST(NULL, 'Nullable(String)')"
    )


def _put_together(of: Asked, groups: str, of_parts: Sequence[str], *, known: bool) -> str:
    if known:
        groups = _WITH_OCCASION.replace("{groups}", groups)
        groups = groups.replace("{said}", OCCASIONS.replace("{said}", SAID)).replace("{drawn}", DRAWN)
        groups = groups.replace("{votes}", of.votes).replace("{draws}", of.draws)
    else:
        groups = f"SELECT *, NULL AS probability, '' AS reason FROM ({groups})"
    query = _OF_BUCKETS if of.by_bucket else _OF_EVENTS
    where = f"WHERE {' AND '.join(of.met.on_states)}" if of.met.on_states else ""
    named = "".join(f", {name}" for name in of_parts)
    return query.replace("{groups}", groups).replace("{where}", where).replace("{of_parts}", named)


def _part(row: Sequence[object], split: Split) -> ReviewPart:
    decision, consensus, band, probability, reason, *parts, events, subjects, squares = row
    count = ReviewCount(
        str(decision),
        str(consensus) or None,
        Mass(int(events), int(subjects), int(squares)),  # type: ignore[call-overload]
        None if band == -1 else int(band),  # type: ignore[call-overload]
        None if not probability else float(probability),  # type: ignore[arg-type]
        str(reason),
    )
    start = parts.pop(0) if split.bounds else None
    return ReviewPart(start, parts[0] if parts else None, count)  # type: ignore[arg-type]
