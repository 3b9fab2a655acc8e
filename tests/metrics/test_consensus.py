"""The consensus of a subject, vote by vote."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.labels import UNDECIDED
from trueline.metrics.consensus import Consensus, Vote, consensus

A, B, C = "Drop", "Investigate", "Escalate"


def cast(*votes: tuple[str, str | None] | tuple[str, str | None, int]) -> list[Vote]:
    """Votes of analysts, one after another, the first at 10; or each at the moment it names."""
    return [
        Vote(each[0], each[1], each[2] if len(each) > 2 else 10 * number, 1_000 + number)
        for number, each in enumerate(votes, 1)
    ]


def override(label: str | None, at: int) -> Vote:
    return Vote("root", label, at, 5_000 + at, override=True)


def test_without_votes_there_is_none() -> None:
    assert consensus([], 1) == Consensus(None, 0)


@pytest.mark.parametrize(
    ("votes", "min_votes", "label"),
    [
        ([("ana", A)], 1, A),
        ([("ana", A)], 2, UNDECIDED),
        ([("ana", A), ("ben", A)], 2, A),
        ([("ana", A), ("ben", B)], 1, UNDECIDED),
        ([("ana", A), ("ben", B), ("cyd", A)], 1, A),
        ([("ana", A), ("ben", B), ("cyd", C)], 1, UNDECIDED),
        ([("ana", A), ("ben", A), ("cyd", B), ("dan", B), ("eve", C)], 1, UNDECIDED),
        # the minimum counts all standing votes, not those of the winner
        ([("ana", A), ("ben", B), ("cyd", A)], 3, A),
        ([("ana", A), ("ana", A)], 2, UNDECIDED),
        ([("ana", A), ("ana", B)], 1, B),
        ([("ana", A), ("ana", None)], 1, None),
        ([("ana", None)], 1, None),
        ([("ana", A), ("ben", B), ("ben", None)], 1, A),
        ([("ana", A), ("ben", A), ("ben", None)], 2, UNDECIDED),
    ],
)
def test_the_label_with_strictly_most_standing_votes_wins(
    votes: list[tuple[str, str | None]], min_votes: int, label: str | None
) -> None:
    assert consensus(cast(*votes), min_votes).label == label


def test_of_one_analysts_votes_the_latest_counts_however_late_an_older_one_arrives() -> None:
    on_time, late_but_older = Vote("ana", A, at=20, recorded_at=1), Vote("ana", B, at=10, recorded_at=2)
    assert consensus([on_time, late_but_older], 1) == Consensus(A, 20)


def test_among_votes_of_one_moment_the_last_to_arrive_counts() -> None:
    votes = [Vote("ana", A, at=10, recorded_at=1), Vote("ana", B, at=10, recorded_at=2)]
    assert consensus(votes, 1).label == consensus(votes[::-1], 1).label == B


def test_the_order_in_which_votes_are_given_makes_no_difference() -> None:
    votes = [*cast(("ana", A), ("ben", B), ("ana", None), ("cyd", B)), override(C, 15), override(None, 35)]
    assert len({consensus(order, 1) for order in permutations(votes)}) == 1


@pytest.mark.parametrize("min_votes", [1, 5])
def test_an_override_settles_against_any_majority_and_any_minimum(min_votes: int) -> None:
    votes = cast(("ana", A), ("ben", A))
    assert consensus([*votes, override(C, 100)], min_votes) == Consensus(C, 100)


def test_the_latest_override_stands() -> None:
    assert consensus([override(A, 10), override(B, 20)], 1).label == B


def test_a_withdrawn_override_gives_back_to_the_votes() -> None:
    votes = cast(("ana", A))
    assert consensus([*votes, override(C, 100), override(None, 200)], 1) == Consensus(A, 200)
    assert consensus([override(C, 100), override(None, 200)], 1) == Consensus(None, 200)


def test_an_override_is_not_its_givers_vote() -> None:
    ana = Vote("ana", C, at=50, recorded_at=50, override=True)
    withdrawn = Vote("ana", None, at=60, recorded_at=60, override=True)
    assert consensus([*cast(("ana", A)), ana, withdrawn], 1).label == A


@pytest.mark.parametrize(
    ("votes", "changed_at"),
    [
        ([("ana", A, 10), ("ben", A, 20)], 10),
        ([("ana", A, 10), ("ben", B, 20)], 20),
        ([("ana", A, 10), ("ben", B, 20), ("cyd", A, 30)], 30),
        ([("ana", A, 10), ("ana", B, 20), ("ana", A, 30)], 30),
        ([("ana", A, 10), ("ana", None, 20)], 20),
        ([("ana", None, 10)], 0),
        ([("ben", A, 20), ("ana", A, 10)], 10),
    ],
)
def test_it_changed_at_the_vote_that_gave_it_its_present_value(
    votes: list[tuple[str, str | None, int]], changed_at: int
) -> None:
    assert consensus(cast(*votes), 1).changed_at == changed_at


@given(
    st.lists(
        st.builds(
            Vote,
            st.sampled_from(["ana", "ben", "cyd"]),
            st.sampled_from([A, B, C, None]),
            st.integers(1, 5),
            st.integers(1, 10**6),
            st.booleans(),
        ),
        max_size=12,
        unique_by=lambda vote: vote.recorded_at,
    ),
    st.integers(1, 4),
)
def test_it_is_what_the_definitions_say_whatever_the_votes(votes: list[Vote], min_votes: int) -> None:
    ordered = sorted(votes, key=lambda vote: (vote.at, vote.recorded_at))
    overrides = [vote.label for vote in ordered if vote.override]
    latest = {vote.analyst: vote.label for vote in ordered if not vote.override}
    standing = [label for label in latest.values() if label is not None]
    most = sorted((standing.count(label) for label in (A, B, C)), reverse=True)
    if overrides and overrides[-1] is not None:
        expected: str | None = overrides[-1]
    elif not standing:
        expected = None
    elif len(standing) < min_votes or most[0] == most[1]:
        expected = UNDECIDED
    else:
        expected = max((A, B, C), key=standing.count)
    assert consensus(votes, min_votes).label == expected
