"""The scores of a confusion matrix, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from trueline.metrics.clustered import Proportion, proportion
from trueline.metrics.counts import TruthPolicy
from trueline.metrics.draws import DrawnCell, draw_cells, drawn_figure, draws_of, prior
from trueline.metrics.figures import Figure, undefined
from trueline.metrics.intervals import UNKNOWN_PROPORTION
from trueline.metrics.reviews import Mass, ReviewCount, total
from trueline.metrics.seeded import Seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

Masses = list[list[Mass]]
"""K x K for K labels in their order: row = truth, column = decision."""

IMPLICIT_ASSUMPTION: Final = (
    "A decision that nobody voted on counts as right here. The intervals say how far the count may be off by chance; "
    "they do not say how far that assumption is off."
)


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """How well one label is decided, one against the rest. Shares from 0 to 1."""

    precision: Proportion
    recall: Proportion
    f1_score: Figure


@dataclass(frozen=True, slots=True)
class MatrixFigures:
    """How well a population is decided, under one policy."""

    policy: TruthPolicy
    matrix: Masses
    accuracy: Proportion
    precision: Figure
    """The mean over the labels that have one; so `recall` and `f1_score`."""
    recall: Figure
    f1_score: Figure
    per_label: dict[str, LabelFigures]
    assumption: str | None


def matrix_of(counts: Sequence[ReviewCount], labels: Sequence[str], policy: TruthPolicy) -> Masses:
    """Put counts by truth and decision; what has no truth under the policy is left out."""
    place = {label: index for index, label in enumerate(labels)}
    matrix = [[Mass() for _ in labels] for _ in labels]
    for count in counts:
        truth = count.truth(policy)
        if truth is not None:
            row, column = place[truth], place[count.decision]
            matrix[row][column] += count.mass
    return matrix


def matrix_figures(
    counts: Sequence[ReviewCount], labels: Sequence[str], policy: TruthPolicy, digest: bytes, level: float = 0.95
) -> MatrixFigures:
    """Score a population under a policy.

    Args:
        counts: the population.
        labels: all of the job, in their order.
        policy: what counts as the truth where nobody voted.
        digest: of request and data; the draws follow from it.
        level: of all intervals, between 0 and 1.
    """
    matrix = matrix_of(counts, labels, policy)
    size = range(len(labels))
    right = [matrix[each][each] for each in size]
    missed = [total(matrix[row][column] for column in size if column != row) for row in size]
    wrong = [total(matrix[row][column] for row in size if row != column) for column in size]
    drawn = _draw(matrix, Seeded(digest, f"matrix {policy}"))
    drawn_f1 = None if drawn is None else f1_scores(drawn)
    per_label = {
        label: LabelFigures(
            precision=proportion(right[each], wrong[each], level, f"no event with a truth was decided {label}"),
            recall=proportion(right[each], missed[each], level, f"no event is truly {label}"),
            f1_score=_f1(matrix, each, label, drawn_f1, level),
        )
        for each, label in enumerate(labels)
    }
    table = np.array([[cell.events for cell in row] for row in matrix], np.float64)
    return MatrixFigures(
        policy=policy,
        matrix=matrix,
        accuracy=proportion(total(right), total(missed), level, "no event has a truth"),
        precision=_mean(precisions, table, drawn, labels, level),
        recall=_mean(recalls, table, drawn, labels, level),
        f1_score=_mean(f1_scores, table, drawn, labels, level),
        per_label=per_label,
        assumption=IMPLICIT_ASSUMPTION if policy is TruthPolicy.IMPLICIT else None,
    )


def precisions(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each label in each of ... x K x K matrices; NaN where nothing was decided so."""
    return _shares(_right(matrices), _of_columns(matrices))


def recalls(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each label in each of ... x K x K matrices; NaN where nothing is truly so."""
    return _shares(_right(matrices), _of_rows(matrices))


def f1_scores(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """2 TP / (2 TP + FP + FN) of each label in each of ... x K x K matrices; NaN where it occurs nowhere."""
    return _shares(2 * _right(matrices), _of_rows(matrices) + _of_columns(matrices))


def _of_rows(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of each row; numpy's own over few elements takes five times as long."""
    summed: NDArray[np.float64] = np.einsum("...ij->...i", matrices)
    return summed


def _of_columns(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of each column."""
    summed: NDArray[np.float64] = np.einsum("...ij->...j", matrices)
    return summed


def _right(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    right: NDArray[np.float64] = np.diagonal(matrices, axis1=-2, axis2=-1)
    return right


def _shares(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return shares


def _draw(matrix: Masses, seeded: Seeded) -> NDArray[np.float64] | None:
    """Draws x K x K, with rows and columns of zeros for labels that do not occur; None of an empty matrix."""
    size = len(matrix)
    occurs = [
        any(matrix[each][other].events or matrix[other][each].events for other in range(size)) for each in range(size)
    ]
    present = [each for each in range(size) if occurs[each]]
    if not present:
        return None
    before = prior(len(present))
    cells = [
        DrawnCell(matrix[i][j].events, matrix[i][j].squares, before[row, column])
        for row, i in enumerate(present)
        for column, j in enumerate(present)
    ]
    drawn = draw_cells(cells, seeded, draws_of(size))
    if len(present) == size:
        return drawn.reshape(-1, size, size)
    full = np.zeros((len(drawn), size, size))
    full[:, np.repeat(present, len(present)), np.tile(present, len(present))] = drawn
    return full


def _f1(matrix: Masses, each: int, label: str, drawn: NDArray[np.float64] | None, level: float) -> Figure:
    right = matrix[each][each].events
    occurs = sum(cell.events for cell in matrix[each]) + sum(row[each].events for row in matrix)
    if not occurs or drawn is None:
        return undefined(f"no event with a truth is or was decided {label}", UNKNOWN_PROPORTION)
    return drawn_figure(drawn[:, each], 2 * right / occurs, level)


def _mean(
    scores: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    table: NDArray[np.float64],
    drawn: NDArray[np.float64] | None,
    labels: Sequence[str],
    level: float,
) -> Figure:
    """The mean over the labels for which the score is defined, and which those are if not all."""
    each = scores(table)
    defined = ~np.isnan(each)
    if drawn is None or not defined.any():
        return undefined("no event has a truth", UNKNOWN_PROPORTION)
    left_out = [label for label, there in zip(labels, defined, strict=True) if not there]
    reason = f"over the labels that have one; not {', '.join(left_out)}" if left_out else None
    return drawn_figure(scores(drawn)[:, defined].mean(axis=1), float(each[defined].mean()), level, reason)
