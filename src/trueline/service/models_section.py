"""The section of the report about two models, or two decisions, on the same events: which is better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trueline.ledger.decision_pairs import Sides
from trueline.metrics.comparison import compare, each_event, flips
from trueline.service.errors import InvalidRequestError
from trueline.service.model_metrics import model_not_found
from trueline.service.shown import shown_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.catalog.records import Model
    from trueline.ledger.population import Population
    from trueline.ledger.store import Ledger
    from trueline.metrics.paired import PairedTable

MOST_FLIPS: Final = 20
"""Pairs of labels that flips are told of by."""
MOST_IDS: Final = 10
"""Of the events that flipped from one label to another."""


def read_sides(
    ledger: Ledger,
    population: Population,
    trained: Sequence[Model],
    first_model: str | None = None,
    second_model: str | None = None,
) -> Sides:
    """Read whose decisions are compared: two models', or, where none is named, the last but one with the last.

    A model is known when it was registered, or when any decision in the job is by it; as of a moment, until then.

    Args:
        ledger: Where decisions are.
        population: Of which job, and as of when; its window and filters make no model unknown.
        trained: The models that were registered until then.
        first_model: The id of one.
        second_model: And of the other.

    Raises:
        InvalidRequestError: one of the two is missing, or both are the same.
        ModelNotFoundError: one is not known.
    """
    named = {"first_model": first_model, "second_model": second_model}
    models = [model for model in named.values() if model is not None]
    if not models:
        return Sides()
    for name, model in named.items():
        if model is None:
            raise InvalidRequestError(("query", name), f"{name} is missing: it takes two models to compare")
    if first_model == second_model:
        raise InvalidRequestError(("query", "second_model"), "second_model is the first_model: name two to compare")
    for model in models:
        registered = any(each.id == model for each in trained)
        if not registered and not ledger.decision_pairs.has_decided(population.job_id, model, population.as_of):
            raise model_not_found(population.job_id, model)
    return Sides(first_model, second_model)


def models_section(ledger: Ledger, population: Population, sides: Sides, *, level: float = 0.95) -> dict[str, Any]:
    """Compare two decisions on those events of a population that have both.

    Right is what the consensus says, whatever policy was asked for: a decision is not its own truth. In a job grouped
    by bucket each bucket counts once: see `compare`.

    Args:
        ledger: Where decisions are; the job's consensus is settled.
        population: On which events.
        sides: Whose decisions: see `read_sides`.
        level: Of the intervals.

    Raises:
        QueryTimeoutError: it took longer than the budget.
    """
    by_bucket = population.shape.by_bucket
    pairs = ledger.decision_pairs.pairs(population, sides)
    subjects = ledger.decision_pairs.subjects(population, sides) if by_bucket else each_event(pairs)
    found = compare(subjects, level)
    flipped = flips(pairs)
    kinds = [(flip.first, flip.second) for flip in flipped[:MOST_FLIPS]]
    ids = ledger.decision_pairs.flipped(population, sides, kinds, MOST_IDS)
    return {
        "compared": "decisions" if sides.first is None else "models",
        "first_model": sides.first,
        "second_model": sides.second,
        "counted": "buckets" if by_bucket else "events",
        "events_decided_by_both": sum(pair.events for pair in pairs),
        "events_with_truth": sum(pair.events for pair in pairs if pair.truth is not None),
        "events": _table(found.events),
        "subjects": _table(found.subjects),
        "first_right": shown_figure(found.first),
        "second_right": shown_figure(found.second),
        "difference": shown_figure(found.difference),
        "mcnemar_p_value": shown_figure(found.p_value),
        "flips": [
            {
                "first": flip.first,
                "second": flip.second,
                "events": flip.events,
                "first_right": flip.first_right,
                "second_right": flip.second_right,
                "neither_right": flip.neither_right,
                "without_truth": flip.without_truth,
                "events_ids": ids[flip.first, flip.second],
            }
            for flip in flipped[:MOST_FLIPS]
        ],
        "flips_left_out": len(flipped[MOST_FLIPS:]),
    }


def _table(table: PairedTable) -> dict[str, float]:
    return {
        "both_right": table.both_right,
        "only_first": table.only_first,
        "only_second": table.only_second,
        "neither": table.neither,
    }
