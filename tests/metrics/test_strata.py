"""One share out of parts that were reviewed to different degrees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.covering import RUNS, coverage
from trueline.metrics.figures import Figure
from trueline.metrics.intervals import wilson
from trueline.metrics.strata import Stratum, share_found, worth


def test_a_stratum_weighs_as_its_size() -> None:
    assert share_found([Stratum(900, 300, 3), Stratum(100, 10, 5)]) == pytest.approx(0.9 * 0.01 + 0.1 * 0.5)


@given(st.integers(1, 500), st.integers(0, 500), st.integers(0, 1_000))
def test_the_reviews_of_one_stratum_are_worth_their_number(reviewed: int, found: int, rest: int) -> None:
    one = Stratum(reviewed + rest, reviewed, min(found, reviewed))
    assert worth([one]) == pytest.approx(reviewed)
    assert share_found([one]) == pytest.approx(one.found / reviewed)


def test_even_reviews_are_worth_at_least_their_number_uneven_ones_less() -> None:
    even = [Stratum(1_000, 100, 10), Stratum(500, 50, 5)]
    assert worth(even) == pytest.approx(150, rel=0.02)
    assert worth([Stratum(1_000, 10, 1), Stratum(500, 140, 14)]) < 25
    # strata that differ tell more than a simple sample
    assert worth([Stratum(1_000, 100, 1), Stratum(1_000, 100, 90)]) > 400


def test_few_reviews_with_nothing_found_are_not_certainty() -> None:
    assert worth([Stratum(1_000, 1_000, 10), Stratum(1_000, 5, 0)]) < 100


@pytest.mark.parametrize(
    ("shares", "reviewed"),
    [((0.01, 0.05, 0.3), (300, 200, 100)), ((0.01, 0.05, 0.3), (100, 200, 300)), ((0.1, 0.1, 0.1), (400, 50, 20))],
)
def test_an_interval_from_them_covers(shares: tuple[float, ...], reviewed: tuple[int, ...]) -> None:
    sizes = (7_000, 2_000, 1_000)
    truth = sum(size * share for size, share in zip(sizes, shares, strict=True)) / 10_000
    found = []
    for row in np.random.default_rng(4).binomial(reviewed, shares, (RUNS, 3)).tolist():
        strata = [Stratum(*each) for each in zip(sizes, reviewed, row, strict=True)]
        share, reviews = share_found(strata), worth(strata)
        found.append(Figure(share, wilson(share * reviews, reviews)))
    assert 0.93 <= coverage(found, truth) <= 0.98  # a little more than promised where reviews were few and uneven
