"""What errors cost and what right decisions save."""

from __future__ import annotations

import pytest

from trueline.labels import UNDECIDED
from trueline.metrics.costs import CostMatrix, expected_cost, time_saved
from trueline.metrics.estimated import estimate
from trueline.metrics.intervals import Interval
from trueline.metrics.reviews import Mass, ReviewCount

LABELS = ["Drop", "Escalate"]
COUNTS = [
    ReviewCount("Drop", "Drop", Mass.single(396), probability=0.02),
    ReviewCount("Drop", "Escalate", Mass.single(4), probability=0.02),
    ReviewCount("Drop", None, Mass.single(19_599)),
    ReviewCount("Drop", UNDECIDED, Mass.single(1)),
    ReviewCount("Escalate", "Drop", Mass.single(160)),
    ReviewCount("Escalate", "Escalate", Mass.single(840)),
]
COSTS = CostMatrix(((0.0, 15.0), (480.0, 0.0)), "minutes")


def test_expected_cost() -> None:
    """200 missed at 480 minutes, 160 false alarms at 15."""
    cost = expected_cost(COUNTS, estimate(COUNTS, LABELS, b""), COSTS)
    assert cost.value == pytest.approx(200 * 480 + 160 * 15)
    assert cost.value is not None
    assert cost.interval is not None
    assert 20 * 480 < cost.interval.low < cost.value < cost.interval.high < 600 * 480


def test_time_saved_beside_the_compatible_figure() -> None:
    saved = time_saved(COUNTS, estimate(COUNTS, LABELS, b""), 10, CostMatrix.per_error(2, 25, "minutes"))
    assert saved.compatible == 10 * (396 + 19_599 + 840)
    assert saved.rework.value == pytest.approx(25 * 360)
    assert saved.saved.value == pytest.approx(10 * (21_000 - 360) - 25 * 360)
    assert saved.saved.value is not None
    assert saved.saved.interval is not None
    assert saved.saved.interval.low < saved.saved.value < saved.saved.interval.high


def test_time_may_be_lost() -> None:
    saved = time_saved(COUNTS, estimate(COUNTS, LABELS, b""), 1, CostMatrix.per_error(2, 480, "minutes")).saved
    assert saved.value is not None
    assert saved.value < 0


def test_a_decision_never_reviewed_leaves_best_and_worst() -> None:
    counts = [ReviewCount("Drop", None, Mass.single(100)), ReviewCount("Escalate", "Drop", Mass.single(2))]
    cost = expected_cost(counts, estimate(counts, LABELS, b""), COSTS)
    assert cost.value is None
    assert cost.interval == Interval(30, 100 * 480 + 30)
    assert cost.reason == "none of the events decided Drop was reviewed: worst and best case"


def test_what_costs_the_same_whatever_is_true_needs_no_review() -> None:
    counts = [*COUNTS, ReviewCount("Investigate", None, Mass.single(30))]
    labels = [*LABELS, "Investigate"]
    costs = CostMatrix(((0.0, 15.0, 2.0), (480.0, 0.0, 2.0), (0.0, 0.0, 2.0)), "minutes")
    cost = expected_cost(counts, estimate(counts, labels, b""), costs)
    assert cost.value == pytest.approx(200 * 480 + 160 * 15 + 30 * 2)


def test_what_was_all_reviewed_has_one_cost() -> None:
    """These events cost what they cost, however sure a rate would be."""
    counts = [ReviewCount("Drop", "Drop", Mass.single(40)), ReviewCount("Drop", "Escalate", Mass.single(2))]
    cost = expected_cost(counts, estimate(counts, LABELS, b""), COSTS)
    assert (cost.value, cost.interval) == (960, Interval(960, 960))


def test_of_nothing_the_cost_is_nothing() -> None:
    assert expected_cost([], estimate([], LABELS, b""), COSTS).value == 0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="a row and a column"):
        CostMatrix(((0.0, 1.0),), "minutes")
    with pytest.raises(ValueError, match="finite"):
        CostMatrix(((float("nan"),),), "minutes")
    estimated = estimate(COUNTS, LABELS, b"", 2)
    with pytest.raises(ValueError, match="does not fit"):
        expected_cost(COUNTS, estimated, CostMatrix.per_error(3, 1, "EUR"))
    with pytest.raises(ValueError, match="in minutes, not in EUR"):
        time_saved(COUNTS, estimated, 10, CostMatrix.per_error(2, 1, "EUR"))
