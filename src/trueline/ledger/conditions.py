"""Filters as SQL conditions on the ledger's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trueline.filters.fields import Kind, OwnField, own_field
from trueline.filters.operators import Comparison
from trueline.instants import parse_micros
from trueline.labels import UNDECIDED
from trueline.ledger import membership as among
from trueline.ledger import predicates as of
from trueline.ledger.document_conditions import on_document
from trueline.ledger.membership import Wanted

if TYPE_CHECKING:
    from trueline.filters.request import Filter, Scalar
    from trueline.ledger.job_tables import JobTable
    from trueline.ledger.parameters import Parameters


@dataclass(frozen=True, slots=True)
class JobShape:
    """What a condition on own fields depends on in a job, as the job is now."""

    labels: tuple[str, ...]
    by_bucket: bool
    low_confidence_below: float
    min_votes: int = 1
    """Of account only for what was known at an earlier moment, whose consensus is worked out when it is asked for."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions on the events themselves, and those that need the state of their subjects too."""

    on_events: list[str]
    on_states: list[str]
    """Need what is the same for all events of a subject that came with the same consensus."""
    on_moments: list[str]
    """Need the moment that an event's consensus was worked out, too."""


_OF_STATES = {
    OwnField.CONSENSUS,
    OwnField.BUCKET_STATE,
    OwnField.KNOWLEDGE_BASE_STATE,
    OwnField.UNDECIDED_CONSENSUS,
}
_OF_KINDS = _OF_STATES | {OwnField.RESULT_LABEL, OwnField.RESULT, OwnField.PIPELINE_STATUS}
_OF_TRAININGS = {OwnField.BUCKET_STATE, OwnField.KNOWLEDGE_BASE_STATE}
_OF_SUBJECTS = _OF_STATES | {OwnField.LAST_COMPUTE_CONSENSUS_TIMESTAMP}


def ask_for_subjects(filters: tuple[Filter, ...]) -> bool:
    """Whether any filter needs the states of subjects."""
    return any(asks_for_subject(each.field) for each in filters)


def ask_for_kinds_alone(filters: tuple[Filter, ...]) -> bool:
    """Whether every filter is on what events are counted by: decision, consensus and what a training changed."""
    return all(own_field(each.field) in _OF_KINDS for each in filters)


def on_events(filters: tuple[Filter, ...]) -> tuple[Filter, ...]:
    """Those of filters that need no states of subjects."""
    return tuple(each for each in filters if not asks_for_subject(each.field))


def on_states(filters: tuple[Filter, ...]) -> tuple[Filter, ...]:
    """Those of filters that need the states of subjects, and of them no moments."""
    return tuple(each for each in filters if own_field(each.field) in _OF_STATES)


def on_kinds(filters: tuple[Filter, ...]) -> tuple[Filter, ...]:
    """Those of filters that are on what events are counted by."""
    return tuple(each for each in filters if own_field(each.field) in _OF_KINDS)


def ask_for_moments(filters: tuple[Filter, ...]) -> bool:
    """Whether any filter needs the moment that an event's consensus was worked out."""
    return any(asks_for_subject(each.field) for each in filters if own_field(each.field) not in _OF_STATES)


def ask_for_trainings(filters: tuple[Filter, ...]) -> bool:
    """Whether any filter needs what a training learned from subjects."""
    return any(own_field(each.field) in _OF_TRAININGS for each in filters)


def asks_for_subject(field: str) -> bool:
    """Whether a field's value needs the state of an event's subject."""
    return own_field(field) in _OF_SUBJECTS


def conditions(filters: tuple[Filter, ...], shape: JobShape, table: JobTable, into: Parameters) -> Conditions:
    """Write every filter as a condition, its values bound as parameters."""
    split = Conditions([], [], [])
    for each in filters:
        own = own_field(each.field)
        positive = on_document(each, table, into) if own is None else _on_own(each, own, shape, into)
        whole = f"NOT ({positive})" if each.operator.negated else f"({positive})"
        if own in _OF_STATES:
            split.on_states.append(whole)
        elif own in _OF_SUBJECTS:
            split.on_moments.append(whole)
        else:
            split.on_events.append(whole)
    return split


def _on_own(each: Filter, own: OwnField, shape: JobShape, into: Parameters) -> str:
    expression = own_expression(own, shape, into)
    if expression is None:
        return of.NEVER
    on_kind = {
        Kind.TEXT: _own_text,
        Kind.NUMBER: _own_number,
        Kind.BOOLEAN: _own_boolean,
        Kind.TIME: _own_time,
    }[own.kind]
    return f"ifNull({on_kind(each, expression, into)}, 0)"


