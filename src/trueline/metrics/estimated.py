"""What the whole population looks like, told from the part of it that was reviewed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from math import floor, log2
from typing import TYPE_CHECKING, Final

import numpy as np

from trueline.metrics.draws import DRAWS, DrawnCell, draw_cells
from trueline.metrics.reviews import ReviewCount, total
from trueline.metrics.seeded import Seeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Basis(StrEnum):
    """How the truths of one decision's events are told."""

    NOTHING = "nothing"
    """There are no such events."""
    UNKNOWN = "unknown"
    """None of them was reviewed: the truths are not told."""
    CENSUS = "census"
    """All of them were reviewed."""
    KNOWN_PROBABILITY = "known_probability"
    """Some were drawn for review with known probability: each stands for one over that many (Hajek)."""
    POST_STRATIFIED = "post_stratified"
    """Some were reviewed, nobody knows by what chance: those of one band of confidence stand for that band."""


ASSUMPTIONS: Final = {
    Basis.NOTHING: "There are no such events, so nothing is assumed.",
    Basis.UNKNOWN: "None was reviewed. Nothing is assumed, and nothing can be told but the worst and the best case.",
    Basis.CENSUS: "All were reviewed, so nothing is assumed.",
    Basis.KNOWN_PROBABILITY: (
        "Those with a review probability were drawn by chance, with that probability, from all events of this decision "
        "and of this period. Reviews without one are set aside: nobody knows what they stand for."
    ),
    Basis.POST_STRATIFIED: (
        "No review says by what chance it came about. Among events of this decision and a like confidence, the "
        "reviewed ones are taken to be right as often as those that nobody reviewed. Where people review what looks "
        "wrong, or what somebody complained about, that does not hold, and the estimate is too bad or too good."
    ),
}
"""What has to be true for the estimate of one decision to be right, in words for people.

Everywhere the Undecided count as not reviewed."""

_FEWEST_IN_BAND: Final = 20
"""Reviews. Bands with fewer join the next, since a few reviews that stand for very many make an estimate jump (S. L.
Lohr, Sampling: Design and Analysis, second edition, 2010, section 4.4)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimated confusion matrix of a population, in events; row = truth, column = decision."""

    labels: tuple[str, ...]
    basis: dict[str, Basis]
    """Of each decision."""
    matrix: NDArray[np.float64]
    """K x K. Columns whose basis is unknown are NaN."""
    draws: NDArray[np.float64]
    """Draws x K x K, of matrices of populations that the same process may well make; NaN as in `matrix`."""

    @property
    def unknown(self) -> list[str]:
        """The decisions with events of which none was reviewed."""
        return [label for label in self.labels if self.basis[label] is Basis.UNKNOWN]

    @property
    def assumptions(self) -> dict[str, str]:
        """Of each decision, what its estimate rests on."""
        return {label: ASSUMPTIONS[basis] for label, basis in self.basis.items()}


@dataclass(frozen=True, slots=True)
class _Part:
    """Reviews of one decision that together stand for so many of its events, some of them maybe for more than others."""

    events: float
    reviews: list[ReviewCount]
    weighted: bool = False

    def weight(self, review: ReviewCount) -> float:
        """How much one event of these reviews counts beside the others of this part."""
        return 1 / review.probability if self.weighted and review.probability else 1.0

    def truths(self, labels: tuple[str, ...]) -> NDArray[np.float64]:
        """How many of the events are truly of each label."""
        summed = np.zeros(len(labels))
        for review in self.reviews:
            summed[labels.index(str(review.reviewed))] += self.weight(review) * review.mass.events
        truths: NDArray[np.float64] = summed / summed.sum() * self.events
        return truths

    def cells(self, labels: tuple[str, ...], column: int, share: float) -> list[DrawnCell]:
        """What is drawn: the truths of reviews that weigh alike, within a factor of two.

        Apart by weight, since that none of five rarely drawn ones is wrong says little, whatever is known of others.
        """

        def weight_class(review: ReviewCount) -> int:
            return floor(log2(self.weight(review)))

        cells = []
        whole = sum(self.weight(review) * review.mass.events for review in self.reviews)
        for _, alike in groupby(sorted(self.reviews, key=weight_class), weight_class):
            reviews = list(alike)
            part = sum(self.weight(review) * review.mass.events for review in reviews) / whole
            for row, label in enumerate(labels):
                these = [review for review in reviews if review.reviewed == label]
                weight = sum(self.weight(review) * review.mass.events for review in these)
                squares = sum(self.weight(review) ** 2 * review.mass.squares for review in these)
                cells.append(DrawnCell(row, column, weight, squares, share * part))
        return cells


