"""Patterns of votes, and which answers meet."""

from __future__ import annotations

import pytest

from trueline.labels import UNDECIDED
from trueline.metrics.consensus import majority
from trueline.metrics.votes import (
    Ballot,
    VotePattern,
    against_others,
    among_votes,
    answers_met,
    ballots,
    by_analyst,
    by_pair,
    met_once,
)

PATTERNS = (
    VotePattern((("ana", "Drop"), ("ben", "Drop"), ("cyd", "Escalate")), 5, "Drop"),
    VotePattern((("ben", "Drop"), ("ana", "Escalate")), 3, "Drop"),
    VotePattern((("ana", "Escalate"), ("cyd", "Drop")), 2, "Drop"),
    VotePattern((("ana", "Drop"),), 7, None),
)


def test_ballots_forget_who_voted() -> None:
    assert ballots(PATTERNS) == [
        Ballot(("Drop", "Drop", "Escalate"), "Drop", 5),
        Ballot(("Drop", "Escalate"), "Drop", 5),
        Ballot(("Drop",), None, 7),
    ]


def test_each_vote_meets_all_others_and_a_subject_weighs_as_its_votes() -> None:
    found = among_votes(ballots(PATTERNS), ["Drop", "Escalate"])
    assert found.subjects.tolist() == [5, 5, 7]
    assert found.cells.tolist() == [[[1, 1], [1, 0]], [[0, 1], [1, 0]], [[0, 0], [0, 0]]]


def test_answers_meet_in_both_orders() -> None:
    found = answers_met([4], [[("a", "b"), ("a", "a")]], "ab")
    assert found.cells.tolist() == [[[2, 1], [1, 0]]]


def test_a_vote_meets_the_consensus_of_the_others() -> None:
    assert against_others(("Drop", "Drop", "Escalate")) == [("Escalate", "Drop")]  # the others of each Drop are tied
    assert against_others(("Drop", "Escalate")) == [("Drop", "Escalate"), ("Escalate", "Drop")]
    assert against_others(("Drop",)) == []
    assert against_others(("Drop",) * 3) == [("Drop", "Drop")] * 3


def test_pairs_of_analysts_meet_where_both_voted() -> None:
    assert by_pair(PATTERNS) == {
        ("ana", "ben"): {("Drop", "Drop"): 5, ("Escalate", "Drop"): 3},
        ("ana", "cyd"): {("Drop", "Escalate"): 5, ("Escalate", "Drop"): 2},
        ("ben", "cyd"): {("Drop", "Escalate"): 5},
    }
    assert list(by_pair(reversed(PATTERNS))) == list(by_pair(PATTERNS))


def test_an_analyst_meets_the_consensus_of_the_others() -> None:
    tables = by_analyst(PATTERNS)
    assert list(tables) == ["ana", "ben", "cyd"]
    assert tables["ana"] == {("Drop", UNDECIDED): 5, ("Escalate", "Drop"): 5, ("Drop", None): 7}
    assert tables["cyd"] == {("Escalate", "Drop"): 5, ("Drop", "Escalate"): 2}


def test_subjects_on_which_two_met() -> None:
    found = met_once({("a", "b"): 3, ("b", "b"): 2}, "ab")
    assert found.subjects.tolist() == [3, 2]
    assert found.cells.tolist() == [[[0, 1], [1, 0]], [[0, 0], [0, 2]]]


@pytest.mark.parametrize("votes", [(("ana", "Drop"), ("ana", "Drop")), (("ana", "Drop"), ("ana", "Escalate"))])
def test_an_analyst_has_one_standing_vote_on_a_subject(votes: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ValueError, match="an analyst votes twice"):
        VotePattern(votes, 1)


def test_there_are_no_negative_subjects() -> None:
    with pytest.raises(ValueError, match="-1 subjects"):
        VotePattern((), -1)


def test_a_label_that_the_job_does_not_have_is_an_error() -> None:
    with pytest.raises(KeyError):
        among_votes([Ballot(("Other",), None, 1)], ["Drop", "Escalate"])
    with pytest.raises(KeyError):
        met_once({("Drop", "Other"): 1}, ["Drop", "Escalate"])


@pytest.mark.parametrize(
    ("given", "label"),
    [((), None), (("a",), "a"), (("a", "b"), UNDECIDED), (("a", "b", "b"), "b"), (("a", "b", "c"), UNDECIDED)],
)
def test_the_majority(given: tuple[str, ...], label: str | None) -> None:
    assert majority(given) == label
