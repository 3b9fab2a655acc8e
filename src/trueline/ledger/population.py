"""Populations put into words of the engine: which rows a question is about, and the states of their subjects.

A subject's state is what was voted on it later than its event's first line, and what the active model learned of it.
Most subjects have none, and of those that have, all events that came with the same consensus are alike: so rows are
counted by subject where that has a state, and the states joined to the counts; row by row only where nothing less will
do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from trueline.ledger.as_of import DRAWS_THEN, VOTES_THEN, VotedThen, events_then, voted_then
from trueline.ledger.conditions import Conditions, JobShape, conditions
from trueline.ledger.parameters import Parameters
from trueline.ledger.votes import has_consensus_rows
from trueline.metrics.hours import spans_of
from trueline.metrics.parts import CONFIDENCE_UNITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.filters.request import Filter
    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables


@dataclass(frozen=True, slots=True)
class Population:
    """Which of a job's events a question is about."""

    job_id: int
    shape: JobShape
    training: int | None
    """The training of the active model, whose knowledge base the states are against."""
    start: int | None
    """Inclusive, in microseconds since 1970; None: from the first event on."""
    end: int | None
    """Exclusive."""
    filters: tuple[Filter, ...]
    by_arrival: bool = False
    """Whether start and end are about the arrival of events; else about when they happened."""
    hours: tuple[int, ...] | None = None
    """Only events that happened in one of these hours since 1970 are counted, ascending; None: in any."""
    as_of: int | None = None
    """Only what had arrived until then is known, microseconds since 1970; None: all. See `trueline.service.as_of`."""

    @property
    def is_of_now(self) -> bool:
        """Whether it is of what is known now, by when it happened: what counts that are kept are about."""
        return self.as_of is None and not self.by_arrival


_EVENTS = """
SELECT ts, arrived_at, event_key, version, sign, event_id, subject_key, bucket_id,
       outcome, decision, previous_decision, confidence, model_id, outlier,
       consensus AS first_consensus, consensus_changed_at AS first_changed_at,
       consensus_computed_at AS first_computed_at{columns}
FROM {table}
WHERE {where}"""

_NEVER = "fromUnixTimestamp64Micro(0, 'UTC')"

_VOTED = """
SELECT subject_key, 1 AS voted, consensus AS later_consensus, changed_at AS later_changed_at,
       computed_at AS later_computed_at, 0 AS trained, '' AS trained_label, false AS from_consensus
FROM consensus FINAL WHERE job_id = {job:UInt64}"""

_TRAINED = f"""
SELECT subject_key, 0, '', {_NEVER}, {_NEVER}, 1, toString(label), from_consensus
FROM knowledge_base WHERE job_id = {{job:UInt64}} AND training = {{training:UInt64}}"""

_BOTH = f"""
SELECT subject_key, max(voted) AS voted, max(toString(later_consensus)) AS later_consensus,
       max(later_changed_at) AS later_changed_at, max(later_computed_at) AS later_computed_at,
       max(trained) AS trained, max(trained_label) AS trained_label, max(from_consensus) AS from_consensus
FROM ({{voted}}
UNION ALL {_TRAINED})
GROUP BY subject_key"""

VOTES: Final = "(SELECT * FROM votes WHERE job_id = {job:UInt64})"
"""The votes on a job's subjects."""
DRAWS: Final = "(SELECT * FROM audit_draws WHERE job_id = {job:UInt64})"
"""The subjects of a job that were drawn for audits."""

VOTED_KEYS: Final = "SELECT subject_key FROM consensus WHERE job_id = {job:UInt64}"
"""The query of the keys of subjects that were voted on, but for those whose votes came with their events."""
_TRAINED_KEYS = "SELECT subject_key FROM knowledge_base WHERE job_id = {job:UInt64} AND training = {training:UInt64}"

_STATELESS = (
    f"0 AS voted, '' AS later_consensus, {_NEVER} AS later_changed_at,"
    " 0 AS trained, '' AS trained_label, false AS from_consensus"
)

_JOINED = """
SELECT * FROM ({events}) AS event
LEFT ANY JOIN ({subjects}) AS subject USING (subject_key)"""

