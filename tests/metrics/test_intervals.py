"""Intervals of one proportion, against statsmodels and scipy, and how often they cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from statsmodels.stats.proportion import proportion_confint

from trueline.metrics.intervals import (
    Interval,
    clopper_pearson,
    clopper_pearson_lower,
    clopper_pearson_upper,
    wilson,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LEVELS = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99])


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    total = draw(st.one_of(st.integers(1, 30), st.integers(1, 10**9)))
    return draw(st.one_of(st.integers(0, min(total, 5)), st.integers(0, total), st.just(total))), total


def test_37_of_37() -> None:
    found = wilson(37, 37)
    assert found is not None
    assert (round(found.low, 3), found.high) == (0.906, 1.0)


def test_none_of_300_is_at_most_099_percent() -> None:
    assert clopper_pearson_upper(0, 300) == pytest.approx(0.0099, abs=0.00005)
    assert clopper_pearson_upper(0, 300) == pytest.approx(1 - 0.05 ** (1 / 300), rel=1e-12)


@given(counts(), LEVELS)
def test_as_statsmodels(count: tuple[int, int], level: float) -> None:
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "beta")):
        found = ours(*count, level)
        assert found is not None
        low, high = proportion_confint(*count, alpha=1 - level, method=method)
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6, abs=1e-9)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), LEVELS)
def test_one_sided_as_scipy(count: tuple[int, int], level: float) -> None:
    less = binomtest(*count, alternative="less").proportion_ci(level, "exact")
    greater = binomtest(*count, alternative="greater").proportion_ci(level, "exact")
    assert clopper_pearson_upper(*count, level) == pytest.approx(less.high, abs=1e-9)
    assert clopper_pearson_lower(*count, level) == pytest.approx(greater.low, abs=1e-9)


@given(counts(), LEVELS)
def test_the_share_is_inside(count: tuple[int, int], level: float) -> None:
    share = count[0] / count[1]
    for interval in (wilson(*count, level), clopper_pearson(*count, level)):
        assert interval is not None
        assert 0 <= interval.low <= share + 1e-12
        assert share - 1e-12 <= interval.high <= 1


@pytest.mark.parametrize("share", [0.99, 0.95, 0.85, 0.5])
def test_wilson_covers(share: float) -> None:
    """Over sizes from 300 to 2,000, exactly, by the binomial distribution."""
    covered = []
    for total in range(300, 2001, 50):
        intervals = [wilson(successes, total) for successes in range(total + 1)]
        inside = np.array([each is not None and each.low <= share <= each.high for each in intervals])
        covered.append(float(binom.pmf(np.arange(total + 1), total, share)[inside].sum()))
    assert 0.94 <= np.mean(covered) <= 0.96
    assert min(covered) > 0.93
    assert max(covered) < 0.975


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_of_nothing_there_is_none(interval: Callable[[int, int], Interval | None]) -> None:
    assert interval(0, 0) is None


def test_of_nothing_there_is_no_bound() -> None:
    assert clopper_pearson_upper(0, 0) is None
    assert clopper_pearson_lower(0, 0) is None


@pytest.mark.parametrize(("successes", "total"), [(-1, 3), (4, 3)])
def test_what_is_no_proportion_is_refused(successes: int, total: int) -> None:
    for each in (wilson, clopper_pearson, clopper_pearson_upper, clopper_pearson_lower):
        with pytest.raises(ValueError, match="no proportion"):
            each(successes, total)


@pytest.mark.parametrize("level", [0, 1, 95, -0.5])
def test_what_is_no_level_is_refused(level: float) -> None:
    for each in (wilson, clopper_pearson, clopper_pearson_upper, clopper_pearson_lower):
        with pytest.raises(ValueError, match="level"):
            each(1, 3, level)


def test_an_interval_has_its_ends_in_order() -> None:
    with pytest.raises(ValueError, match="is none"):
        Interval(0.5, 0.4)
    with pytest.raises(ValueError, match="is none"):
        Interval(float("nan"), 0.4)


def test_nearest_is_within() -> None:
    assert [Interval(0.2, 0.4).nearest(value) for value in (0.1, 0.2, 0.3, 0.5)] == [0.2, 0.2, 0.3, 0.4]
