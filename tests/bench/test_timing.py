"""Medians and percentiles of times."""

from __future__ import annotations

from timing import Timed


def test_percentiles_are_by_nearest_rank() -> None:
    timed = Timed()
    for seconds in (0.005, 0.001, 0.002, 0.004, 0.003):
        timed.add(seconds)
    assert (timed.median, timed.p95, timed.percentile(40)) == (3, 5, 2)