_UNJOINED = f"""
SELECT *, {_NEVER} AS later_computed_at, {_STATELESS}
FROM ({{events}})"""

STATE_NAME: Final = "multiIf(changed, 'retrain', trained, 'in_knowledge_base', consensus != '', 'pending', 'new')"
"""The state that follows from a consensus, whether the model learned from it, and whether it changed since."""

_STATE: Final = f"""
       if(voted, toString(later_consensus), toString(first_consensus)) AS consensus,
       trained AND if(consensus = '', from_consensus, consensus != trained_label) AS changed,
       {STATE_NAME} AS state,
       if(voted, later_changed_at, first_changed_at) AS changed_at"""
"""What follows from what an event came with and the state of its subject."""

_STATES = f"""
SELECT *,{_STATE},
       if(voted, later_computed_at, first_computed_at) AS computed_at
FROM ({{joined}})"""

# the engine groups by one column of few different texts several times as fast as by two, and decisions and
# consensus stand together in `outcome`
_ALONE = f"""
SELECT outcome{{parts}}, 0 AS marked, {{first_changed_at}} AS first_changed_at, sum(sign) AS events, {_STATELESS}
FROM {{table}} WHERE {{where}} GROUP BY outcome{{of_parts}}"""

_BY_SUBJECT = """
SELECT * FROM
(
    SELECT outcome{parts}, {marked} AS marked,
           {first_changed_at} AS first_changed_at, sum(sign) AS events
    FROM {table} WHERE {where} GROUP BY outcome, marked{of_parts}
) AS counted
LEFT ANY JOIN ({subjects}) AS subject ON counted.marked = subject.subject_key"""

_MARKED = """
SELECT toString(outcome) AS outcome, {marked} AS marked,
       toUnixTimestamp64Micro({first_changed_at}) AS first_changed_at, sum(sign) AS events{in_time}
FROM {table} WHERE {where} GROUP BY outcome, marked"""

_IN_TIME = """,
       toUnixTimestamp64Micro(min(ts)) AS first, toUnixTimestamp64Micro(max(ts)) AS last,
       countIf(sign < 0) AS taken_back, toUnixTimestamp64Micro(minIf(ts, sign < 0)) AS first_back,
       toUnixTimestamp64Micro(maxIf(ts, sign < 0)) AS last_back"""

_GROUPS_WITH_STATES = f"""
SELECT *, splitByChar('\\0', toString(outcome))[1] AS outcome_decision,
       splitByChar('\\0', toString(outcome))[2] AS first_consensus,{_STATE}
FROM ({{groups}})"""

_ONE_BY_ONE = """
SELECT outcome{parts}, subject_key AS marked, max(first_changed_at) AS first_changed_at, sum(sign) AS events,
       voted, later_consensus, later_changed_at, trained, trained_label, from_consensus
FROM ({source})
GROUP BY outcome, marked, voted, later_consensus, later_changed_at, trained, trained_label, from_consensus{of_parts}"""

_PARTS = f"""
       , {{start}} AS interval_start, model_id AS model,
       sum(sign * toInt128(round(ifNull(confidence, 0) * {CONFIDENCE_UNITS}))) AS confidence_total,
       sumIf(sign, isNotNull(confidence)) AS with_confidence,
       sumIf(sign, ifNull(confidence < {{low}}, 0)) AS with_low_confidence"""
_OF_PARTS = ", interval_start, model"


