"""What may stand without review, how wrong it is at most, and whether promises are kept."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.covering import RUNS
from trueline.metrics.automation import THRESHOLDS, automation_curve, keep_promise
from trueline.metrics.calibration import ConfidenceCount
from trueline.metrics.figures import Figure
from trueline.metrics.intervals import UNKNOWN_PROPORTION, clopper_pearson_upper

CLAIMS = (45.0, 55.0, 65.0, 75.0, 85.0, 92.0, 96.0, 98.5, 99.5)
DECISIONS = np.array([500, 500, 500, 1_000, 2_000, 3_000, 5_000, 8_000, 10_000])
COUNTS = (
    ConfidenceCount(99.5, 300, 0, 5_700),
    ConfidenceCount(90, 190, 10, 2_800),
    ConfidenceCount(60, 0, 0, 500),
    ConfidenceCount(None, 10, 10, 480),
)


def test_the_curve_by_hand() -> None:
    lowest, ninety, top = automation_curve(COUNTS, thresholds=(99, 0, 90, 99))
    assert (lowest.threshold, lowest.decisions, lowest.share) == (0, 9_500, Figure(0.95))
    assert (ninety.threshold, ninety.decisions, ninety.reviewed, ninety.wrong) == (90, 9_000, 500, 10)
    # two thirds of these decisions have no error in 300, one third ten in 200
    assert ninety.error_rate.value == pytest.approx(1 / 3 * 10 / 200)
    assert (top.decisions, top.share, top.reviewed, top.wrong) == (6_000, Figure(0.6), 300, 0)
    assert top.error_rate.interval is not None
    assert (top.error_rate.value, top.error_rate.interval.low) == (0.0, 0.0)
    assert top.error_rate.interval.high == pytest.approx(0.00994, abs=5e-6)


def test_reviewed_alike_the_bound_is_that_of_clopper_and_pearson() -> None:
    (point,) = automation_curve([ConfidenceCount(95, 290, 10, 700)], thresholds=(90,))
    assert point.error_rate.interval is not None
    assert point.error_rate.interval.high == pytest.approx(clopper_pearson_upper(10, 300))


def test_decisions_of_which_none_was_reviewed_count_as_wrong_in_the_bound() -> None:
    with_them, without = automation_curve(COUNTS, thresholds=(60, 90))
    assert with_them.error_rate.value == without.error_rate.value
    assert with_them.error_rate.interval is not None
    assert without.error_rate.interval is not None
    expected = (9_000 * without.error_rate.interval.high + 500) / 9_500
    assert with_them.error_rate.interval.high == pytest.approx(expected)


def test_many_reviews_of_sure_decisions_do_not_hide_few_of_doubtful_ones() -> None:
    counts = [ConfidenceCount(99.5, 1_000, 0, 9_000), ConfidenceCount(55, 7, 3, 9_990)]
    (point,) = automation_curve(counts, thresholds=(50,))
    assert point.error_rate.value == pytest.approx(0.15, abs=1e-4)
    assert point.error_rate.interval is not None
    assert point.error_rate.interval.high > 0.3
    assert keep_promise(counts, 0.01).point == next(each for each in automation_curve(counts) if each.threshold == 99)


def test_a_threshold_is_reached_by_its_own_value() -> None:
    reached, missed = automation_curve([ConfidenceCount(90, 1, 0, 9)], thresholds=(90, 90.01))
    assert (reached.decisions, missed.decisions) == (10, 0)
    assert missed.error_rate == Figure(None, UNKNOWN_PROPORTION, "none of them was reviewed")
    assert missed.share == Figure(0.0)


def test_without_decisions_there_is_no_share() -> None:
    found = automation_curve(())
    assert [point.threshold for point in found] == list(THRESHOLDS)
    assert {point.share.reason for point in found} == {"there are no decisions"}


def test_a_promise_is_kept_at_the_lowest_threshold_that_can() -> None:
    counts = [ConfidenceCount(99.5, 3_000, 0, 0), ConfidenceCount(96, 2_990, 10, 0), ConfidenceCount(70, 500, 500, 0)]
    strict, loose = keep_promise(counts, 0.002), keep_promise(counts, 0.005)
    assert strict.point is not None
    assert loose.point is not None
    assert (strict.point.threshold, loose.point.threshold) == (99, 95)
    assert strict.error_at_most is not None
    assert strict.point.error_rate.interval is not None
    # stricter than the bound of the point by itself: it was picked among several
    assert strict.point.error_rate.interval.high < strict.error_at_most <= 0.002


def test_why_a_promise_cannot_be_made() -> None:
    few = keep_promise([ConfidenceCount(99, 20, 0, 1_000)], 0.01)
    assert (few.point, few.error_at_most) == (None, None)
    assert few.reason == "too few were reviewed to promise 1.00%, even had all been right"
    wrong = keep_promise([ConfidenceCount(99, 900, 100, 1_000)], 0.01)
    assert wrong.reason == "no threshold is known to keep errors at 1.00% or less"


@pytest.mark.parametrize("error_rate", [0, 1, -0.1])
def test_what_may_be_promised(error_rate: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        keep_promise(COUNTS, error_rate)


EVEN, DOUBTFUL_FIRST, SURE_FIRST = (
    [0.05] * 9,
    [0.3] * 3 + [0.1] + [0.05] * 5,
    [0.01] * 4 + [0.02] + [0.05] * 2 + [0.2] * 2,
)
FALLING, FLAT = (0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.03, 0.015, 0.004), (0.02,) * 9


@pytest.mark.parametrize("reviewed", [EVEN, DOUBTFUL_FIRST, SURE_FIRST])
@pytest.mark.parametrize(("wrong", "promised"), [(FALLING, 0.02), (FALLING, 0.0085), (FLAT, 0.0199)])
def test_bounds_hold_and_promises_are_kept(wrong: tuple[float, ...], promised: float, reviewed: list[float]) -> None:
    """However reviews were spread over the confidence, as long as they are by lot within each step."""
    draw = np.random.default_rng(6)
    thresholds = (0, 50, 60, 70, 80, 90, 95, 98, 99)
    errors = DECISIONS * np.array(wrong)
    truths = {at: errors[np.array(CLAIMS) >= at].sum() / DECISIONS[np.array(CLAIMS) >= at].sum() for at in thresholds}
    beyond, broken, runs = 0, 0, RUNS // 4
    for _ in range(runs):
        seen = draw.binomial(DECISIONS, reviewed)
        missed = draw.binomial(seen, wrong)
        counts = [
            ConfidenceCount(claim, hits - misses, misses, size - hits)
            for claim, size, hits, misses in zip(
                CLAIMS, DECISIONS.tolist(), seen.tolist(), missed.tolist(), strict=True
            )
        ]
        (sixty,) = [point for point in automation_curve(counts) if point.threshold == 60]
        assert sixty.error_rate.interval is not None
        beyond += truths[60] > sixty.error_rate.interval.high
        promise = keep_promise(counts, promised)
        broken += promise.point is not None and truths[int(promise.point.threshold)] > promised
    assert beyond / runs <= 0.075  # 0.05, and two and a half standard errors of the short run
    assert broken / runs <= 0.06
