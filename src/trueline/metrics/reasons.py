"""Why things were reviewed: what is reviewed for a cause does not stand for what nobody looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trueline.metrics.clustered import Proportion, proportion
from trueline.metrics.consensus import CAUSES, REVIEW_REASONS
from trueline.metrics.reviews import total

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trueline.metrics.reviews import ReviewCount

NOT_SAID: Final = "not said"
"""The name of what was reviewed without anybody saying why."""


def wrong_by_reason(
    counts: Iterable[ReviewCount], labels: Sequence[str], level: float = 0.95
) -> dict[str, dict[str, Proportion]]:
    """How many reviewed events of each decision were decided wrong, by why they were reviewed.

    Args:
        counts: the population.
        labels: the decisions.
        level: of the intervals.

    Returns:
        Of each decision, and of each of `REVIEW_REASONS` and `NOT_SAID`, the share decided wrong. The wholes of one
        decision are together all that was reviewed of it.
    """
    reviewed = [count for count in counts if count.reviewed is not None]
    return {
        label: {
            reason or NOT_SAID: _wrong(
                [each for each in reviewed if each.decision == label and each.reason == reason], label, reason, level
            )
            for reason in (*REVIEW_REASONS, "")
        }
        for label in labels
    }


def _wrong(counts: Sequence[ReviewCount], label: str, reason: str, level: float) -> Proportion:
    wrong = total(count.mass for count in counts if count.reviewed != label)
    right = total(count.mass for count in counts if count.reviewed == label)
    because = f"the reason {reason}" if reason else "no reason said"
    return proportion(wrong, right, level, f"no event decided {label} was reviewed with {because}")


def chosen(counts: Iterable[ReviewCount]) -> str:
    """How many reviews were made for a cause, and so not by chance, as a sentence.

    A review is one of a subject: in a job grouped by bucket, of a bucket.
    """
    reviewed = [count for count in counts if count.reviewed is not None]

    def reviews(*reasons: str) -> int:
        return total(count.mass for count in reviewed if count.reason in reasons).subjects

    everything, unsaid = reviews(*REVIEW_REASONS, ""), reviews("")
    each = ", ".join(f"{reviews(cause):,} because of {cause}" for cause in CAUSES)
    told = f"Of the {everything:,} reviews that it rests on, {reviews(*CAUSES):,} were not chosen by chance ({each})"
    return f"{told}; of {unsaid:,} nobody said why." if unsaid else f"{told}."