@dataclass(frozen=True, slots=True)
class Asked:
    """A population as the engine is asked about it, its values bound."""

    table: str
    """The source of rows of events: the job's table, or what stands for it."""
    where: str
    """The condition on the rows of the table."""
    met: Conditions
    into: Parameters
    by_bucket: bool
    subjects: str | None
    """The query of the states of subjects; None where every state stands with its event."""
    subject_keys: str
    """The query of their keys."""
    votes: str
    """The source of the votes on the job's subjects, in the columns of their table."""
    draws: str
    """Likewise of the job's subjects that were drawn for audits."""

    @property
    def can_change(self) -> bool:
        """Whether there is a training that subjects may have changed after."""
        return "training" in self.into.values

    @property
    def on_subjects(self) -> list[str]:
        """The conditions that need the states of subjects."""
        return self.met.on_states + self.met.on_moments

    def also(self, condition: str) -> Asked:
        """The same of the rows that meet one more condition."""
        return replace(self, where=f"{self.where} AND {condition}")

    def standing(self) -> Asked:
        """The same of the rows that set versions which nothing takes back: each event once.

        A row that takes a version back has all that row's values, and arrivals are never the same twice. The engine
        answers both parts of the statement from one moment's rows.
        """
        return self.also(f"sign > 0 AND version NOT IN (SELECT version FROM {self.table} WHERE sign < 0)")

    def of_event(self, event_key: int) -> Asked:
        """The same of one event alone."""
        alone = self.also(f"event_key = {self.into.bind(event_key, 'UInt64')}")
        if self.subjects is None:
            return alone
        of_event = f"SELECT subject_key FROM {self.table} WHERE {alone.where}"
        return replace(alone, subjects=f"SELECT * FROM ({self.subjects}) WHERE subject_key IN ({of_event})")

    def of_subjects(self, keys: Sequence[int]) -> Asked:
        """The same, where no states are needed but those of these subjects."""
        if self.subjects is None:
            return self
        named = self.into.bind(list(keys), "Array(UInt64)")
        return replace(self, subjects=f"SELECT * FROM ({self.subjects}) WHERE subject_key IN {named}")

    def rows(self, *columns: str) -> str:
        """The query of the population's rows, each with the state of its subject and these further columns."""
        further = "".join(f", {column}" for column in columns)
        events = _EVENTS.replace("{columns}", further).replace("{table}", self.table).replace("{where}", self.where)
        joined = _UNJOINED if self.subjects is None else _JOINED.replace("{subjects}", self.subjects)
        states = _STATES.replace("{joined}", joined.replace("{events}", events))
        return f"SELECT * FROM ({states}) WHERE {' AND '.join(self.on_subjects)}" if self.on_subjects else states

    def learned_rows(self, *columns: str) -> str:
        """The same with no more of a subject's state than whether the model learned from it, which is found faster."""
        if self.on_subjects:
            return self.rows(*columns)
        trained = f"subject_key IN ({_TRAINED_KEYS})" if self.can_change else "0"
        named = ", ".join(["decision", "model_id", "sign", f"{trained} AS trained", *columns])
        return f"SELECT {named} FROM {self.table} WHERE {self.where}"

    def columns(self, **columns: str) -> str:
        """The query of the population's rows with just these columns: their names, and expressions on an event's own.

        With the states of subjects only where a filter asks for them, and none to be selected.
        """
        named = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
        if not self.on_subjects:
            return f"SELECT {named} FROM {self.table} WHERE {self.where}"
        kept = ", ".join(f"selected_{name} AS {name}" for name in columns)
        rows = self.rows(*(f"{expression} AS selected_{name}" for name, expression in columns.items()))
        return f"SELECT {kept} FROM ({rows})"

    def groups(self) -> str:
        """The query of the population's rows counted by outcome and, where that has a state, by subject."""
        return self._groups("", "")

    def groups_without_states(self, *, in_time: bool) -> str:
        """As `groups`, with no more of a subject than its key; conditions on states are not put to them.

        Args:
            in_time: Whether with the columns that `GROUPS_IN_TIME` has beside.
        """
        return self._filled(_MARKED.replace("{in_time}", _IN_TIME if in_time else ""), each_subject=False)

    def groups_in_parts(self, width: int | None, low_confidence_below: float) -> str:
        """As `groups_with_states`, counted also by interval and model, with what is to be told of confidence.

        Args:
            width: Of the intervals, microseconds, whose bounds are its multiples since 1970; None: one interval, 0.
            low_confidence_below: Percent.
        """
        start = "0"
        if width is not None:
            ts, wide = "toUnixTimestamp64Micro(ts)", self.into.bind(width, "Int64")
            start = f"{ts} - positiveModulo({ts}, {wide})"
        low = self.into.bind(float(low_confidence_below), "Float64")
        groups = self._groups(_PARTS.replace("{start}", start).replace("{low}", low), _OF_PARTS)
        return _GROUPS_WITH_STATES.replace("{groups}", groups)

    def groups_by(self, **columns: str) -> str:
        """As `groups_with_states`, counted also by these: their names, and expressions on an event's own columns."""
        of_parts = "".join(f", {name}" for name in columns)
        named = [f"{expression} AS {name}" for name, expression in columns.items()]
        # rows that come with their states have none of an event's columns but those that are asked for
        parts = of_parts if self.met.on_moments else "".join(f", {column}" for column in named)
        return _GROUPS_WITH_STATES.replace("{groups}", self._groups(parts, of_parts, further=named))

    def groups_of_reviews(self, parts: str, of_parts: str, *, further: Sequence[str] = (), one_by_one: bool) -> str:
        """As `groups_with_states`, in a job grouped by bucket for every subject apart, counted also by further parts.

        Args:
            parts: Further columns, each with a comma before it.
            of_parts: Their names, likewise.
            further: Columns that the parts are made of, where rows are looked at one by one.
            one_by_one: Whether the parts need the states of subjects.
        """
        groups = self._groups(parts, of_parts, further=further, each_subject=self.by_bucket, one_by_one=one_by_one)
        return _GROUPS_WITH_STATES.replace("{groups}", groups)

    def _groups(
        self,
        parts: str,
        of_parts: str,
        *,
        further: Sequence[str] = (),
        each_subject: bool = False,
        one_by_one: bool = False,
    ) -> str:
        if self.met.on_moments or one_by_one:
            grouped = _ONE_BY_ONE.replace("{source}", self.rows(*further))
        elif self.subjects is None and not each_subject:
            grouped = _ALONE
        else:
            grouped = _BY_SUBJECT.replace("{subjects}", self.subjects or _VOTED)
        grouped = grouped.replace("{parts}", parts).replace("{of_parts}", of_parts)
        return self._filled(grouped, each_subject=each_subject)

    def _filled(self, grouped: str, *, each_subject: bool) -> str:
        marked = f"if(subject_key IN ({self.subject_keys}), subject_key, 0)" if self.subject_keys else "toUInt64(0)"
        # in a job grouped by bucket no event comes with a consensus
        first = "max(consensus_changed_at)" if self.can_change and not self.by_bucket else _NEVER
        for name, part in {
            "{marked}": "subject_key" if each_subject else marked,
            "{first_changed_at}": first,
            "{table}": self.table,
            "{where}": self.where,
        }.items():
            grouped = grouped.replace(name, part)
        return grouped

    def groups_with_states(self) -> str:
        """The query of `groups`, each with the state of its subject; conditions on states are not put to them yet."""
        return _GROUPS_WITH_STATES.replace("{groups}", self.groups())


