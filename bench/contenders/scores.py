"""The scores that a user works out of a matrix of counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from questions import Answer
from stream import LABELS, UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_PLACES: Final = {label: place for place, label in enumerate(LABELS)}
_DIGITS: Final = 12


def answer_from_counts(rows: Iterable[tuple[str, str | None, int]], truth: str) -> Answer:
    """Make the answer of so many events for each decision and consensus, as ``GROUP BY`` gives them."""
    matrix = np.zeros((len(LABELS), len(LABELS)), dtype=np.int64)
    events = with_consensus = 0
    for decision, consensus, count in rows:
        events += count
        if consensus is None:
            if truth == "implicit":
                matrix[_PLACES[decision], _PLACES[decision]] += count
        elif consensus != UNDECIDED:
            with_consensus += count
            matrix[_PLACES[consensus], _PLACES[decision]] += count
    return answer_from_matrix(matrix, events, with_consensus)


def answer_from_matrix(matrix: NDArray[np.int64], events: int, with_consensus: int) -> Answer:
    """Make the answer, its scores of each label and over all labels that occur."""
    right, decided, true = np.diagonal(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    occurs = decided + true > 0
    precision = np.divide(right, decided, out=np.zeros(len(matrix)), where=decided > 0)
    recall = np.divide(right, true, out=np.zeros(len(matrix)), where=true > 0)
    f1_score = np.divide(2 * right, decided + true, out=np.zeros(len(matrix)), where=occurs)
    total = matrix.sum()
    overall = (
        (right.sum() / total, *(each[occurs].mean() for each in (precision, recall, f1_score)))
        if total
        else (None,) * 4
    )
    return answer(matrix.tolist(), events, with_consensus, overall)


def answer(
    matrix: Iterable[Iterable[int]], events: int, with_consensus: int, overall: Iterable[float | None]
) -> Answer:
    """Make the answer of numbers worked out elsewhere."""
    return Answer(
        tuple(tuple(row) for row in matrix),
        events,
        with_consensus,
        tuple(None if score is None else round(float(score), _DIGITS) for score in overall),
    )
