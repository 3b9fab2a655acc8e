"""Recall, precision and miss rate when only some events were reviewed: three figures for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trueline.metrics.bounds import Known
from trueline.metrics.clustered import proportion
from trueline.metrics.counts import TruthPolicy
from trueline.metrics.draws import drawn_figure
from trueline.metrics.figures import Figure, undefined
from trueline.metrics.intervals import UNKNOWN_PROPORTION, Interval
from trueline.metrics.reviews import total
from trueline.metrics.scored import matrix_of, precisions, recalls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from trueline.metrics.estimated import Estimate
    from trueline.metrics.reviews import ReviewCount


@dataclass(frozen=True, slots=True)
class ThreeFigures:
    """One score, three ways to see it. A share from 0 to 1."""

    reviewed_only: Figure
    """Of the reviewed events, as if there were no others. It flatters where what is reviewed was chosen."""
    weighted: Figure
    """Of all events, the reviewed ones standing for the rest: see `Estimate.assumptions`."""
    bounds: Figure
    """An interval without a value: the worst and the best case for the events at hand, whatever the rest is."""


@dataclass(frozen=True, slots=True)
class PartialFigures:
    """How well one label is decided, one against the rest."""

    recall: ThreeFigures
    """Of the events that are truly so, the share that was decided so."""
    precision: ThreeFigures
    """Of the events decided so, the share that is truly so."""
    miss_rate: ThreeFigures
    """Of the events that are truly so, the share that was decided otherwise: what recall leaves."""


def partial_figures(
    counts: Sequence[ReviewCount], estimated: Estimate, level: float = 0.95
) -> dict[str, PartialFigures]:
    """Score each label three ways.

    Args:
        counts: the population.
        estimated: the matrix of all events, made from the same counts.
        level: of the intervals of `reviewed_only` and `weighted`.
    """
    labels = estimated.labels
    known = Known.of(counts, labels)
    matrix = matrix_of(counts, labels, TruthPolicy.EXPLICIT)
    figures = {}
    for each, label in enumerate(labels):
        others = [other for other in range(len(labels)) if other != each]
        right = matrix[each][each]
        missed = total(matrix[each][other] for other in others)
        wrong = total(matrix[other][each] for other in others)
        not_found = f"no reviewed event is truly {label}"
        needed = [other for other in labels if other in estimated.unknown]
        recall = ThreeFigures(
            proportion(right, missed, level, not_found).figure,
            _weighted(estimated, recalls, each, level, needed, known.recall(each), not_found),
            _bounds(known.recall(each), label, known.seen(each)),
        )
        miss_rate = ThreeFigures(
            proportion(missed, right, level, not_found).figure,
            complement(recall.weighted),
            _bounds(known.miss_rate(each), label, known.seen(each)),
        )
        decided = f"no event decided {label} was reviewed"
        precision = ThreeFigures(
            proportion(right, wrong, level, decided).figure,
            _weighted(
                estimated,
                precisions,
                each,
                level,
                [other for other in needed if other == label],
                known.precision(each),
                f"no event was decided {label}",
            ),
            _bounds(known.precision(each), label, known.seen(each)),
        )
        figures[label] = PartialFigures(recall, precision, miss_rate)
    return figures


def complement(figure: Figure) -> Figure:
    """What a share leaves of 1, as sure as it."""
    interval = figure.interval and Interval(1 - figure.interval.high, 1 - figure.interval.low)
    return Figure(None if figure.value is None else 1 - figure.value, interval, figure.reason)


def _weighted(
    estimated: Estimate,
    scores: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    each: int,
    level: float,
    unknown: list[str],
    bounds: Interval,
    nothing: str,
) -> Figure:
    if unknown:
        return undefined(f"none of the events decided {' or '.join(unknown)} was reviewed", bounds)
    value = float(scores(np.nan_to_num(estimated.matrix))[each])
    if np.isnan(value):
        return undefined(nothing, UNKNOWN_PROPORTION)
    return drawn_figure(scores(np.nan_to_num(estimated.draws))[:, each], value, level)


def _bounds(interval: Interval, label: str, seen: bool) -> Figure:
    if not seen:
        return undefined(f"no review says anything of {label}: all is possible", interval)
    return undefined("worst and best case, so there is no value between", interval)
