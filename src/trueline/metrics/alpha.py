"""Agreement beyond chance: Krippendorff's alpha, with the agreement it corrects beside it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import exp, sqrt
from typing import TYPE_CHECKING

import numpy as np

from trueline.metrics.figures import Figure, undefined
from trueline.metrics.intervals import UNKNOWN_DIFFERENCE, UNKNOWN_PROPORTION, Interval, two_sided_z, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_NONE_TO_COMPARE = "no subject has two answers to compare"


@dataclass(frozen=True, slots=True)
class Coincidences:
    """Pairs of answers on the same subject, by the labels they give; so many subjects have each pattern of them.

    Attributes:
        subjects: P counts of subjects.
        cells: P x K x K, symmetric: how often, on one subject of the pattern, label c met label k. Both orders of a
            pair count, so a pair adds 2. Among m answers each pair counts 1 / (m - 1), so that a subject weighs as
            much as it has answers.
    """

    subjects: NDArray[np.int64]
    cells: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far answers on the same subjects agree."""

    subjects: int
    """How many have at least two answers to compare."""
    agreement: Figure
    """Of two answers on one subject, the share that give the same label: 0 to 1."""
    nominal: Figure
    """Krippendorff's alpha where one wrong label is as wrong as another: 1 full agreement, 0 no more than by chance.

    Where the answers do not tell it, all from -1 to 1 is possible."""
    ordinal: Figure
    """The same where labels further apart in their order disagree more; without an order there is no such number."""
    prevalence: dict[str, Figure]
    """The share of each label among the answers compared, 0 to 1, also of labels that nobody gave."""


def agreement(coincidences: Coincidences, labels: Sequence[str], level: float, *, ordered: bool) -> Agreement:
    """Say how far answers agree; `labels` name the K places in their order, which means something when `ordered`."""
    compared = coincidences.cells.sum(axis=(1, 2)) > 0
    subjects, cells = coincidences.subjects[compared], coincidences.cells[compared]
    total = np.tensordot(subjects, cells, 1)
    occurring = np.flatnonzero(total.sum(axis=0) > 0).tolist()
    size, by_label = cells.sum(axis=(1, 2)), cells.sum(axis=2)
    agreeing = np.trace(cells, axis1=1, axis2=2)
    prevalence = {label: _share(subjects, by_label[:, each], size, level) for each, label in enumerate(labels)}
    cells = cells[:, occurring][:, :, occurring]
    given = [labels[each] for each in occurring]
    return Agreement(
        subjects=int(subjects.sum()),
        agreement=_share(subjects, agreeing, size, level),
        nominal=_alpha(subjects, cells, given, level, ordinal=False),
        ordinal=_alpha(subjects, cells, given, level, ordinal=True)
        if ordered
        else undefined("the labels of this job have no order"),
        prevalence=prevalence,
    )


def _share(subjects: NDArray[np.int64], part: NDArray[np.float64], size: NDArray[np.float64], level: float) -> Figure:
    """The share of `part` in `size`, with Wilson's interval for as many answers as the subjects are worth.

    Answers on one subject are not independent: the variance of the ratio between subjects, by linearisation (Cochran,
    Sampling Techniques, 3rd edition, section 6.3), gives the size of the simple sample that would be as exact; so Korn
    and Graubard, Survey Methodology 24 (1998), pages 193 to 201; but never more than the answers there are, however
    alike the subjects. Where it is all, or none, a variance says nothing, and the subjects count with Kish's
    (sum m)^2 / (sum m^2).

    Args:
        subjects: How many have each pattern.
        part: On one subject of each pattern, how much has the property: agreeing pairs, or answers of one label.
        size: How much there is.
        level: Of the interval.
    """
    total = float(subjects @ size)
    if total == 0:
        return undefined(_NONE_TO_COMPARE, UNKNOWN_PROPORTION)
    share = min(1.0, float(subjects @ part) / total)
    count = int(subjects.sum())
    spread = float(subjects @ (part - share * size) ** 2)
    if 0 < share < 1 and spread > 0 and count > 1:
        worth = min(share * (1 - share) * total**2 / spread * (count - 1) / count, total)
    else:
        worth = total**2 / float(subjects @ size**2)
    return Figure(share, wilson(share * worth, worth, level))


