"""The section of the report about people: how far they agree, and the model with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trueline.metrics.agreement import agreement_report
from trueline.service.shown import shown_figure

if TYPE_CHECKING:
    from trueline.ledger.population import Population
    from trueline.ledger.store import Ledger
    from trueline.metrics.alpha import Agreement

MOST_SHOWN: Final = 50
"""Pairs, and analysts, that are told of one by one."""


def agreement_section(ledger: Ledger, population: Population, *, ordered: bool, level: float = 0.95) -> dict[str, Any]:
    """How far analysts agree on the subjects that have events in a population.

    Args:
        ledger: Where votes and decisions are; the job's consensus is settled.
        population: Whose subjects.
        ordered: Whether the order of the job's labels means something; else there is no ordinal alpha.
        level: Of the intervals.

    Raises:
        QueryTimeoutError: it took longer than the budget.
    """
    patterns = ledger.vote_patterns.patterns(population)
    found = agreement_report(patterns, population.shape.labels, ordered=ordered, level=level, most=MOST_SHOWN)
    return {
        "counted": "buckets" if population.shape.by_bucket else "events",
        "subjects_with_votes": found.subjects,
        "overall": _agreement(found.overall),
        "pairs": [{"first": pair.first, "second": pair.second, **_agreement(pair.agreement)} for pair in found.pairs],
        "pairs_left_out": found.pairs_left_out,
        "analysts": [
            {
                "analyst": each.analyst,
                "subjects_with_vote": each.subjects,
                "alone": each.alone,
                "others_undecided": each.others_undecided,
                **_agreement(each.agreement),
            }
            for each in found.analysts
        ],
        "analysts_left_out": found.analysts_left_out,
        "human_ceiling": {
            "analysts": _agreement(found.ceiling.analysts),
            "model": _agreement(found.ceiling.model),
            "difference": shown_figure(found.ceiling.difference),
        },
    }


def _agreement(found: Agreement) -> dict[str, Any]:
    return {
        "subjects_compared": found.subjects,
        "raw_agreement": shown_figure(found.agreement),
        "nominal_alpha": shown_figure(found.nominal),
        "ordinal_alpha": shown_figure(found.ordinal),
        "prevalence": {label: shown_figure(share) for label, share in found.prevalence.items()},
    }
