"""Confusion matrices that the true one may well be, drawn from what is known after the counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from trueline.metrics.figures import Figure
from trueline.metrics.intervals import Interval, check_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from trueline.metrics.seeded import Seeded

DRAWS: Final = 4_000
"""So that the ends of a 95 % interval are known to within a twentieth of a standard error."""
_NUMBERS: Final = 20_000_000
"""Drawn for one matrix at the most, 160 MB: jobs of more than 70 labels get fewer draws."""
_DIGITS: Final = 6
"""Fewer than may differ between machines, more than the draws can tell: see `seeded`."""


def draws_of(size: int) -> int:
    """How often a K x K matrix is drawn."""
    return min(DRAWS, _NUMBERS // max(1, size * size))


@dataclass(frozen=True, slots=True)
class DrawnCell:
    """What was counted in one cell of a confusion matrix, in one part of it that is drawn apart.

    The sums are over subjects: of their events, each as often as the review stands for it (its weight), and of the
    squares of that.
    """

    weight: float
    squares: float
    prior: float
    """What is believed before anything is counted, in subjects; more than 0."""


def prior(size: int) -> NDArray[np.float64]:
    """The prior of a K x K matrix, in counts: 1 where right, 1/2 shared by the errors of a row.

    A Dirichlet with these gives the recall and the precision of each label the prior Beta(1, 1/2): a little more right
    than wrong, and no more known than that. Jeffreys's for a share, 1/2 and 1/2 (Brown, Cai and DasGupta, Interval
    estimation for a binomial proportion, Statistical Science 16, 2001), has the means over labels cover 91 % where one
    label in a hundred is seen three times among 300 events, and 94 % with these. With 1/2 in every cell, Jeffreys's for
    the matrix as a whole, three labels already bring three errors that nobody made.
    """
    off = 0.5 / (size - 1) if size > 1 else 0.5
    return np.where(np.eye(size, dtype=bool), 1.0, off)


def draw_cells(cells: Sequence[DrawnCell], seeded: Seeded, draws: int = DRAWS) -> NDArray[np.float64]:
    """Draw the content of each cell.

    Independent gamma draws are, divided by their sum, a draw from a Dirichlet (A. Gelman et al., Bayesian Data
    Analysis, third edition, 2013, section 3.4 and appendix A). Where subjects weigh unequally, the gamma's mean is the
    sum of weights and its variance the sum of their squares: the first two moments of the Bayesian bootstrap over
    subjects (D. B. Rubin, The Bayesian bootstrap, Annals of Statistics 9, 1981). An empty cell is drawn in the unit of
    the average subject.

    Returns:
        `draws` x ``len(cells)``.
    """
    weight = np.array([cell.weight for cell in cells], np.float64)
    squares = np.array([cell.squares for cell in cells], np.float64)
    if not len(cells) or not weight.sum():
        raise ValueError("of nothing counted there is nothing to draw")
    pseudo = np.array([cell.prior for cell in cells])
    empty = weight == 0
    unit = np.where(empty, squares.sum() / weight.sum(), squares / np.where(empty, 1.0, weight))
    return seeded.gamma(weight / unit + pseudo, draws) * unit


def interval_of(drawn: NDArray[np.float64], value: float | None, level: float) -> Interval:
    """From where to where the middle `level` of the draws reach, and the value, always within them.

    A value at the very end of what a figure can be is then an end (as Brown, Cai and DasGupta modify Jeffreys's).
    """
    check_level(level)
    low, high = (round(float(each), _DIGITS) for each in np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]))
    return Interval(low, high) if value is None else Interval(min(low, value), max(high, value))


def drawn_figure(drawn: NDArray[np.float64], value: float, level: float, reason: str | None = None) -> Figure:
    """A value with the interval of its draws."""
    return Figure(value, interval_of(drawn, value, level), reason)
