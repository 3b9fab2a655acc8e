"""The worst and the best case, against every completion of small populations."""

from __future__ import annotations

from itertools import combinations_with_replacement, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.labels import UNDECIDED
from trueline.metrics.bounds import Known
from trueline.metrics.intervals import UNKNOWN_PROPORTION
from trueline.metrics.reviews import Mass, ReviewCount

SMALL = st.integers(0, 3)


def completions(known: Known) -> list[list[list[int]]]:
    """Every matrix that the unreviewed events may make with the reviewed ones."""
    size = range(len(known.open))
    columns = [list(combinations_with_replacement(size, events)) for events in known.open]
    return [
        [[known.reviewed[row][column] + truths[column].count(row) for column in size] for row in size]
        for truths in product(*columns)
    ]


@settings(max_examples=60)
@given(
    st.lists(st.lists(SMALL, min_size=3, max_size=3), min_size=3, max_size=3), st.lists(SMALL, min_size=3, max_size=3)
)
def test_as_trying_all(reviewed: list[list[int]], unreviewed: list[int]) -> None:
    known = Known(reviewed, unreviewed)
    matrices = completions(known)
    coefficients = [[0.0, 3.0, -1.0], [2.0, 0.5, 7.0], [100.0, 4.0, 0.0]]
    sums = [sum(coefficients[i][j] * each[i][j] for i in range(3) for j in range(3)) for each in matrices]
    cost = known.sum_of(coefficients)
    assert (cost.low, cost.high) == pytest.approx((min(sums), max(sums)))
    for label in range(3):
        if not known.seen(label):
            assert known.recall(label) == known.precision(label) == known.miss_rate(label) == UNKNOWN_PROPORTION
            continue
        recalls = [each[label][label] / sum(each[label]) for each in matrices if sum(each[label])]
        precisions = [
            each[label][label] / sum(row[label] for row in each) for each in matrices if sum(row[label] for row in each)
        ]
        for interval, values in ((known.recall(label), recalls), (known.precision(label), precisions)):
            assert interval.low <= min(values, default=0) + 1e-12
            assert interval.high >= max(values, default=1) - 1e-12
        if sum(reviewed[label]):
            assert (known.recall(label).low, known.recall(label).high) == pytest.approx((min(recalls), max(recalls)))
        if precisions:
            found = known.precision(label)
            assert (found.low, found.high) == pytest.approx((min(precisions), max(precisions)))


def test_the_undecided_are_not_reviewed() -> None:
    counts = [ReviewCount("a", UNDECIDED, Mass.single(3)), ReviewCount("a", None, Mass.single(4))]
    assert Known.of([*counts, ReviewCount("b", "a", Mass.single(1))], ["a", "b"]) == Known([[0, 1], [0, 0]], [7, 0])
