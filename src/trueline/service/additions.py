"""One more vote, one more decision: what was said already adds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trueline.ledger.events import Decision

if TYPE_CHECKING:
    from trueline.ledger.votes import GivenVote
    from trueline.metrics.consensus import Vote
    from trueline.service.sent import SentDecision


def add_votes(
    known: dict[int, list[Vote]], given: dict[int, list[GivenVote]]
) -> tuple[dict[int, list[Vote]], list[GivenVote]]:
    """Add votes to those known of their subjects.

    Returns:
        All votes on the subjects that got a new one, and the new ones; the very same vote again is not new.
    """
    touched: dict[int, list[Vote]] = {}
    new: list[GivenVote] = []
    for subject, votes in given.items():
        before = known.get(subject, [])
        seen = {_said(vote) for vote in before}
        for each in votes:
            if (identity := _said(each.vote)) not in seen:
                seen.add(identity)
                new.append(each)
                touched.setdefault(subject, list(before)).append(each.vote)
    return touched, new


def _said(vote: Vote) -> tuple[object, ...]:
    """All that a vote says, by which the very same is known when it arrives once more."""
    return (vote.analyst, vote.label, vote.at, vote.override, vote.remark)


def with_decision(decisions: list[Decision], sent: SentDecision | None, arrival: int) -> list[Decision]:
    """The decisions on an event with one more, in order of (decided_at, arrival): the last is in force.

    The very same decision again changes nothing and gives back the same list. A decision without a time is
    the same again when it says what the one in force says.
    """
    if sent is None:
        return decisions
    said = (sent.label, sent.confidence, sent.model_id, sent.outlier)
    against = decisions if sent.decided_at is not None else decisions[-1:]
    for made in against:
        same_time = sent.decided_at is None or made.decided_at == sent.decided_at
        if same_time and (made.label, made.confidence, made.model_id, made.outlier) == said:
            return decisions
    decided_at = arrival if sent.decided_at is None else sent.decided_at
    made = Decision(sent.label, sent.confidence, sent.model_id, sent.outlier, decided_at, arrival)
    return sorted([*decisions, made], key=lambda each: (each.decided_at, each.recorded_at))