def _alpha(
    subjects: NDArray[np.int64], cells: NDArray[np.float64], labels: Sequence[str], level: float, *, ordinal: bool
) -> Figure:
    """Krippendorff's alpha: 1 - observed / expected disagreement.

    K. Krippendorff, Content Analysis, 3rd edition (2013), chapter 12: the distance of two labels is 1 (nominal), or
    the square of how many answers lie between them, the half of their own included (ordinal).
    """
    if not len(labels):
        return undefined(_NONE_TO_COMPARE, UNKNOWN_DIFFERENCE)
    if len(labels) == 1:
        return undefined(
            f"every answer that can be compared is {labels[0]}: agreement beyond chance needs a second label",
            UNKNOWN_DIFFERENCE,
        )
    value = 1 - _Disagreement(subjects, cells, ordinal=ordinal).ratio
    return Figure(value, _alpha_interval(value, subjects, cells, level, ordinal=ordinal))


def _alpha_interval(
    value: float, subjects: NDArray[np.int64], cells: NDArray[np.float64], level: float, *, ordinal: bool
) -> Interval:
    """Ends for alpha from the variance between subjects, on the scale of log(1 - alpha).

    The infinitesimal jackknife (L. A. Jaeckel 1972; Efron, The Jackknife, the Bootstrap and Other Resampling Plans,
    1982, chapter 6) over subjects, which needs no draws; that a jackknife over subjects covers better than the
    customary bootstrap: J. Hughes, Toward improved inference for Krippendorff's alpha, arXiv 2210.13265. As Agresti
    and Coull (1998) do for a proportion, the ends are computed as if a little more had been seen: for each label one
    subject with two answers that agree on it, and half a subject with two that differ. So full agreement on few
    subjects does not pass for certainty, and rare labels are covered (see the simulation in the tests).
    """
    kinds = cells.shape[1]
    each = np.eye(kinds)
    agreeing = [2 * np.outer(one, one) for one in each]
    differing = [np.outer(one, other) + np.outer(other, one) for one, other in combinations(each, 2)]
    seen = np.concatenate([cells, agreeing, differing])
    weights = np.concatenate([subjects, np.ones(kinds), np.full(len(differing), 0.5 / len(differing))])
    disagreement = _Disagreement(weights, seen, ordinal=ordinal)
    influence, count = disagreement.influence(), float(weights.sum())
    mean = float(weights @ influence) / count
    error = sqrt(float(weights @ (influence - mean) ** 2) * count / (count - 1))
    reach = two_sided_z(level) * error
    low, high = (1 - disagreement.ratio * exp(side * reach) for side in (1, -1))
    return Interval(max(-1.0, min(low, value)), min(1.0, max(high, value)))


class _Disagreement:
    """Observed over expected disagreement of weighted subjects, and what each subject adds to its logarithm."""

    def __init__(
        self, weights: NDArray[np.int64] | NDArray[np.float64], cells: NDArray[np.float64], *, ordinal: bool
    ) -> None:
        self._cells, self._ordinal = cells, ordinal
        self._total = np.tensordot(weights, cells, 1).astype(np.float64)
        self._answers = self._total.sum(axis=0)
        self._size = float(self._answers.sum())
        kinds = len(self._answers)
        # counts of answers below each label, the half of its own included
        self._below = np.tril(np.ones((kinds, kinds))) - np.eye(kinds) / 2
        rank = self._below @ self._answers
        self._apart = rank[:, None] - rank[None, :]
        self._distance = self._apart**2 if ordinal else 1 - np.eye(kinds)
        self._observed = float((self._total * self._distance).sum())
        self._chance = np.outer(self._answers, self._answers)
        self._expected = float((self._chance * self._distance).sum())

    @property
    def ratio(self) -> float:
        return (self._size - 1) * self._observed / self._expected

    def influence(self) -> NDArray[np.float64]:
        """The derivative of the logarithm of the ratio by the weight of each pattern."""
        by_answer = 1 / (self._size - 1) - 2 * (self._distance @ self._answers) / self._expected
        if self._ordinal:  # the distances themselves move with the answers
            pull = ((self._total / self._observed - self._chance / self._expected) * self._apart).sum(axis=1)
            by_answer = by_answer + 4 * (pull @ self._below)
        influence: NDArray[np.float64] = (
            self._cells * self._distance / self._observed + (self._cells * by_answer[:, None])
        ).sum(axis=(1, 2))
        return influence
