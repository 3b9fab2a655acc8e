"""What a report tells of its whole population beside its counts of reviews: people, confidence, models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trueline.service.agreement_section import agreement_section
from trueline.service.confidence_section import confidence_section
from trueline.service.models_section import models_section, read_sides
from trueline.service.telling import Further, Telling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.catalog.records import Job, Model
    from trueline.ledger.population import Population
    from trueline.ledger.store import Ledger


def further_sections(
    ledger: Ledger, job: Job, population: Population, telling: Telling, trained: Sequence[Model]
) -> dict[str, dict[str, Any] | None]:
    """Each of `Further` by its name; null where it is not asked for. `trained` are the models that were known.

    Raises:
        InvalidRequestError: a rate that cannot be promised, or not just two models.
        ModelNotFoundError: a model that is not known.
        QueryTimeoutError: it took longer than the budget.
    """
    asked = telling.further()
    found: dict[str, dict[str, Any] | None] = dict.fromkeys(Further)
    sides = read_sides(ledger, population, trained, telling.first_model, telling.second_model)
    if Further.AGREEMENT in asked:
        found[Further.AGREEMENT] = agreement_section(
            ledger, population, ordered=job.labels_ordered, level=telling.level
        )
    if Further.CONFIDENCE in asked:
        found[Further.CONFIDENCE] = confidence_section(
            ledger, population, promised_error_rate=telling.promised_error_rate, level=telling.level
        )
    if Further.MODELS in asked:
        found[Further.MODELS] = models_section(ledger, population, sides, level=telling.level)
    return {name.value: found[name] for name in Further}
