"""Scores of a confusion matrix: per decision, one against the rest, and overall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Matrix = list[list[int]]


@dataclass(frozen=True, slots=True)
class DecisionScores:
    """How well one decision was made. Scores are fractions from 0 to 1, 0.0 where nothing defines them."""

    precision: float
    recall: float
    f1_score: float
    true_positives: int
    true_negatives: int
    false_positives: int
    false_negatives: int

    def told(self) -> dict[str, float | int]:
        """The same by name, in the documented order."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class OverallScores:
    """How well all decisions were made: fractions from 0 to 1; all None for an empty matrix."""

    accuracy: float | None
    precision: float | None
    recall: float | None
    f1_score: float | None


def scores_per_decision(matrix: Matrix, labels: Sequence[str]) -> dict[str, DecisionScores]:
    """Score each label against the rest, in the order of the matrix.

    Precision TP / (TP + FP), recall TP / (TP + FN), F1 2 TP / (2 TP + FP + FN); 0/0 gives 0.0
    (van Rijsbergen, Information Retrieval, 1979, chapter 7; as scikit-learn with ``zero_division=0``).
    """
    total = sum(map(sum, matrix))
    scores: dict[str, DecisionScores] = {}
    for label, (true_positives, decided, true) in zip(labels, _sums(matrix), strict=True):
        scores[label] = DecisionScores(
            precision=_ratio(true_positives, decided),
            recall=_ratio(true_positives, true),
            f1_score=_ratio(2 * true_positives, decided + true),
            true_positives=true_positives,
            true_negatives=total - decided - true + true_positives,
            false_positives=decided - true_positives,
            false_negatives=true - true_positives,
        )
    return scores


def overall_scores(matrix: Matrix) -> OverallScores:
    """Score all decisions together.

    Accuracy is trace / N. Precision, recall and F1 are the unweighted means over the labels that occur as
    truth or as decision (the macro average as scikit-learn takes it when no labels are given).
    """
    total = sum(map(sum, matrix))
    if total == 0:
        return OverallScores(None, None, None, None)
    each = [(right, decided, true) for right, decided, true in _sums(matrix) if decided or true]
    return OverallScores(
        accuracy=trace(matrix) / total,
        precision=sum(_ratio(right, decided) for right, decided, _ in each) / len(each),
        recall=sum(_ratio(right, true) for right, _, true in each) / len(each),
        f1_score=sum(_ratio(2 * right, decided + true) for right, decided, true in each) / len(each),
    )


def trace(matrix: Matrix) -> int:
    """The number of events whose decision is the truth."""
    return sum(row[index] for index, row in enumerate(matrix))


def _sums(matrix: Matrix) -> list[tuple[int, int, int]]:
    """Of each label, how many events were rightly decided as it, decided as it, and are truly it."""
    decided = map(sum, zip(*matrix, strict=True))
    return [(row[index], of_all, sum(row)) for index, (row, of_all) in enumerate(zip(matrix, decided, strict=True))]


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
