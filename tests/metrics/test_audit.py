"""How many to review, and which."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chisquare, hypergeom

from trueline.metrics.audit import Seen, audit_plan, draw, sample_size
from trueline.metrics.intervals import clopper_pearson_upper

BOUNDS = st.sampled_from([0.005, 0.01, 0.05, 0.2])
LEVELS = st.sampled_from([0.8, 0.95, 0.99])


def test_299_for_one_percent() -> None:
    assert sample_size(0.01) == 299
    assert sample_size(0.01, allowed=1) == 473
    assert sample_size(0.01, population=1_000) == 238


@given(BOUNDS, LEVELS, st.integers(0, 12))
def test_the_smallest_that_keeps_the_promise(bound: float, level: float, allowed: int) -> None:
    size = sample_size(bound, level, allowed)
    assert size is not None
    at, before = clopper_pearson_upper(allowed, size, level), clopper_pearson_upper(allowed, size - 1, level)
    assert at is not None
    assert before is not None
    assert at <= bound + 1e-12 < before
    assert binom.cdf(allowed, size, bound) <= 1 - level + 1e-12


@settings(max_examples=60)
@given(BOUNDS, LEVELS, st.integers(0, 5), st.integers(1, 3_000))
def test_of_a_population_as_scipy(bound: float, level: float, allowed: int, population: int) -> None:
    size = sample_size(bound, level, allowed, population)
    too_many = int(bound * population + 1e-9) + 1
    if size is None:
        assert allowed >= too_many
    elif size:
        assert hypergeom.cdf(allowed, population, too_many, size) <= 1 - level + 1e-9
        assert hypergeom.cdf(allowed, population, too_many, size - 1) > 1 - level - 1e-9
    else:
        assert too_many > population


def test_a_large_population_is_as_good_as_endless() -> None:
    assert sample_size(0.01, population=10**9) == pytest.approx(299, abs=1)


@pytest.mark.parametrize(("bound", "level", "allowed"), [(0, 0.95, 0), (1, 0.95, 0), (0.1, 95, 0), (0.1, 0.95, -1)])
def test_what_cannot_be_promised_is_refused(bound: float, level: float, allowed: int) -> None:
    with pytest.raises(ValueError, match=r"bound|level|allowed"):
        sample_size(bound, level, allowed)


def test_plan() -> None:
    plans = {
        plan.decision: plan
        for plan in audit_plan(
            [Seen("Drop", 100_000, 400, 2), Seen("Investigate", 500, 40, 1), Seen("Escalate", 50), Seen("Never", 0)],
            0.01,
        )
    }
    drop = plans["Drop"]
    assert (drop.review, drop.allowed) == (1_932, 12)
    assert drop.chance == pytest.approx(binom.cdf(12, 1_932, 0.005))
    assert drop.chance >= 0.8 > binom.cdf(11, sample_size(0.01, 0.95, 11, 100_000), 0.005)
    assert (plans["Investigate"].review, plans["Investigate"].allowed) == (500, 5)
    assert plans["Investigate"].reason is not None
    assert "not to be promised" in plans["Investigate"].reason
    assert (plans["Escalate"].review, plans["Escalate"].allowed, plans["Escalate"].reason) == (48, 0, None)
    assert (plans["Never"].review, plans["Never"].reason) == (0, "there are none")


def test_a_plan_of_a_rate_close_to_the_bound_is_large_and_soon_made() -> None:
    began = time.process_time()
    (plan,) = audit_plan([Seen("Drop", 10_000_000, 10_000, 95)], 0.01)
    assert 100_000 < plan.review < 10_000_000
    (plan,) = audit_plan([Seen("Drop", 10_000_000, 1_000, 499)], 0.5)
    assert (plan.review, plan.allowed) == (1_400_498, 699_346)
    assert time.process_time() - began < 20  # it takes less than one; with every term of the sum it took minutes


def test_so_few_that_all_are_needed() -> None:
    (plan,) = audit_plan([Seen("Escalate", 3)], 0.01)
    assert (plan.review, plan.reason) == (3, "it takes all of them")


@pytest.mark.parametrize("counts", [(5, 6, 0), (5, 3, 4), (5, 3, -1)])
def test_what_was_not_seen_is_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="is no audit"):
        Seen("Drop", *counts)


# --- drawing


def test_a_draw_is_the_same_for_ever() -> None:
    """Not these ids any more: what was written down of earlier audits could not be checked again."""
    assert draw((str(each) for each in range(1_000)), 5, b"a").ids == ("79", "281", "450", "737", "913")


def test_a_draw_has_each_once_and_knows_its_chance() -> None:
    ids = [f"event {each}" for each in range(1_000)]
    drawn = draw(ids, 20, b"digest")
    assert len(set(drawn.ids)) == 20
    assert set(drawn.ids) <= set(ids)
    assert drawn.probability == 0.02
    assert draw(reversed(ids), 20, b"digest") == drawn
    assert draw(ids, 20, b"another") != drawn
    assert draw(ids, 10, b"digest").ids == drawn.ids[:10]


def test_each_pair_is_drawn_as_often() -> None:
    ids = list("abcde")
    pairs = Counter("".join(sorted(draw(ids, 2, run.to_bytes(4, "big")).ids)) for run in range(20_000))
    assert len(pairs) == 10
    assert chisquare(list(pairs.values())).pvalue > 0.001


def test_the_order_is_by_chance() -> None:
    firsts = Counter(draw("abcde", 2, run.to_bytes(4, "big")).ids[0] for run in range(20_000))
    assert chisquare(list(firsts.values())).pvalue > 0.001


def test_more_than_there_are_cannot_be_drawn() -> None:
    assert draw([], 0, b"").ids == ()
    with pytest.raises(ValueError, match="4 cannot be drawn of 3"):
        draw("abc", 4, b"")
    with pytest.raises(ValueError, match="-1 cannot be drawn"):
        draw("abc", -1, b"")
