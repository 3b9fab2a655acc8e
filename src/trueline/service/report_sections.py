"""Sections of the report: each from counts to what is shown of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trueline.metrics.costs import expected_cost, time_saved
from trueline.metrics.counts import TruthPolicy
from trueline.metrics.missed import missed
from trueline.metrics.partial import partial_figures
from trueline.metrics.reasons import wrong_by_reason
from trueline.metrics.reviews import reviewed_shares
from trueline.metrics.scored import matrix_figures, matrix_of
from trueline.metrics.scores import trace
from trueline.service.evaluation import evaluation
from trueline.service.job_settings import rework
from trueline.service.shown import shown_figure, shown_mass, shown_proportion

if TYPE_CHECKING:
    from trueline.metrics.missed import Bound
    from trueline.metrics.partial import ThreeFigures
    from trueline.metrics.reviews import ReviewedShare
    from trueline.metrics.scored import MatrixFigures
    from trueline.service.reported import Reported


def policies(of: Reported) -> dict[str, Any]:
    """Both readings of the truth side by side, as the compatible endpoint has them, and how much was reviewed."""
    shares = reviewed_shares(of.counts, of.job.labels)
    return {
        "reviewed": {
            "overall": _share(shares.overall),
            "per_decision": {label: _share(share) for label, share in shares.per_decision.items()},
        },
        **{policy.value: _policy(of, policy) for policy in TruthPolicy},
    }


def _policy(of: Reported, policy: TruthPolicy) -> dict[str, Any]:
    matrix = [[cell.events for cell in row] for row in matrix_of(of.counts, of.job.labels, policy)]
    return {**evaluation(matrix, of.job.labels), "time_saved_minutes": of.job.minutes_per_alert * trace(matrix)}


def _share(share: ReviewedShare) -> dict[str, Any]:
    return {
        "total": shown_mass(share.total),
        "reviewed": shown_mass(share.reviewed),
        "undecided": shown_mass(share.undecided),
        "share": shown_figure(share.share),
        "sentence": share.sentence,
    }


def scores(of: Reported) -> dict[str, Any]:
    """The scores of both confusion matrices, each with its interval."""
    return {
        policy.value: _scores(matrix_figures(of.counts, of.job.labels, policy, of.digest, of.level))
        for policy in TruthPolicy
    }


def _scores(figures: MatrixFigures) -> dict[str, Any]:
    return {
        "accuracy": shown_proportion(figures.accuracy),
        "precision": shown_figure(figures.precision),
        "recall": shown_figure(figures.recall),
        "f1_score": shown_figure(figures.f1_score),
        "per_label": {
            label: {
                "precision": shown_proportion(each.precision),
                "recall": shown_proportion(each.recall),
                "f1_score": shown_figure(each.f1_score),
            }
            for label, each in figures.per_label.items()
        },
        "assumption": figures.assumption,
    }


def partly_reviewed(of: Reported) -> dict[str, Any]:
    """Recall, precision and miss rate of each label three ways, what the estimate rests on, why it was reviewed."""
    return {
        "basis": {
            label: {"basis": basis.value, "assumption": of.estimated.assumptions[label]}
            for label, basis in of.estimated.basis.items()
        },
        "per_label": {
            label: {
                "recall": _three(each.recall),
                "precision": _three(each.precision),
                "miss_rate": _three(each.miss_rate),
            }
            for label, each in partial_figures(of.counts, of.estimated, of.level).items()
        },
        "wrong_by_reason": {
            label: {reason: shown_proportion(share) for reason, share in shares.items()}
            for label, shares in wrong_by_reason(of.counts, of.job.labels, of.level).items()
        },
    }


def _three(figures: ThreeFigures) -> dict[str, Any]:
    return {
        "reviewed_only": shown_figure(figures.reviewed_only),
        "weighted": shown_figure(figures.weighted),
        "bounds": shown_figure(figures.bounds),
    }


def costs(of: Reported) -> dict[str, Any]:
    """What was missed of the label that matters most, what errors cost, and the time that right decisions save."""
    headline = of.job.headline
    found = missed(of.counts, of.estimated, headline, of.level)
    saved = time_saved(of.counts, of.estimated, of.job.minutes_per_alert, rework(of.job), of.level)
    return {
        "missed": {
            "label": headline,
            "overall": _bound(found.overall),
            "per_decision": {label: _bound(bound) for label, bound in found.per_decision.items()},
            "miss_rate": shown_proportion(found.miss_rate),
            "estimated": shown_figure(found.estimated),
            "top_events_ids": None if of.missed_events is None else list(of.missed_events),
        },
        "expected_cost": {
            "unit": of.costs.unit,
            "total": shown_figure(expected_cost(of.counts, of.estimated, of.costs, of.level)),
        },
        "time_saved_minutes": {
            "compatible": saved.compatible,
            "saved": shown_figure(saved.saved),
            "rework": shown_figure(saved.rework),
        },
    }


def _bound(bound: Bound) -> dict[str, Any]:
    return {
        "found": shown_mass(bound.found),
        "reviewed": shown_mass(bound.reviewed),
        "rate": shown_figure(bound.rate),
    }
