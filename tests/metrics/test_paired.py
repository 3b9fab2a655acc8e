"""Two answers to the same questions: score interval and exact test, against published values and other code."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_statsmodels

from metrics.covering import RUNS, coverage, samples
from trueline.metrics.intervals import UNKNOWN_DIFFERENCE, UNKNOWN_PROPORTION
from trueline.metrics.paired import PairedTable, difference, mcnemar, share_right

counts = st.integers(0, 60)


def test_the_published_score_interval() -> None:
    # complete response before and after consolidation therapy, in Fagerland, Lydersen and Laake (2014)
    found = difference(PairedTable(59, 16, 6, 80), 0.95)
    assert found.value == pytest.approx(-0.0621, abs=5e-5)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((-0.1240, -0.0054), abs=5e-5)


@given(counts, counts, counts, counts)
def test_the_interval_is_where_the_score_test_turns(both: int, first: int, second: int, neither: int) -> None:
    table = PairedTable(both, first, second, neither)
    found = difference(table, 0.95)
    if not table.total:
        assert (found.value, found.interval) == (None, UNKNOWN_DIFFERENCE)
        return
    assert found.interval is not None
    assert found.value is not None
    assert -1 <= found.interval.low <= found.value <= found.interval.high <= 1
    for end in (found.interval.low, found.interval.high):
        if abs(end) == 1:
            continue
        # the likeliest shares with this difference, by looking at all of them
        alone = np.linspace(max(0.0, -end), (1 - end) / 2, 200_001)[1:-1]  # share that the first alone gets right
        likelihood = first * np.log(alone) + second * np.log(alone + end) if first or second else -alone
        likelihood = likelihood + (both + neither) * np.log1p(-2 * alone - end)
        best = alone[int(np.argmax(likelihood))]
        variance = 2 * best + end - end * end
        score = (found.value - end) * sqrt(table.total) / sqrt(variance)
        assert abs(score) == pytest.approx(1.96, abs=0.02)


@given(counts, counts, counts, counts)
def test_who_is_first_changes_the_sign_alone(both: int, first: int, second: int, neither: int) -> None:
    there = difference(PairedTable(both, first, second, neither), 0.95).interval
    back = difference(PairedTable(both, second, first, neither), 0.95).interval
    if there and back:
        assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-9)


def test_two_that_never_differed_may_still() -> None:
    found = difference(PairedTable(300, 0, 0, 0), 0.95)
    assert found.value == 0
    assert found.interval is not None
    assert found.interval.high == pytest.approx(1.96**2 / (300 + 1.96**2), abs=1e-5)


@pytest.mark.parametrize("size", [300, 1_000])
@pytest.mark.parametrize(
    "shares", [(0.9, 0.05, 0.02, 0.03), (0.8, 0.02, 0.1, 0.08), (0.97, 0.01, 0.01, 0.01), (0.5, 0.2, 0.2, 0.1)]
)
def test_the_interval_covers(size: int, shares: tuple[float, ...]) -> None:
    found = [difference(PairedTable(*row), 0.95) for row in samples(shares, size, RUNS).tolist()]
    assert 0.93 <= coverage(found, shares[2] - shares[1]) <= 0.97


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemars_exact_test(only_first: int, only_second: int) -> None:
    found = mcnemar(only_first, only_second)
    if only_first + only_second == 0:
        assert found.value is None
        assert found.reason == "there is nothing that only one of the two got right"
        return
    assert found.value == pytest.approx(binomtest(only_first, only_first + only_second).pvalue, rel=1e-9)
    table = [[7, only_first], [only_second, 5]]
    assert found.value == pytest.approx(mcnemar_of_statsmodels(table, exact=True).pvalue, rel=1e-9)


def test_mcnemars_exact_test_of_millions() -> None:
    assert mcnemar(1_000_000, 1_003_000).value == pytest.approx(binomtest(1_000_000, 2_003_000).pvalue, rel=1e-6)


def test_shares() -> None:
    assert share_right(9, 10, 0.95).value == 0.9
    unknown = share_right(0, 0, 0.95)
    assert (unknown.value, unknown.interval) == (None, UNKNOWN_PROPORTION)
    assert unknown.reason == "nothing with a known truth was decided by both"


def test_a_table_scaled_keeps_its_difference() -> None:
    table = PairedTable(80, 10, 4, 6)
    assert table.scaled(0.5) == PairedTable(40, 5, 2, 3)
    whole, half = difference(table, 0.95), difference(table.scaled(0.5), 0.95)
    assert half.value == whole.value
    assert whole.interval is not None
    assert half.interval is not None
    assert half.interval.low < whole.interval.low < whole.interval.high < half.interval.high


def test_counts_are_not_negative() -> None:
    with pytest.raises(ValueError, match="less than nothing"):
        PairedTable(1, -1, 0, 0)
