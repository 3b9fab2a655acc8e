"""Scores of confusion matrices small enough to do by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.metrics.scores import DecisionScores, OverallScores, overall_scores, scores_per_decision, trace

LABELS = ["Drop", "Investigate", "Escalate"]
WORKED_EXAMPLE = [[2, 0, 0], [0, 0, 0], [1, 0, 1]]
squares = st.integers(2, 5).flatmap(
    lambda size: st.lists(st.lists(st.integers(0, 1_000), min_size=size, max_size=size), min_size=size, max_size=size)
)


def test_the_worked_example_of_the_definitions() -> None:
    assert scores_per_decision(WORKED_EXAMPLE, LABELS) == {
        "Drop": DecisionScores(2 / 3, 1.0, 0.8, 2, 1, 1, 0),
        "Investigate": DecisionScores(0.0, 0.0, 0.0, 0, 4, 0, 0),
        "Escalate": DecisionScores(1.0, 1 / 2, 2 / 3, 1, 2, 0, 1),
    }
    overall = overall_scores(WORKED_EXAMPLE)
    assert (overall.accuracy, overall.recall) == (3 / 4, 3 / 4)
    assert overall.precision == pytest.approx(5 / 6, rel=1e-15)
    assert overall.f1_score == pytest.approx(11 / 15, rel=1e-15)


def test_an_empty_matrix_has_no_overall_scores_and_zeros_for_each_decision() -> None:
    assert overall_scores([[0, 0], [0, 0]]) == OverallScores(None, None, None, None)
    nothing = DecisionScores(0.0, 0.0, 0.0, 0, 0, 0, 0)
    assert scores_per_decision([[0, 0], [0, 0]], ["A", "B"]) == {"A": nothing, "B": nothing}


def test_accuracy_is_the_share_of_right_decisions_not_the_mean_over_labels() -> None:
    # one against the rest, each of the three labels would be right at least 8 times of 10
    assert overall_scores([[4, 1, 1], [1, 1, 0], [1, 0, 1]]).accuracy == 6 / 10


def test_a_label_that_only_occurs_as_a_decision_lowers_the_means() -> None:
    only_truths, with_false_alarm = [[5, 0, 0], [0, 5, 0], [0, 0, 0]], [[5, 0, 0], [0, 4, 1], [0, 0, 0]]
    assert overall_scores(only_truths).recall == 1.0
    assert overall_scores(with_false_alarm).recall == pytest.approx((1 + 4 / 5 + 0) / 3)


def test_keys_are_in_the_order_of_the_matrix() -> None:
    assert list(scores_per_decision(WORKED_EXAMPLE, ["z", "a", "m"])) == ["z", "a", "m"]


@given(squares)
def test_counts_of_each_decision_make_up_the_whole_and_scores_follow_from_them(matrix: list[list[int]]) -> None:
    total = sum(map(sum, matrix))
    for index, scores in enumerate(scores_per_decision(matrix, [str(each) for each in range(len(matrix))]).values()):
        right, wrong, missed = scores.true_positives, scores.false_positives, scores.false_negatives
        assert right + wrong + missed + scores.true_negatives == total
        assert right + wrong == sum(row[index] for row in matrix)
        assert right + missed == sum(matrix[index])
        assert scores.precision == share(right, right + wrong)
        assert scores.recall == share(right, right + missed)
        assert scores.f1_score == share(2 * right, 2 * right + wrong + missed)


@given(squares)
def test_overall_scores_are_fractions(matrix: list[list[int]]) -> None:
    overall = overall_scores(matrix)
    assert overall.accuracy == (share(trace(matrix), total) if (total := sum(map(sum, matrix))) else None)
    for score in (overall.precision, overall.recall, overall.f1_score):
        assert (score is None) == (total == 0)
        assert score is None or 0 <= score <= 1 + 1e-12


def share(part: int, whole: int) -> float:
    return float(Fraction(part, whole)) if whole else 0.0
