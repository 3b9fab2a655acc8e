"""How many to review, and which, by chance."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from itertools import combinations

import pytest
from scipy.stats import binom, chisquare, hypergeom

from trueline.metrics.audit import Seen, audit_plan, draw, sample_size


@pytest.mark.parametrize("allowed", [0, 1, 5, 40])
@pytest.mark.parametrize("population", [None, 200, 5_000])
def test_the_sample_is_the_smallest_that_keeps_the_promise(allowed: int, population: int | None) -> None:
    size = sample_size(0.05, 0.95, allowed, population)
    if population == 200 and allowed == 40:
        assert size is None
        return
    assert size is not None

    def risk(drawn: int) -> float:
        if population is None:
            return float(binom.cdf(allowed, drawn, 0.05))
        too_many = int(0.05 * population) + 1
        return float(hypergeom.cdf(allowed, population, too_many, drawn))

    assert risk(size) <= 0.05 + 1e-9 < risk(size - 1)


def test_nothing_found_in_299_promises_one_in_a_hundred() -> None:
    assert sample_size(0.01) == 299
    assert sample_size(0.01, 0.99) == 459


def test_a_plan_allows_the_errors_that_are_likely() -> None:
    (plan,) = audit_plan([Seen("Drop", 100_000, 1_000, 3)], 0.01)
    assert plan.chance >= 0.8
    assert plan.reason is None
    assert plan.review == sample_size(0.01, 0.95, plan.allowed, 100_000)
    fewer = sample_size(0.01, 0.95, plan.allowed - 1, 100_000)
    assert fewer is not None
    assert binom.cdf(plan.allowed - 1, fewer, 0.003) < 0.8


@pytest.mark.parametrize(
    ("seen", "review", "why"),
    [
        (Seen("Drop", 0), 0, "there are none"),
        (Seen("Drop", 10), 10, "so few that all are to be reviewed"),
        (Seen("Drop", 50_000, 100, 1), 50_000, "of those reviewed 1.00% were wrong, so review all"),
        (Seen("Drop", 10_000_000, 100_000, 999), 10_000_000, "so near 1.00% that only a review of all would do"),
    ],
)
def test_where_all_are_to_be_reviewed_a_plan_says_why(seen: Seen, review: int, why: str) -> None:
    began = time.process_time()
    (plan,) = audit_plan([seen], 0.01)
    assert time.process_time() - began < 20  # it takes one; ever one error more would take hours
    assert plan.review == review
    assert plan.reason is not None
    assert why in plan.reason


def test_every_subject_is_drawn_with_its_probability_and_every_pair_with_theirs() -> None:
    names = [f"alert-{number}" for number in range(8)]
    times, size = 20_000, 3
    singles: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for seed in range(times):
        drawn = draw(names, size, f"seed {seed}".encode())
        assert drawn.probability == size / len(names)
        singles.update(drawn.ids)
        pairs.update(combinations(sorted(drawn.ids), 2))
    assert len(pairs) == 28
    assert chisquare([singles[name] for name in names]).pvalue > 0.001
    assert chisquare([pairs[pair] for pair in combinations(names, 2)]).pvalue > 0.001


def test_the_order_is_that_of_the_hashes_and_of_nothing_else() -> None:
    names = [f"é {number}" for number in range(100)]
    salt = hashlib.sha256(b"digest").digest()
    expected = sorted(names, key=lambda name: hashlib.sha256(salt + name.encode()).digest())
    assert draw(names, 100, b"digest").ids == tuple(expected)
    assert draw(reversed(names), 7, b"digest").ids == tuple(expected[:7])
    assert draw(names, 7, b"another").ids != tuple(expected[:7])


@pytest.mark.parametrize(("size", "why"), [(4, "4 cannot be drawn of 3"), (-1, "-1 cannot be drawn")])
def test_what_cannot_be_drawn(size: int, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        draw("abc", size, b"digest")
