"""What was said already adds nothing."""

from __future__ import annotations

from trueline.ledger.votes import GivenVote
from trueline.metrics.consensus import Vote
from trueline.service.additions import add_votes, with_decision
from trueline.service.sent import SentDecision

ANA = Vote("ana", "Drop", 1, 10)


def test_the_very_same_vote_again_is_not_new() -> None:
    again, later = Vote("ana", "Drop", 1, 20), Vote("ana", "Drop", 2, 21)
    given = {7: [GivenVote(7, again), GivenVote(7, later), GivenVote(7, later)], 8: [GivenVote(8, again)]}
    touched, new = add_votes({7: [ANA], 8: [ANA]}, given)
    assert touched == {7: [ANA, later]}
    assert [each.vote for each in new] == [later]


def decision(label: str, decided_at: int | None = None) -> SentDecision:
    return SentDecision(label, None, "", None, decided_at)


def test_decisions_stand_in_the_order_of_their_time() -> None:
    made = with_decision(with_decision([], decision("Drop", 5), 10), decision("Escalate", 3), 11)
    assert [(each.label, each.decided_at) for each in made] == [("Escalate", 3), ("Drop", 5)]
    assert [each.label for each in with_decision(made, decision("Escalate", 5), 12)] == ["Escalate", "Drop", "Escalate"]


def test_the_very_same_decision_again_changes_nothing() -> None:
    made = with_decision(with_decision([], decision("Drop", 5), 10), decision("Escalate"), 11)
    assert with_decision(made, None, 12) is made
    assert with_decision(made, decision("Drop", 5), 12) is made
    assert with_decision(made, decision("Escalate"), 12) is made
    assert [each.label for each in with_decision(made, decision("Drop"), 12)] == ["Drop", "Escalate", "Drop"]
