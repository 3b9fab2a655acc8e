"""Missed events of one label: truly so, and decided otherwise. Of Escalate, the headline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trueline.metrics.clustered import Proportion, proportion
from trueline.metrics.costs import CostMatrix, expected_cost
from trueline.metrics.figures import Figure, undefined
from trueline.metrics.intervals import UNKNOWN_PROPORTION, Interval, clopper_pearson_upper
from trueline.metrics.reviews import Mass, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.metrics.estimated import Estimate
    from trueline.metrics.reviews import ReviewCount

_UNEVEN: Final = 1.5
"""From which ratio of the shares reviewed on, one bound over several decisions together misleads."""


@dataclass(frozen=True, slots=True)
class Bound:
    """How many of the reviewed were missed, and how many of all may be at the most."""

    found: Mass
    """Reviewed, truly of the label, decided otherwise."""
    reviewed: Mass
    """Reviewed, decided otherwise."""
    rate: Figure
    """`found` of `reviewed`, by subjects, 0 to 1; its interval runs from 0 to the one-sided upper bound."""


@dataclass(frozen=True, slots=True)
class Missed:
    """What was missed of one label."""

    label: str
    overall: Bound
    """Of all decisions for another label."""
    per_decision: dict[str, Bound]
    """Of each other decision."""
    miss_rate: Proportion
    """Of the reviewed that are truly so, the share that was missed, in events; interval two-sided."""
    estimated: Figure
    """How many events of the whole population were missed."""


def missed(counts: Sequence[ReviewCount], estimated: Estimate, label: str, level: float = 0.95) -> Missed:
    """How many events of a label were missed, and how many at the most.

    The upper bound is the one-sided exact one of Clopper and Pearson (Biometrika 26, 1934): 0 of 300 at 0.95 gives
    0.99 %. It counts subjects: in a job grouped by bucket it bounds the share of buckets. It holds where the reviewed
    were drawn by chance among those decided otherwise.

    Raises:
        ValueError: the label is not one of the job's.
    """
    if label not in estimated.labels:
        raise ValueError(f"{label} is not a label of this job")
    others = [other for other in estimated.labels if other != label]
    per_decision = {
        other: _bound([count for count in counts if count.decision == other], label, level, None) for other in others
    }
    here = [count for count in counts if count.decision != label]
    column = estimated.labels.index(label)
    each = tuple(
        tuple(float(row == column != decided) for decided in range(len(estimated.labels)))
        for row in range(len(estimated.labels))
    )
    right = total(count.mass for count in counts if count.decision == label == count.reviewed)
    overall = _bound(here, label, level, _unevenly_reviewed(counts, others))
    return Missed(
        label=label,
        overall=overall,
        per_decision=per_decision,
        miss_rate=proportion(overall.found, right, level, f"no reviewed event is truly {label}"),
        estimated=expected_cost(counts, estimated, CostMatrix(each, "events"), level),
    )


def _bound(counts: Sequence[ReviewCount], label: str, level: float, reason: str | None) -> Bound:
    found = total(count.mass for count in counts if count.reviewed == label)
    reviewed = total(count.mass for count in counts if count.reviewed is not None)
    upper = clopper_pearson_upper(found.subjects, reviewed.subjects, level)
    if upper is None:
        return Bound(found, reviewed, undefined("none of these was reviewed", UNKNOWN_PROPORTION))
    return Bound(found, reviewed, Figure(found.subjects / reviewed.subjects, Interval(0.0, upper), reason))


def _unevenly_reviewed(counts: Sequence[ReviewCount], decisions: list[str]) -> str | None:
    """What to say where one decision was reviewed much more thoroughly than another."""
    shares = []
    for decision in decisions:
        here = [count for count in counts if count.decision == decision]
        subjects = total(count.mass for count in here).subjects
        if subjects:
            shares.append(total(count.mass for count in here if count.reviewed is not None).subjects / subjects)
    if len(shares) > 1 and max(shares) > _UNEVEN * min(shares):
        return "the decisions were reviewed unevenly: read the bounds of each, and the estimate"
    return None