def own_expression(own: OwnField, shape: JobShape, into: Parameters) -> str | None:  # noqa: C901, PLR0911, PLR0912
    """The SQL of an own field's value; an empty text or NULL where it has none, None where no event has one."""
    match own:
        case OwnField.TIMESTAMP:
            return "ts"
        case OwnField.TIMESTAMP_INFERENCE:
            return "arrived_at"
        case OwnField.RESULT_LABEL:
            return "decision"
        case OwnField.RESULT:
            return _class_of("decision", shape, into)
        case OwnField.PREVIOUS_RESULT:
            return _class_of("previous_decision", shape, into)
        case OwnField.CONSENSUS:
            return "toString(consensus)"
        case OwnField.BUCKET_ID:
            return "bucket_id" if shape.by_bucket else "event_id"
        case OwnField.BUCKET_STATE:
            return "state" if shape.by_bucket else None
        case OwnField.KNOWLEDGE_BASE_STATE:
            return None if shape.by_bucket else "state"
        case OwnField.CONFIDENCE_SCORE:
            return "confidence"
        case OwnField.OUTLIER_FLAG:
            return "outlier"
        case OwnField.MODEL_PATH:
            return "model_id"
        case OwnField.ORIGINAL_ID:
            return "event_id"
        case OwnField.PIPELINE_STATUS:
            return "if(decision = '', 'pending_inference', 'OK')"
        case OwnField.LAST_COMPUTE_CONSENSUS_TIMESTAMP:
            return "nullIf(computed_at, fromUnixTimestamp64Micro(0, 'UTC'))"
        case OwnField.LOW_CONFIDENCE:
            return f"ifNull(confidence < {into.bind(float(shape.low_confidence_below), 'Float64')}, 0)"
        case OwnField.UNDECIDED_CONSENSUS:
            return f"(consensus = {into.text(UNDECIDED)})"


def _class_of(column: str, shape: JobShape, into: Parameters) -> str:
    labels = into.bind(list(shape.labels), "Array(String)")
    return f"if({column} = '', '', concat('class_', toString(indexOf({labels}, {column}) - 1)))"


def _own_text(each: Filter, text: str, into: Parameters) -> str:
    match each.operator.comparison:
        case Comparison.EXISTS:
            return f"{text} != ''"
        case Comparison.EQUALS | Comparison.EQUALS_ANY:
            test = among.text_among(text, Wanted.of(each.members), into)
        case Comparison.STARTS_WITH:
            test = of.text_starts(text, each.members[0], into)
        case Comparison.CONTAINS:
            test = of.text_contains(text, each.members[0], into)
        case comparison:
            test = of.text_compares(comparison, text, each.value, into)  # type: ignore[arg-type]
    return f"({text} != '' AND {test})"


def _own_number(each: Filter, number: str, into: Parameters) -> str:
    match each.operator.comparison:
        case Comparison.EXISTS:
            return f"isNotNull({number})"
        case Comparison.EQUALS | Comparison.EQUALS_ANY:
            return among.double_among(number, Wanted.of(each.members), into)
        case Comparison.STARTS_WITH:
            return of.text_starts(f"toString({number})", each.members[0], into)
        case Comparison.CONTAINS:
            return of.text_contains(f"toString({number})", each.members[0], into)
        case comparison:
            if not isinstance(each.value, int | float):
                return of.NEVER
            return of.double_compares(comparison, number, each.value, into)


def _own_boolean(each: Filter, boolean: str, _: Parameters) -> str:
    match each.operator.comparison:
        case Comparison.EXISTS:
            return f"isNotNull({boolean})"
        case Comparison.EQUALS | Comparison.EQUALS_ANY:
            return among.boolean_among(boolean, Wanted.of(each.members))
        case Comparison.STARTS_WITH:
            met = [word for word in ("true", "false") if word.startswith(of.scalar_text(each.members[0]))]
        case Comparison.CONTAINS:
            met = [word for word in ("true", "false") if of.scalar_text(each.members[0]) in word]
        case _:
            met = []
    return of.any_of([f"{boolean} = {word}" for word in met])


def _own_time(each: Filter, moment: str, into: Parameters) -> str:
    match each.operator.comparison:
        case Comparison.EXISTS:
            return f"isNotNull({moment})"
        case Comparison.EQUALS | Comparison.EQUALS_ANY:
            wanted = [micros for member in each.members if (micros := _as_micros(member)) is not None]
            return among.moment_among(moment, wanted, into)
        case Comparison.STARTS_WITH:
            return of.text_starts(of.moment_text(moment), each.members[0], into)
        case Comparison.CONTAINS:
            return of.text_contains(of.moment_text(moment), each.members[0], into)
        case comparison:
            if isinstance(each.value, int | float):
                return of.NEVER
            return of.moment_compares(comparison, moment, each.value, into)  # type: ignore[arg-type]


def _as_micros(value: Scalar) -> int | None:
    try:
        return parse_micros(value) if isinstance(value, str) else None
    except ValueError:
        return None
