"""The section of the report about confidence: what it is worth, and what may be decided without people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trueline.metrics.automation import automation_curve, keep_promise
from trueline.metrics.calibration import calibration
from trueline.metrics.figures import Figure, undefined
from trueline.service.errors import InvalidRequestError
from trueline.service.shown import shown_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.ledger.population import Population
    from trueline.ledger.store import Ledger
    from trueline.metrics.automation import AutomationPoint
    from trueline.metrics.calibration import Calibration, ConfidenceCount


def confidence_section(
    ledger: Ledger, population: Population, *, promised_error_rate: float | None = None, level: float = 0.95
) -> dict[str, Any]:
    """Hold the confidence of a population's decisions against the consensus, whatever policy was asked for.

    In a job grouped by bucket each bucket counts once, with its latest decision: see `ConfidenceQuery.counts`.

    Args:
        ledger: Where decisions are; the job's consensus is settled.
        population: Whose decisions.
        promised_error_rate: Look for the lowest threshold that keeps to it; between 0 and 1. None: look for none.
        level: Of the intervals and bounds.

    Raises:
        InvalidRequestError: a rate that cannot be promised.
        QueryTimeoutError: it took longer than the budget.
    """
    if promised_error_rate is not None and not 0 < promised_error_rate < 1:
        raise InvalidRequestError(
            ("query", "promised_error_rate"), "promised_error_rate lies between 0 and 1, as 0.05 does"
        )
    counts = ledger.confidences.counts(population)
    return {
        "counted": "buckets" if population.shape.by_bucket else "events",
        "decisions": sum(count.decisions for count in counts),
        "reviewed": sum(count.reviewed for count in counts),
        **_reliability(calibration(counts, level)),
        "automation": [_point(point) for point in automation_curve(counts, level)],
        "promise": None if promised_error_rate is None else _promise(counts, promised_error_rate, level),
    }


def _reliability(found: Calibration) -> dict[str, Any]:
    return {
        "without_confidence": found.without_confidence,
        "bands": [
            {
                "low": band.low,
                "high": band.high,
                "decisions": band.decisions,
                "reviewed": band.reviewed,
                "mean_confidence": _number(band.mean_confidence, "none of them was reviewed"),
                "right": shown_figure(band.right),
            }
            for band in found.bands
        ],
        "decisions_in_reviewed_bands": found.decisions,
        "expected_calibration_error": shown_figure(found.error),
        "error_by_chance": _number(found.error_by_chance, "no decision with a confidence was reviewed"),
        "overconfidence": shown_figure(found.overconfidence),
    }


def _point(point: AutomationPoint) -> dict[str, Any]:
    return {
        "threshold": point.threshold,
        "decisions": point.decisions,
        "share": shown_figure(point.share),
        "reviewed": point.reviewed,
        "wrong": point.wrong,
        "error_rate": shown_figure(point.error_rate),
    }


def _promise(counts: Sequence[ConfidenceCount], error_rate: float, level: float) -> dict[str, Any]:
    found = keep_promise(counts, error_rate, level)
    return {
        "promised_error_rate": error_rate,
        "kept_from": None if found.point is None else _point(found.point),
        "error_at_most": found.error_at_most,
        "reason": found.reason,
    }


def _number(value: float | None, reason: str) -> dict[str, Any]:
    """A number that is given without an interval; `reason` says why there is none."""
    return shown_figure(undefined(reason) if value is None else Figure(value))
