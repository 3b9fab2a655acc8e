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
    from collections.abc import Sequence

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
        recall = ThreeFigures(
            proportion(right, missed, level, not_found).figure,
            _recall(estimated, each, level, known.recall(each), not_found),
            _bounds(known.recall(each), label, known.seen(each)),
        )
        miss_rate = ThreeFigures(
            proportion(missed, right, level, not_found).figure,
            complement(recall.weighted),
            _bounds(known.miss_rate(each), label, known.seen(each)),
        )
        precision = ThreeFigures(
            proportion(right, wrong, level, f"no event decided {label} was reviewed").figure,
            _precision(estimated, each, level, known.precision(each)),
            _bounds(known.precision(each), label, known.seen(each)),
        )
        figures[label] = PartialFigures(recall, precision, miss_rate)
    return figures


def complement(figure: Figure) -> Figure:
    """What a share leaves of 1, as sure as it."""
    interval = figure.interval and Interval(1 - figure.interval.high, 1 - figure.interval.low)
    return Figure(None if figure.value is None else 1 - figure.value, interval, figure.reason)


def _recall(estimated: Estimate, label: int, level: float, bounds: Interval, nothing: str) -> Figure:
    """Found of all, less the bias of a ratio.

    E. M. L. Beale, Some uses of computers in operational research, Industrielle Organisation 31 (1962); W. G. Cochran,
    Sampling Techniques, third edition, 1977, section 6.15. Where few misses were seen, the plain ratio is on average
    too high by up to a fifth of its standard error.
    """
    if estimated.unknown:
        return not_told(estimated.unknown, bounds)
    found, true = estimated.matrix[label, label], estimated.matrix[label].sum()
    if not true:
        return undefined(nothing, UNKNOWN_PROPORTION)
    value = 0.0
    if found:
        together = estimated.variance[label, label] / (found * true)
        value = float(found / true * (1 + together) / (1 + estimated.variance[label].sum() / true**2))
    return drawn_figure(recalls(estimated.draws)[:, label], bounds.nearest(value), level)


def _precision(estimated: Estimate, label: int, level: float, bounds: Interval) -> Figure:
    name = estimated.labels[label]
    if name in estimated.unknown:
        return not_told([name], bounds)
    value = float(precisions(estimated.matrix)[label])
    if np.isnan(value):
        return undefined(f"no event was decided {name}", UNKNOWN_PROPORTION)
    return drawn_figure(precisions(estimated.draws)[:, label], bounds.nearest(value), level)


def not_told(unknown: Sequence[str], bounds: Interval) -> Figure:
    """What cannot be estimated because of some decisions nothing was reviewed."""
    return undefined(f"none of the events decided {' or '.join(unknown)} was reviewed: worst and best case", bounds)


def _bounds(interval: Interval, label: str, seen: bool) -> Figure:
    if not seen:
        return undefined(f"no review says anything of {label}: all is possible", interval)
    return undefined("worst and best case, so there is no value between", interval)
