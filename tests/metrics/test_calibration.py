"""Confidence against truth, held against scikit-learn and against chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.calibration import calibration_curve

from metrics.covering import RUNS, coverage
from trueline.metrics.calibration import TENS, Band, Calibration, ConfidenceCount, calibration
from trueline.metrics.figures import Figure
from trueline.metrics.intervals import UNKNOWN_DIFFERENCE, UNKNOWN_PROPORTION, wilson

# on a bound scikit-learn takes the band below; so these stay off the bounds
off_bounds = st.floats(0.01, 99.99).filter(lambda value: min(abs(value - bound) for bound in TENS) > 1e-6)
reviewed = st.lists(
    st.builds(ConfidenceCount, off_bounds, st.integers(0, 30), st.integers(0, 30), st.just(0)), min_size=1, max_size=20
).filter(lambda counts: sum(count.reviewed for count in counts) > 0)
BY_HAND = (
    ConfidenceCount(99.5, 190, 10, 800),
    ConfidenceCount(92, 45, 5, 0),
    ConfidenceCount(55, 5, 5, 240),
    ConfidenceCount(12.5, 0, 0, 30),
    ConfidenceCount(None, 7, 3, 100),
)


def test_by_hand() -> None:
    found = calibration(BY_HAND)
    assert [(band.low, band.high) for band in found.bands] == [(low, low + 10) for low in range(0, 100, 10)]
    assert found.bands[9] == Band(
        90, 100, 1_050, 250, (200 * 99.5 + 50 * 92) / 250, Figure(235 / 250, wilson(235, 250))
    )
    assert found.bands[5] == Band(50, 60, 250, 10, 55.0, Figure(0.5, wilson(5, 10)))
    assert found.bands[1] == Band(10, 20, 30, 0, None, Figure(None, UNKNOWN_PROPORTION, "none of them was reviewed"))
    assert (found.without_confidence, found.decisions) == (110, 1_300)
    top, middle = 0.98 - 0.94, 0.55 - 0.50
    assert found.error.value == pytest.approx((1_050 * top + 250 * middle) / 1_300)
    assert found.overconfidence.value == pytest.approx(found.error.value)  # too sure in every band


@given(reviewed)
def test_bands_and_error_are_scikit_learns(counts: list[ConfidenceCount]) -> None:
    outcomes = [(count.confidence, out) for count in counts for out in [1] * count.right + [0] * count.wrong]
    claims, right = np.array([claim for claim, _ in outcomes]) / 100, np.array([out for _, out in outcomes])
    shares, means = calibration_curve(right, claims, n_bins=10)
    found = calibration(counts)
    bands = [band for band in found.bands if band.reviewed]
    assert [band.right.value for band in bands] == pytest.approx(shares.tolist())
    assert [(band.mean_confidence or 0) / 100 for band in bands] == pytest.approx(means.tolist())
    weights = np.histogram(claims, np.linspace(0, 1, 11))[0]
    assert found.error.value == pytest.approx(float(np.average(np.abs(shares - means), weights=weights[weights > 0])))
    assert found.overconfidence.value == pytest.approx(float(claims.mean() - right.mean()))
    for figure in (found.error, found.overconfidence):
        assert figure.interval is not None
        assert figure.value is not None
        assert figure.interval.low <= figure.value + 1e-12
        assert figure.value <= figure.interval.high + 1e-12


@pytest.mark.parametrize(
    ("confidence", "band"), [(0, 0), (9.99, 0), (10, 1), (59.99, 5), (60, 6), (89.999, 8), (90, 9), (100, 9)]
)
def test_a_value_on_a_bound_belongs_to_the_band_above(confidence: float, band: int) -> None:
    found = calibration([ConfidenceCount(confidence, 1, 0, 0)])
    assert [number for number, each in enumerate(found.bands) if each.decisions] == [band]


def test_a_band_weighs_as_its_decisions_however_many_were_reviewed() -> None:
    sure, doubtful = ConfidenceCount(95, 95, 5, 9_900), ConfidenceCount(55, 200, 800, 0)
    found = calibration([sure, doubtful])
    assert found.error.value == pytest.approx(1_000 * 0.35 / 11_000)


def test_finer_bands_at_the_top() -> None:
    found = calibration(BY_HAND, bounds=(0, 50, 90, 99, 100))
    assert [band.decisions for band in found.bands] == [30, 250, 50, 1_000]


@pytest.mark.parametrize("bounds", [(), (0,), (0, 50), (50, 100), (0, 60, 50, 100), (0, 50, 50, 100)])
def test_bounds_rise_from_0_to_100(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="bounds rise from 0 to 100"):
        calibration(BY_HAND, bounds=bounds)


@pytest.mark.parametrize("counts", [(), (ConfidenceCount(90, 0, 0, 50), ConfidenceCount(None, 3, 4, 0))])
def test_without_reviews_nothing_is_known(counts: tuple[ConfidenceCount, ...]) -> None:
    found = calibration(counts)
    reason = "no decision with a confidence was reviewed"
    assert found.error == Figure(None, UNKNOWN_PROPORTION, reason)
    assert found.overconfidence == Figure(None, UNKNOWN_DIFFERENCE, reason)
    assert (found.error_by_chance, found.decisions) == (None, 0)


@given(st.just(0.0) | st.floats(1e-6, 100), st.integers(1, 300))  # scipy fails at smaller ones
def test_the_error_by_chance_is_the_mean_deviation_of_a_binomial(confidence: float, size: int) -> None:
    found = calibration([ConfidenceCount(confidence, size, 0, 0)]).error_by_chance
    outcomes = np.arange(size + 1)
    chances = binom.pmf(outcomes, size, confidence / 100)
    assert found == pytest.approx(float(chances @ np.abs(outcomes / size - confidence / 100)), rel=1e-6, abs=1e-12)


def test_the_error_by_chance_of_a_million() -> None:
    found = calibration([ConfidenceCount(90, 1_000_000, 0, 0)]).error_by_chance
    assert found == pytest.approx((2 / np.pi * 0.09 / 1e6) ** 0.5, rel=1e-4)


@pytest.mark.parametrize("confidence", [-0.1, 100.1, float("nan")])
def test_a_confidence_is_a_percentage(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        ConfidenceCount(confidence, 1, 0, 0)


def test_counts_are_not_negative() -> None:
    with pytest.raises(ValueError, match="less than nothing"):
        ConfidenceCount(50, 1, -1, 0)


def simulated(right: tuple[float, ...], reviewed: tuple[int, ...]) -> list[Calibration]:
    claims, decisions = (55.0, 85.0, 97.0), (500, 1_500, 8_000)
    return [
        calibration(
            [
                ConfidenceCount(claim, hits, seen - hits, size - seen)
                for claim, size, seen, hits in zip(claims, decisions, reviewed, row, strict=True)
            ]
        )
        for row in np.random.default_rng(9).binomial(reviewed, right, (RUNS, 3)).tolist()
    ]


@pytest.mark.parametrize("reviewed", [(25, 75, 400), (200, 200, 100)])
@pytest.mark.parametrize("right", [(0.55, 0.85, 0.97), (0.4, 0.7, 0.95)])
def test_overconfidence_is_covered_and_the_error_more_often(
    right: tuple[float, ...], reviewed: tuple[int, ...]
) -> None:
    found = simulated(right, reviewed)
    gaps = [claim - share for claim, share in zip((0.55, 0.85, 0.97), right, strict=True)]
    truth = float(np.average(gaps, weights=(500, 1_500, 8_000)))
    assert 0.93 <= coverage([each.overconfidence for each in found], truth) <= 0.97
    assert coverage([each.error for each in found], truth + 1e-12) >= 0.95


def test_a_model_without_fault_has_the_error_that_chance_gives_it() -> None:
    found = simulated((0.55, 0.85, 0.97), (25, 75, 400))
    errors = [each.error.value for each in found if each.error.value is not None]
    assert np.mean(errors) == pytest.approx(found[0].error_by_chance, rel=0.03)


def test_a_share_reviewed_to_the_last_still_stands_for_its_like() -> None:
    found = calibration([ConfidenceCount(80, 80, 20, 0)])
    assert found.error.value == 0
    assert found.error.interval is not None
    assert found.overconfidence.interval is not None
    assert found.error.interval.low == 0 < found.error.interval.high
    known = wilson(80, 100)
    assert known is not None
    assert found.overconfidence.interval.low == pytest.approx(0.8 - known.high)
    assert found.overconfidence.interval.high == pytest.approx(0.8 - known.low)
