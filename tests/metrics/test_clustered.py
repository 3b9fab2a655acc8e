"""Intervals where events come in groups that share a label."""

from __future__ import annotations

import os

import numpy as np
import pytest

from trueline.metrics.clustered import clustered_wilson, proportion
from trueline.metrics.intervals import UNKNOWN_PROPORTION, wilson
from trueline.metrics.reviews import Mass

RUNS = 5_000 if os.environ.get("TRUELINE_TEST_LONG") == "1" else 600
NOISE = (0.05 * 0.95 / RUNS) ** 0.5


def test_events_that_are_their_own_subjects_are_wilsons() -> None:
    assert clustered_wilson(Mass.single(37), Mass(), 0.95) == wilson(37, 37)
    assert clustered_wilson(Mass.single(30), Mass.single(12), 0.9) == wilson(30, 42, 0.9)


def test_groups_of_one_size_are_so_many_answers() -> None:
    """100 groups of 8 events, all right, tell as much as 100 events."""
    assert clustered_wilson(Mass(800, 100, 6_400), Mass(), 0.95) == wilson(100, 100)


def test_groups_of_one_size_on_two_sides_are_about_so_many_answers() -> None:
    grouped, single = clustered_wilson(Mass(720, 90, 5_760), Mass(80, 10, 640), 0.95), wilson(90, 100)
    assert grouped is not None
    assert single is not None
    assert (grouped.low, grouped.high) == pytest.approx((single.low, single.high), abs=0.005)
    assert grouped.high - grouped.low > single.high - single.low


def test_one_large_group_outweighs_many() -> None:
    """10,000 events of one bucket beside 100 of their own: hardly more than one answer."""
    found = clustered_wilson(Mass(10_100, 101, 10_000**2 + 100), Mass(), 0.95)
    assert found is not None
    assert found.low < 0.25


def test_both_counts_are_there() -> None:
    found = proportion(Mass(720, 90, 5_760), Mass(80, 10, 640), 0.95, "none")
    assert (found.figure.value, found.whole.events, found.whole.subjects) == (0.9, 800, 100)


def test_of_nothing_all_is_possible() -> None:
    found = proportion(Mass(), Mass(), 0.95, "nobody looked").figure
    assert (found.value, found.interval, found.reason) == (None, UNKNOWN_PROPORTION, "nobody looked")


@pytest.mark.parametrize("groups", [300, 1_000])
@pytest.mark.parametrize("share", [0.99, 0.95, 0.84])
@pytest.mark.parametrize("slope", [0.0, -0.5], ids=["any size", "large ones worse"])
def test_covers(groups: int, share: float, slope: float) -> None:
    """Groups of one to sixty events, where large ones are right as often as others, or less often."""
    random = np.random.default_rng([groups, int(share * 100), int(slope * -10)])
    everyone = random.geometric(1 / 8, 1_000_000)
    chance = 1 / (1 + np.exp(-(np.log(share / (1 - share)) + slope * np.log(everyone / 8))))
    truth = float((everyone * chance).sum() / everyone.sum())
    covered = naive = 0
    for _ in range(RUNS):
        some = random.integers(0, len(everyone), groups)
        size, right = everyone[some], random.random(groups) < chance[some]
        part, rest = _mass(size[right]), _mass(size[~right])
        ours, theirs = clustered_wilson(part, rest, 0.95), wilson(part.events, part.events + rest.events)
        assert ours is not None
        assert theirs is not None
        covered += ours.low <= truth <= ours.high
        naive += theirs.low <= truth <= theirs.high
    assert 0.93 - 2 * NOISE <= covered / RUNS <= 0.98 + NOISE
    assert naive / RUNS < 0.6


def _mass(sizes: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Mass:
    return Mass(int(sizes.sum()), len(sizes), int((sizes**2).sum()))
