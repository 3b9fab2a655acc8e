"""What the report's arithmetic is given: how many subjects are alike in all it depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trueline.labels import UNDECIDED
from trueline.metrics.consensus import LEAST_PROBABILITY
from trueline.metrics.counts import TruthPolicy, truth_of
from trueline.metrics.figures import Figure, undefined

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Mass:
    """How much there is of something, in events and in the subjects that they belong to."""

    events: int = 0
    subjects: int = 0
    squares: int = 0
    """The sum over the subjects of their events squared; equal to `events` where each event is its own subject."""

    def __add__(self, other: Mass) -> Mass:
        return Mass(self.events + other.events, self.subjects + other.subjects, self.squares + other.squares)

    @classmethod
    def single(cls, events: int) -> Mass:
        """Events that are each their own subject."""
        return cls(events, events, events)


def total(masses: Iterable[Mass]) -> Mass:
    """The sum; of no masses, nothing."""
    events = subjects = squares = 0
    for mass in masses:  # many hundreds are summed up for a report, and a dataclass for each takes its time
        events, subjects, squares = events + mass.events, subjects + mass.subjects, squares + mass.squares
    return Mass(events, subjects, squares)


@dataclass(frozen=True, slots=True)
class ReviewCount:
    """So many subjects of a population are alike in decision, consensus, confidence and review.

    A subject of several events is one subject here: counted once, with all its events of this decision. So in a job
    grouped by bucket the band and the probability must be the bucket's (say of its lowest confidence), else what
    belongs together is taken for independent.
    """

    decision: str
    consensus: str | None
    """A label, `UNDECIDED`, or None where nobody voted."""
    mass: Mass
    band: int | None = None
    """Of the confidence, in order, say tenths; None where the decision has none."""
    probability: float | None = None
    """With which the subject was drawn for review, of those reviewed; None where unknown."""
    reason: str = ""
    """Why it was reviewed, likewise: one of `consensus.REVIEW_REASONS`; empty where nobody said."""

    def __post_init__(self) -> None:
        if self.probability is not None and not 0 < self.probability <= 1:
            raise ValueError(f"{self.probability} is no probability with which anything was reviewed")

    @property
    def reviewed(self) -> str | None:
        """The true label as reviewed; None for the Undecided too."""
        return None if self.consensus == UNDECIDED else self.consensus

    @property
    def drawn_of(self) -> float:
        """Of how many one such subject was drawn: one over the probability; 1 where that is unknown."""
        return 1.0 if self.probability is None else 1 / max(self.probability, LEAST_PROBABILITY)

    def truth(self, policy: TruthPolicy) -> str | None:
        """As `Count.truth`."""
        return truth_of(self.decision, self.consensus, policy)


@dataclass(frozen=True, slots=True)
class ReviewedShare:
    """How much of something was reviewed: "reviewed n of N (x %)"."""

    total: Mass
    reviewed: Mass
    """With a consensus label, so with a truth."""
    undecided: Mass
    """With votes that agree on no label: looked at, but without a truth."""
    share: Figure
    """Of events, 0 to 1. A count of what is there, so it has no interval."""

    @property
    def sentence(self) -> str:
        """For people, in events."""
        if self.share.value is None:
            return "reviewed 0 of 0"
        return f"reviewed {self.reviewed.events:,} of {self.total.events:,} ({self.share.value * 100:.3g} %)"


def reviewed_share(counts: Iterable[ReviewCount]) -> ReviewedShare:
    """How much of these was reviewed."""
    counts = list(counts)
    everything = total(count.mass for count in counts)
    reviewed = total(count.mass for count in counts if count.reviewed is not None)
    undecided = total(count.mass for count in counts if count.consensus == UNDECIDED)
    share = Figure(reviewed.events / everything.events) if everything.events else undefined("no decided events")
    return ReviewedShare(everything, reviewed, undecided, share)


@dataclass(frozen=True, slots=True)
class ReviewedShares:
    """How much was reviewed, of all and of each decision in the order of the labels."""

    overall: ReviewedShare
    per_decision: dict[str, ReviewedShare]


def reviewed_shares(counts: Sequence[ReviewCount], labels: Sequence[str]) -> ReviewedShares:
    """How much was reviewed of all and of each decision; labels never decided are there with nothing."""
    return ReviewedShares(
        reviewed_share(counts),
        {label: reviewed_share(count for count in counts if count.decision == label) for label in labels},
    )