def estimate(counts: Sequence[ReviewCount], labels: Sequence[str], digest: bytes, draws: int = DRAWS) -> Estimate:
    """Estimate the confusion matrix of all events, also those nobody reviewed.

    Each decision's events are known in number; only their truths have to be told. Of a decision with known review
    probabilities, each truth has the share of its reviews weighted by one over the probability in all reviews so
    weighted (J. Hajek, comment on Basu, in Foundations of Statistical Inference, 1971; C.-E. Sarndal, B. Swensson and
    J. Wretman, Model Assisted Survey Sampling, 1992, section 5.7). Where probabilities are not known the decision is
    post-stratified by band of confidence (D. Holt and T. M. F. Smith, Post stratification, JRSS A 142, 1979).

    How sure that is, is drawn: see `draw_cells`. It speaks of the process that makes such populations, so it does not
    shrink to nothing when all is reviewed.
    """
    names = tuple(labels)
    seeded = Seeded(digest, "estimate")
    matrix = np.zeros((len(names), len(names)))
    drawn = np.zeros((draws, len(names), len(names)))
    basis: dict[str, Basis] = {}
    for column, label in enumerate(names):
        here = [count for count in counts if count.decision == label and count.mass.events]
        basis[label], parts = _parts(here)
        if basis[label] is Basis.UNKNOWN:
            matrix[:, column] = drawn[:, :, column] = np.nan
        if not parts:
            continue
        whole = total(count.mass for count in here)
        subjects = np.array([whole.events**2 / whole.squares])  # as many as say as much if they were of one size
        matrix[:, column] = sum(part.truths(names) for part in parts)
        size = seeded.gamma(subjects, draws) / subjects
        drawn[:, :, column] = size * sum(
            _drawn(part, part.events / whole.events, names, column, seeded, draws) for part in parts
        )
    return Estimate(names, basis, matrix, drawn)


def _drawn(
    part: _Part, share: float, labels: tuple[str, ...], column: int, seeded: Seeded, draws: int
) -> NDArray[np.float64]:
    """Draws x K: how many of the part's events may be truly of each label."""
    cells = part.cells(labels, column, share)
    drawn = draw_cells(cells, len(labels), seeded, draws)
    truths = np.zeros((draws, len(labels)))
    for place, cell in enumerate(cells):
        truths[:, cell.row] += drawn[:, place]
    scaled: NDArray[np.float64] = truths / truths.sum(axis=1, keepdims=True) * part.events
    return scaled


def _parts(counts: list[ReviewCount]) -> tuple[Basis, list[_Part]]:
    """One decision's reviews, in the parts of its events that they stand for."""
    everything = total(count.mass for count in counts).events
    reviewed = [count for count in counts if count.reviewed is not None]
    known = [count for count in reviewed if count.probability is not None]
    if not everything:
        return Basis.NOTHING, []
    if not reviewed:
        return Basis.UNKNOWN, []
    if total(count.mass for count in reviewed).events == everything:
        return Basis.CENSUS, [_Part(everything, reviewed)]
    if known:
        return Basis.KNOWN_PROBABILITY, [_Part(everything, known, weighted=True)]
    return Basis.POST_STRATIFIED, _bands(counts)


def _bands(counts: list[ReviewCount]) -> list[_Part]:
    """One part for each band of confidence, those with few reviews together with the next."""

    def band(count: ReviewCount) -> tuple[bool, int]:
        return (count.band is None, count.band or 0)

    gathered: list[list[ReviewCount]] = []
    for _, alike in groupby(sorted(counts, key=band), band):
        if gathered and _reviews(gathered[-1]) < _FEWEST_IN_BAND:
            gathered[-1].extend(alike)
        else:
            gathered.append(list(alike))
    if len(gathered) > 1 and _reviews(gathered[-1]) < _FEWEST_IN_BAND:
        last = gathered.pop()
        gathered[-1].extend(last)
    return [
        _Part(total(count.mass for count in these).events, [count for count in these if count.reviewed is not None])
        for these in gathered
    ]


def _reviews(counts: list[ReviewCount]) -> int:
    return sum(count.mass.subjects for count in counts if count.reviewed is not None)
