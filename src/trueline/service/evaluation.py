"""The scores of a confusion matrix as every route of metrics shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trueline.metrics.scores import overall_scores, scores_per_decision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.metrics.scores import Matrix


NO_EVALUATION: Final[dict[str, Any]] = {
    "confusion_matrix": None,
    "overall_accuracy": None,
    "overall_f1_score": None,
    "overall_recall": None,
    "overall_precision": None,
    "metrics_per_decision": {},
}
"""What stands there where nothing was computed."""


def evaluation(matrix: Matrix, labels: Sequence[str]) -> dict[str, Any]:
    """The matrix, the overall scores and the scores per decision, in the documented order."""
    overall = overall_scores(matrix)
    return {
        "confusion_matrix": matrix,
        "overall_accuracy": overall.accuracy,
        "overall_f1_score": overall.f1_score,
        "overall_recall": overall.recall,
        "overall_precision": overall.precision,
        "metrics_per_decision": {label: scores.told() for label, scores in scores_per_decision(matrix, labels).items()},
    }
