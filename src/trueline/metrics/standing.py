"""How the reviewed events of one decision stand for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from math import floor, log2
from typing import TYPE_CHECKING, Final

import numpy as np

from trueline.metrics.consensus import LEAST_PROBABILITY
from trueline.metrics.draws import DrawnCell, draw_cells
from trueline.metrics.reasons import chosen
from trueline.metrics.reviews import ReviewCount, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from trueline.metrics.seeded import Seeded


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


def assumption(basis: Basis, counts: Iterable[ReviewCount]) -> str:
    """What has to be true for an estimate from one decision's counts to be right, in words for people.

    Where nobody knows by what chance the reviews came about, it says how many of them came about by none.
    """
    if basis is Basis.POST_STRATIFIED:
        return f"{ASSUMPTIONS[basis]} {chosen(counts)}"
    return ASSUMPTIONS[basis]


_FEWEST_IN_BAND: Final = 20
"""Reviews. Bands with fewer join the next, since a few reviews that stand for very many make an estimate jump (S. L.
Lohr, Sampling: Design and Analysis, second edition, 2010, section 4.4)."""


@dataclass(frozen=True, slots=True)
class Part:
    """Reviews of one decision that stand for so many of its events, some of them maybe for more than others."""

    events: float
    reviews: list[ReviewCount]
    weighted: bool = False
    """By one over the review probability; else all alike."""

    def weight(self, review: ReviewCount) -> float:
        """How much one event of these reviews counts beside the others of this part."""
        return 1 / max(review.probability, LEAST_PROBABILITY) if self.weighted and review.probability else 1.0

    @property
    def weights(self) -> float:
        """The sum over all reviewed events."""
        return sum(self.weight(review) * review.mass.events for review in self.reviews)

    @property
    def unit(self) -> float:
        """How many events one reviewed subject stands for, on average over what they stand for."""
        squares = sum(self.weight(review) ** 2 * review.mass.squares for review in self.reviews)
        return self.events * squares / self.weights**2

    def truths(self, labels: Sequence[str]) -> NDArray[np.float64]:
        """How many of the events are truly of each label."""
        summed = np.zeros(len(labels))
        for review in self.reviews:
            summed[labels.index(str(review.reviewed))] += self.weight(review) * review.mass.events
        return summed / self.weights * self.events

    def variances(self, labels: Sequence[str]) -> NDArray[np.float64]:
        """How far `truths` is off by chance of who was reviewed, squared, by linearisation.

        C.-E. Sarndal, B. Swensson and J. Wretman, Model Assisted Survey Sampling, 1992, result 5.7.1, each subject
        drawn for itself. Reviews of unknown probability count as drawn with the share that was reviewed.
        """
        shares = self.truths(labels) / self.events
        found = np.zeros(len(labels))
        for review in self.reviews:
            is_so = np.array([label == review.reviewed for label in labels])
            probability = 1 / self.weight(review) if self.weighted else self.weights / self.events
            found += self.weight(review) ** 2 * review.mass.squares * (1 - probability) * (is_so - shares) ** 2
        return found * (self.events / self.weights) ** 2

    def draw(
        self, labels: Sequence[str], prior: NDArray[np.float64], seeded: Seeded, draws: int
    ) -> NDArray[np.float64]:
        """Draws x K: how many of the events may be truly of each label.

        Reviews that weigh alike within a factor of two are drawn together, others apart: that none of five rarely
        drawn ones is wrong says little, whatever is known of the others.

        Args:
            labels: K of them.
            prior: of each label, in subjects, for this part.
            seeded: where the draws come from.
            draws: how many.
        """

        def weight_class(review: ReviewCount) -> int:
            return floor(log2(self.weight(review)))

        cells = []
        for _, alike in groupby(sorted(self.reviews, key=weight_class), weight_class):
            reviews = list(alike)
            share = sum(self.weight(review) * review.mass.events for review in reviews) / self.weights
            for row, label in enumerate(labels):
                these = [review for review in reviews if review.reviewed == label]
                weight = sum(self.weight(review) * review.mass.events for review in these)
                squares = sum(self.weight(review) ** 2 * review.mass.squares for review in these)
                cells.append(DrawnCell(weight, squares, share * prior[row]))
        drawn = draw_cells(cells, seeded, draws).reshape(draws, -1, len(labels)).sum(axis=1)
        scaled: NDArray[np.float64] = drawn / drawn.sum(axis=1, keepdims=True) * self.events
        return scaled


def parts_of(counts: list[ReviewCount]) -> tuple[Basis, list[Part]]:
    """One decision's reviews, in the parts of its events that they stand for, and on what ground."""
    everything = total(count.mass for count in counts).events
    reviewed = [count for count in counts if count.reviewed is not None]
    known = [count for count in reviewed if count.probability is not None]
    if not everything:
        return Basis.NOTHING, []
    if not reviewed:
        return Basis.UNKNOWN, []
    if total(count.mass for count in reviewed).events == everything:
        return Basis.CENSUS, [Part(everything, reviewed)]
    if known:
        return Basis.KNOWN_PROBABILITY, [Part(everything, known, weighted=True)]
    return Basis.POST_STRATIFIED, _bands(counts)


def _bands(counts: list[ReviewCount]) -> list[Part]:
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
        Part(total(count.mass for count in these).events, [count for count in these if count.reviewed is not None])
        for these in gathered
    ]


def _reviews(counts: list[ReviewCount]) -> int:
    return sum(count.mass.subjects for count in counts if count.reviewed is not None)