def asked(engine: Engine, tables: JobTables, population: Population) -> Asked:
    """Put a population into words of the engine."""
    table = tables.of(population.job_id)
    into = Parameters(job=population.job_id)
    where = ["1"]
    moment = "arrived_at" if population.by_arrival else "ts"
    if population.start is not None:
        where.append(f"{moment} >= {into.moment(population.start)}")
    if population.end is not None:
        where.append(f"{moment} < {into.moment(population.end)}")
    if population.hours is not None:
        spans = [f"ts >= {into.moment(begin)} AND ts < {into.moment(end)}" for begin, end in spans_of(population.hours)]
        where.append(f"({' OR '.join(spans) or '0'})")
    met = conditions(population.filters, population.shape, table, into)
    source, votes, draws = table.name, VOTES, DRAWS
    voted: VotedThen | None = None
    if population.as_of is not None:
        into.values["as_of"] = population.as_of
        source, votes, draws = events_then(table), VOTES_THEN, DRAWS_THEN
        voted = voted_then(engine, population.shape.min_votes, into)
    elif population.training is not None or has_consensus_rows(engine, population.job_id):
        voted = VotedThen(_VOTED, VOTED_KEYS)
    subjects, subject_keys = (None, "") if voted is None else (voted.states, voted.keys)
    if population.training is not None:
        into.values["training"] = population.training
        subjects, subject_keys = _BOTH.replace("{voted}", subjects or ""), f"{subject_keys} UNION ALL {_TRAINED_KEYS}"
    return Asked(
        source,
        " AND ".join([*where, *met.on_events]),
        met,
        into,
        population.shape.by_bucket,
        subjects,
        subject_keys,
        votes,
        draws,
    )
