"""The consensus of a subject: what its votes, taken together, say."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from trueline.labels import UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

AUDIT: Final = "audit"
CAUSES: Final = ("low confidence", "escalation", "complaint")
"""Why subjects are reviewed that nobody drew by chance."""
REVIEW_REASONS: Final = (AUDIT, *CAUSES)
"""All that a vote may say of why."""
LEAST_PROBABILITY: Final = 1e-12
"""Of being drawn for a review: one among more events than there will ever be. What is less is taken for it, so that
what one review stands for stays a number."""


class Remark(msgspec.Struct, frozen=True, gc=False):
    """What is said along with a vote; of no account for the consensus."""

    review_probability: float | None = None
    """How likely the subject was to be chosen for a review, above 0 and at most 1; None where it is not known."""
    review_reason: str = ""
    """Why it was reviewed, one of `REVIEW_REASONS`; empty where nobody said."""
    note: str = ""


NO_REMARK = Remark()


class Vote(msgspec.Struct, frozen=True, gc=False):
    """What one analyst said of one subject."""

    analyst: str
    label: str | None
    """The label given; None withdraws."""
    at: int
    """When it was given, in microseconds since 1970 (UTC)."""
    recorded_at: int
    """When it arrived, in microseconds since 1970; unique, so it settles the order of equal ``at``."""
    override: bool = False
    """An administrator's vote that settles the subject until it is withdrawn."""
    remark: Remark = NO_REMARK


class Consensus(msgspec.Struct, frozen=True, gc=False):
    """What a subject's votes say, and since when."""

    label: str | None
    """A label, `UNDECIDED`, or None where no vote stands."""
    changed_at: int
    """The ``at`` of the vote that gave it this value, in microseconds since 1970; 0 where there was no vote."""


def consensus(votes: Iterable[Vote], min_votes: int) -> Consensus:
    """Weigh the votes on one subject.

    Votes are taken in the order of ``at``, equal ones in the order of arrival. Of one analyst's votes the
    latest counts. The latest override, unless withdrawn, settles the subject. Otherwise the label with
    strictly more votes than any other wins, given at least `min_votes` standing votes in all; votes without
    such a label make it `UNDECIDED`; no standing vote, no consensus.
    """
    votes = list(votes)
    if len(votes) == 1:  # as in an import of history: the general way gives the same, at many times the price
        (vote,) = votes
        if vote.label is None:
            return Consensus(None, 0)
        return Consensus(vote.label if vote.override or min_votes <= 1 else UNDECIDED, vote.at)
    standing: dict[str, str] = {}
    override: str | None = None
    value: str | None = None
    changed_at = 0
    for vote in sorted(votes, key=lambda vote: (vote.at, vote.recorded_at)):
        if vote.override:
            override = vote.label
        elif vote.label is None:
            standing.pop(vote.analyst, None)
        else:
            standing[vote.analyst] = vote.label
        now = override if override is not None else majority(list(standing.values()), min_votes)
        if now != value:
            value, changed_at = now, vote.at
    return Consensus(value, changed_at)


def majority(given: Sequence[str], min_votes: int = 1) -> str | None:
    """The label with strictly more votes than any other; `UNDECIDED` without one or below `min_votes`; None of none."""
    if not given:
        return None
    if len(given) < min_votes:
        return UNDECIDED
    if given.count(given[0]) == len(given):
        return given[0]
    (winner, most), (_, second) = Counter(given).most_common(2)
    return winner if most > second else UNDECIDED
