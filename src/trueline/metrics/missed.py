"""Missed events of one label: truly so, and decided otherwise. Of Escalate, the headline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trueline.metrics.clustered import Proportion, proportion
from trueline.metrics.costs import CostMatrix, expected_cost
from trueline.metrics.figures import Figure, undefined
from trueline.metrics.intervals import UNKNOWN_PROPORTION, Interval, clopper_pearson_upper
from trueline.metrics.reviews import Mass, total
from trueline.metrics.standing import by_chance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.metrics.estimated import Estimate
    from trueline.metrics.reviews import ReviewCount

_UNEVEN: Final = 1.5
"""From which ratio of the shares reviewed on, one bound over several decisions together misleads."""
_UNEQUAL: Final = "not all were drawn with one probability, so this is more cautious than the exact bound"
_CHOSEN: Final = "the reviewed are not known to be drawn by chance: this holds only if they are as good as drawn"


@dataclass(frozen=True, slots=True)
class Bound:
    """How many of the reviewed were missed, and how many of all may be at the most."""

    found: Mass
    """Reviewed, truly of the label, decided otherwise."""
    reviewed: Mass
    """Reviewed, decided otherwise."""
    rate: Figure
    """The share missed, by subjects, 0 to 1; its interval runs from 0 to the one-sided upper bound.

    Of a decision of which some were drawn for review with known probability it rests on these alone."""


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
    were drawn by chance among those decided otherwise: where some were, with known probability, it rests on these
    alone, and where none was it says so.

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


@dataclass(frozen=True, slots=True)
class _Sample:
    """The reviews of one decision that its bound rests on."""

    drawn: bool
    """By chance, with known probability; else all that there are."""
    weighed: list[tuple[float, ReviewCount]]
    """Each with how many subjects of the decision one of them stands for."""
    left_out: int
    """Subjects reviewed, but not in the sample."""
    whole: bool
    """Whether all subjects of the decision were reviewed."""

    @classmethod
    def of(cls, counts: Sequence[ReviewCount]) -> _Sample:
        reviewed = [count for count in counts if count.reviewed is not None]
        everything = total(count.mass for count in counts).subjects
        seen = total(count.mass for count in reviewed).subjects
        drawn = seen < everything and any(by_chance(count) for count in reviewed)
        sample = [count for count in reviewed if count.probability is not None] if drawn else reviewed
        raw = [count.drawn_of if drawn else 1.0 for count in sample]
        weights = sum(each * count.mass.subjects for each, count in zip(raw, sample, strict=True))
        weighed = [(each * (everything / weights), count) for each, count in zip(raw, sample, strict=True)]
        left_out = seen - total(count.mass for count in sample).subjects
        return cls(drawn, weighed, left_out, seen == everything)


def _bound(counts: Sequence[ReviewCount], label: str, level: float, uneven: str | None) -> Bound:
    """The bound over some decisions, of those reviews of each that were drawn by chance, or of all if none was.

    Where not all stand for as many, each counts as its share of the one that stands for most: as if each had been kept
    by lot so that all have the probability of the rarest. That is the exact bound's condition at the cost of reviews,
    so it is more cautious than it need be.
    """
    decisions = dict.fromkeys(count.decision for count in counts if count.mass.subjects)
    samples = [_Sample.of([count for count in counts if count.decision == decision]) for decision in decisions]
    found = total(count.mass for count in counts if count.reviewed == label)
    reviewed = total(count.mass for count in counts if count.reviewed is not None)
    weighed = [each for sample in samples for each in sample.weighed if each[1].mass.subjects]
    if not weighed:
        return Bound(found, reviewed, undefined("none of these was reviewed", UNKNOWN_PROPORTION))
    most = max(weight for weight, _ in weighed)
    size = sum(count.mass.subjects * (weight / most) for weight, count in weighed)
    so = sum(count.mass.subjects * (weight / most) for weight, count in weighed if count.reviewed == label)
    least = found.subjects / total(count.mass for count in counts).subjects
    upper = clopper_pearson_upper(so, size, level) or 0.0
    reasons = [uneven] if uneven else []
    if any(weight != most for weight, _ in weighed) and any(sample.drawn for sample in samples):
        reasons.append(_UNEQUAL)
    left_out = sum(sample.left_out for sample in samples)
    if left_out:
        reasons.append(f"rests on those drawn by chance, leaving out {left_out:,} reviewed otherwise")
    if any(sample.weighed and not sample.drawn and not sample.whole for sample in samples):
        reasons.append(_CHOSEN)
    if least > so / size:
        reasons.append("of all there are, more were found than the drawn let expect")
    rate = Figure(max(least, so / size), Interval(0.0, max(least, upper)), "; ".join(reasons) or None)
    return Bound(found, reviewed, rate)


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
