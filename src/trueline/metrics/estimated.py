"""What the whole population looks like, told from the part of it that was reviewed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trueline.metrics.draws import DRAWS, prior
from trueline.metrics.reviews import ReviewCount, total
from trueline.metrics.seeded import Seeded
from trueline.metrics.standing import Basis, Part, assumption, parts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimated confusion matrix of a population, in events; row = truth, column = decision."""

    labels: tuple[str, ...]
    basis: dict[str, Basis]
    """Of each decision."""
    assumptions: dict[str, str]
    """Of each decision, what its estimate rests on."""
    matrix: NDArray[np.float64]
    """K x K. Columns whose basis is unknown are NaN."""
    variance: NDArray[np.float64]
    """K x K, of `matrix`, by the chance of who was reviewed; NaN as there."""
    draws: NDArray[np.float64]
    """Draws x K x K, of matrices of populations that the same process may well make; NaN as in `matrix`."""

    @property
    def unknown(self) -> list[str]:
        """The decisions with events of which none was reviewed."""
        return [label for label in self.labels if self.basis[label] is Basis.UNKNOWN]


def estimate(counts: Sequence[ReviewCount], labels: Sequence[str], digest: bytes, draws: int = DRAWS) -> Estimate:
    """Estimate the confusion matrix of all events, also those nobody reviewed.

    Each decision's events are known in number; only their truths have to be told, and those of the reviewed are known.
    Of a decision with known review probabilities, each truth has that share of what was not drawn that its reviews
    have, weighted by how many others each stands for, in all reviews so weighted (J. Hajek, comment on Basu, in
    Foundations of Statistical Inference, 1971; C.-E. Sarndal, B. Swensson and J. Wretman, Model Assisted Survey
    Sampling, 1992, section 5.7), and at least what other reviews found of it there. Where probabilities are not known
    the decision is post-stratified by band of confidence (D. Holt and T. M. F. Smith, Post stratification, JRSS A 142,
    1979).

    How sure that is, is drawn: see `draw_cells`. It speaks of the process that makes such populations, so it does not
    shrink to nothing when all is reviewed.
    """
    names = tuple(labels)
    seeded = Seeded(digest, "estimate")
    parts: list[list[Part]] = []
    basis: dict[str, Basis] = {}
    assumptions: dict[str, str] = {}
    for label in names:
        here = [count for count in counts if count.decision == label and count.mass.events]
        basis[label], found = parts_of(here)
        assumptions[label] = assumption(basis[label], here)
        parts.append(found)
    before = _prior(parts)
    matrix, variance = np.zeros((2, len(names), len(names)))
    drawn = np.zeros((draws, len(names), len(names)))
    for column, label in enumerate(names):
        if basis[label] is Basis.UNKNOWN:
            matrix[:, column] = variance[:, column] = drawn[:, :, column] = np.nan
        elif parts[column]:
            whole = total(count.mass for count in counts if count.decision == label)
            subjects = np.array([whole.events**2 / whole.squares])  # that say as much, were they all of one size
            matrix[:, column] = sum(part.truths(names) for part in parts[column])
            variance[:, column] = sum(part.variances(names) for part in parts[column])
            for part in parts[column]:
                share = part.events / whole.events
                drawn[:, :, column] += part.draw(names, share * before[:, column], seeded, draws)
            drawn[:, :, column] *= seeded.gamma(subjects, draws) / subjects
    return Estimate(names, basis, assumptions, matrix, variance, drawn)


def _prior(parts: list[list[Part]]) -> NDArray[np.float64]:
    """As `draws.prior`, but the half of an error goes where one review stands for much, if there is such a place.

    Else, where no missed one was seen, too few would be thought possible among the very many that nobody looked at.
    """
    size = len(parts)
    units = [
        sum(part.events * part.unit for part in column) / max(1.0, sum(part.events for part in column))
        for column in parts
    ]
    before: NDArray[np.float64] = prior(size)
    for row in range(size):
        others = sum(units) - units[row]
        for column in range(size):
            if column != row and others:
                before[row, column] = max(before[row, column], 0.5 * units[column] / others)
    return before
