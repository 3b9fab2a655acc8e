"""Which of two is better: by event, by bucket, and what flipped."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from metrics.covering import coverage
from trueline.metrics.comparison import DecisionPair, Flip, PairedSubject, compare, each_event, flips
from trueline.metrics.paired import PairedTable, difference

PAIRS = (
    DecisionPair("Drop", "Drop", "Drop", 900),
    DecisionPair("Drop", "Escalate", "Escalate", 12),
    DecisionPair("Drop", "Escalate", "Drop", 4),
    DecisionPair("Drop", "Escalate", "Investigate", 2),
    DecisionPair("Drop", "Escalate", None, 30),
    DecisionPair("Escalate", "Drop", "Drop", 3),
    DecisionPair("Drop", "Drop", "Escalate", 5),
    DecisionPair("Drop", "Drop", None, 8_000),
    DecisionPair("Escalate", "Investigate", "Drop", 0),
)


def test_by_event_the_tables_are_the_same() -> None:
    found = compare(each_event(PAIRS))
    assert found.events == found.subjects == PairedTable(900, 4, 15, 7)
    assert found.first.value == 904 / 926
    assert found.second.value == 915 / 926
    assert found.difference == difference(found.subjects, 0.95)
    assert found.p_value.value == pytest.approx(2 * sum((1, 19, 171, 969, 3_876)) / 2**19)


def test_shares_are_scikit_learns_accuracies() -> None:
    known = [pair for pair in PAIRS if pair.truth is not None]
    truths = [str(pair.truth) for pair in known]
    weights = [pair.events for pair in known]
    found = compare(each_event(PAIRS))
    first, second = [pair.first for pair in known], [pair.second for pair in known]
    assert found.first.value == pytest.approx(accuracy_score(truths, first, sample_weight=weights))
    assert found.second.value == pytest.approx(accuracy_score(truths, second, sample_weight=weights))


def test_a_bucket_counts_once_however_large() -> None:
    found = compare(
        [PairedSubject(0, 0, 5_000, 0), PairedSubject(0, 1, 0, 0, subjects=20), PairedSubject(3, 0, 0, 0, 79)]
    )
    assert found.events == PairedTable(237, 20, 5_000, 0)
    assert found.subjects == PairedTable(79, 20, 1, 0)
    assert found.difference.value == pytest.approx(-0.19)
    assert found.p_value.value == pytest.approx(2 * (1 + 21) / 2**21)


@pytest.mark.parametrize(
    ("bucket", "expected"),
    [
        (PairedSubject(2, 0, 1, 0), PairedTable(1, 0, 0, 0)),
        (PairedSubject(1, 0, 1, 1), PairedTable(0, 0, 1, 0)),
        (PairedSubject(1, 0, 0, 1), PairedTable(0, 0, 0, 1)),  # half is not more than half
        (PairedSubject(0, 0, 0, 0), PairedTable(0, 0, 0, 0)),  # no event with a truth
    ],
)
def test_a_bucket_is_right_when_more_than_half_of_its_events_are(bucket: PairedSubject, expected: PairedTable) -> None:
    assert compare([bucket]).subjects == expected


def test_without_a_truth_nothing_is_said() -> None:
    found = compare(each_event(PAIRS[4:5]))
    for figure in (found.first, found.second, found.difference, found.p_value):
        assert figure.value is None
        assert figure.reason


def test_events_that_flipped_by_from_and_to() -> None:
    assert flips(PAIRS) == (
        Flip("Drop", "Escalate", 48, first_right=4, second_right=12, neither_right=2, without_truth=30),
        Flip("Escalate", "Drop", 3, first_right=0, second_right=3, neither_right=0, without_truth=0),
    )
    assert flips(()) == ()


def test_counting_events_of_buckets_as_independent_would_not_cover_but_buckets_do() -> None:
    """Why a bucket counts once: 300 buckets of like size, each decided as one."""
    shares, draw = (0.85, 0.08, 0.04, 0.03), np.random.default_rng(8)
    by_bucket, by_event = [], []
    for row in draw.multinomial(300, shares, 800).tolist():
        right = [(20, 0, 0, 0), (0, 20, 0, 0), (0, 0, 20, 0), (0, 0, 0, 20)]
        found = compare([PairedSubject(*each, subjects=count) for each, count in zip(right, row, strict=True)])
        by_bucket.append(found.difference)
        by_event.append(difference(found.events, 0.95))
    assert 0.93 <= coverage(by_bucket, -0.04) <= 0.97
    assert coverage(by_event, -0.04) < 0.5


def test_counts_are_not_negative() -> None:
    with pytest.raises(ValueError, match="less than nothing"):
        PairedSubject(1, 0, -1, 0)
    with pytest.raises(ValueError, match="less than nothing"):
        DecisionPair("a", "b", None, -1)
