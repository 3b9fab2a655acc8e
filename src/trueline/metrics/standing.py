"""How the reviewed events of one decision stand for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from math import floor, log2
from typing import TYPE_CHECKING, Final

import numpy as np

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
    """Some were drawn for review with known probability: each stands for one over that many (Hajek), the others for
    themselves."""
    POST_STRATIFIED = "post_stratified"
    """Some were reviewed, nobody knows by what chance: those of one band of confidence stand for that band."""


ASSUMPTIONS: Final = {
    Basis.NOTHING: "There are no such events, so nothing is assumed.",
    Basis.UNKNOWN: "None was reviewed. Nothing is assumed, and nothing can be told but the worst and the best case.",
    Basis.CENSUS: "All were reviewed, so nothing is assumed.",
    Basis.KNOWN_PROBABILITY: (
        "Those with a review probability were drawn by chance, with that probability, from all events of this decision "
        "and of this period. Reviews without one, or with one of 1, stand for nothing but themselves."
    ),
    Basis.POST_STRATIFIED: (
        "No review says that it came by a chance below 1. Among events of this decision and a like confidence, the "
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

_NEXT_TO_NOTHING: Final = 1e-300
"""Events; so that nothing, shared out, is nothing."""


@dataclass(frozen=True, slots=True)
class Part:
    """Reviews of one decision that stand for so many of its events, some of them maybe for more than others."""

    events: float
    """What they stand for: themselves, those reviewed otherwise, and those that nobody reviewed."""
    reviews: list[ReviewCount]
    weighted: bool = False
    """By their review probabilities; else all stand for as many."""
    otherwise: list[ReviewCount] = field(default_factory=list)
    """Reviews that stand for nothing but themselves: nobody knows by what chance they came about."""

    def stands_for(self) -> list[float]:
        """For how many events one event of each of the reviews stands; over all their events that sums to `events`.

        One drawn with probability p stands for itself and for (1 - p) / p that were not drawn, which are scaled to as
        many as there are. Where all were drawn with one probability, that is Hajek's estimate.
        """
        drawn = sum(review.mass.events for review in self.reviews)
        if not self.weighted:
            return [self.events / drawn] * len(self.reviews)
        others = [review.drawn_of - 1 for review in self.reviews]
        beyond = sum(each * review.mass.events for each, review in zip(others, self.reviews, strict=True))
        scale = (self.events - drawn) / beyond
        return [1 + each * scale for each in others]

    @property
    def unit(self) -> float:
        """How many events one reviewed subject stands for, on average over what they stand for."""
        weighed = zip(self.stands_for(), self.reviews, strict=True)
        return sum(weight**2 * review.mass.squares for weight, review in weighed) / self.events

    def truths(self, labels: Sequence[str]) -> NDArray[np.float64]:
        """How many of the events are truly of each label: at least those that were reviewed as such."""
        stood_for, drawn, otherwise = self._by_label(labels)
        if not self.otherwise:
            return stood_for
        return drawn + otherwise + self._unseen(stood_for - drawn, otherwise)

    def variances(self, labels: Sequence[str]) -> NDArray[np.float64]:
        """How far `truths` is off by chance of who was reviewed, squared, by linearisation.

        C.-E. Sarndal, B. Swensson and J. Wretman, Model Assisted Survey Sampling, 1992, result 5.7.1, each subject
        drawn for itself, with the probability of one over what it stands for.
        """
        shares = self._by_label(labels)[0] / self.events
        found = np.zeros(len(labels))
        for weight, review in zip(self.stands_for(), self.reviews, strict=True):
            is_so = np.array([label == review.reviewed for label in labels])
            found += weight * (weight - 1) * review.mass.squares * (is_so - shares) ** 2
        return found

    def draw(
        self, labels: Sequence[str], prior: NDArray[np.float64], seeded: Seeded, draws: int
    ) -> NDArray[np.float64]:
        """Draws x K: how many of the events may be truly of each label.

        Reviews that stand for as many within a factor of two are drawn together, others apart: that none of five rarely
        drawn ones is wrong says little, whatever is known of the others.

        Args:
            labels: K of them.
            prior: of each label, in subjects, for this part.
            seeded: where the draws come from.
            draws: how many.
        """

        def weight_class(weighed: tuple[float, ReviewCount]) -> int:
            return floor(log2(weighed[0]))

        cells, undrawn = [], []
        by_weight = sorted(zip(self.stands_for(), self.reviews, strict=True), key=weight_class)
        for _, alike in groupby(by_weight, weight_class):
            weighed = list(alike)
            stood_for = sum(weight * review.mass.events for weight, review in weighed)
            cells += _cells(weighed, labels, stood_for / self.events * prior)
            undrawn.append(1 - sum(review.mass.events for _, review in weighed) / stood_for)
        drawn = draw_cells(cells, seeded, draws).reshape(draws, -1, len(labels))
        # numpy's own sums over axes of few elements take five times as long
        drawn *= (self.events / np.einsum("dwk->d", drawn))[:, None, None]
        everything: NDArray[np.float64] = np.einsum("dwk->dk", drawn)
        if not self.otherwise:
            return everything
        known = [(1.0, review) for review in self.otherwise]
        reviewed = total(review.mass for review in self.otherwise).events
        otherwise = draw_cells(_cells(known, labels, reviewed / self.events * prior), seeded, draws)
        beyond = (drawn * np.array(undrawn)[:, None]).sum(axis=1)
        themselves = everything - beyond
        seen = total(review.mass for review in self.reviews).events
        themselves *= seen / themselves.sum(axis=1, keepdims=True)
        beyond *= (self.events - seen) / beyond.sum(axis=1, keepdims=True)
        otherwise *= np.minimum(1.0, (self.events - seen) / otherwise.sum(axis=1, keepdims=True))
        told: NDArray[np.float64] = themselves + otherwise + self._unseen(beyond, otherwise)
        return told

    def _by_label(self, labels: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """How many events the reviews of each truth stand for, how many they are, and how many reviewed otherwise."""
        stood_for, drawn, otherwise = np.zeros((3, len(labels)))
        for weight, review in zip(self.stands_for(), self.reviews, strict=True):
            place = labels.index(str(review.reviewed))
            stood_for[place] += weight * review.mass.events
            drawn[place] += review.mass.events
        for review in self.otherwise:
            otherwise[labels.index(str(review.reviewed))] += review.mass.events
        return stood_for, drawn, otherwise

    def _unseen(self, undrawn: NDArray[np.float64], otherwise: NDArray[np.float64]) -> NDArray[np.float64]:
        """What nobody reviewed, by truth: of what was not drawn, what is left without those reviewed otherwise.

        The draw was from all, also from those that somebody reviewed otherwise, and which of the drawn are such is not
        told. So what the drawn stand for holds the ones reviewed otherwise as well: added to it, they would count
        twice. Where more of a truth were found otherwise than the drawn let expect, no other is left of it.
        """
        left = np.maximum(undrawn - otherwise, 0.0)
        unseen = undrawn.sum(axis=-1, keepdims=True) - otherwise.sum(axis=-1, keepdims=True)
        scaled: NDArray[np.float64] = left * (unseen / np.maximum(left.sum(axis=-1, keepdims=True), _NEXT_TO_NOTHING))
        return scaled


def _cells(
    weighed: list[tuple[float, ReviewCount]], labels: Sequence[str], prior: NDArray[np.float64]
) -> list[DrawnCell]:
    cells = []
    for row, label in enumerate(labels):
        these = [(weight, review.mass) for weight, review in weighed if review.reviewed == label]
        cells.append(
            DrawnCell(
                sum(weight * mass.events for weight, mass in these),
                sum(weight**2 * mass.squares for weight, mass in these),
                prior[row],
            )
        )
    return cells


def parts_of(counts: list[ReviewCount]) -> tuple[Basis, list[Part]]:
    """One decision's reviews, in the parts of its events that they stand for, and on what ground.

    Those reviewed for certain stand for themselves, like those of unknown probability, but nothing else was drawn from
    among them. Where there are no others of known probability, nothing that was drawn stands for the rest.
    """
    everything = total(count.mass for count in counts).events
    reviewed = [count for count in counts if count.reviewed is not None]
    certain = [count for count in reviewed if count.probability == 1]
    drawn = [count for count in reviewed if by_chance(count)]
    if not everything:
        return Basis.NOTHING, []
    if not reviewed:
        return Basis.UNKNOWN, []
    if total(count.mass for count in reviewed).events == everything:
        return Basis.CENSUS, [Part(everything, reviewed)]
    if not drawn:
        return Basis.POST_STRATIFIED, _bands(counts)
    sure = total(count.mass for count in certain).events
    otherwise = [count for count in reviewed if count.probability is None]
    parts = [Part(everything - sure, drawn, weighted=True, otherwise=otherwise)]
    return Basis.KNOWN_PROBABILITY, [*parts, Part(sure, certain)] if certain else parts


def by_chance(count: ReviewCount) -> bool:
    """Whether these were drawn for review with known probability, so that they stand for others too."""
    return count.reviewed is not None and count.probability is not None and count.probability < 1


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
