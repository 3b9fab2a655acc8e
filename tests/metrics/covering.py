"""How often intervals hold the truth, over simulated samples that repeat themselves exactly."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from trueline.metrics.figures import Figure

RUNS = 20_000 if os.environ.get("TRUELINE_TEST_LONG") == "1" else 2_000


def samples(probabilities: Sequence[float], size: int, runs: int = RUNS) -> NDArray[np.int64]:
    """Draw counts of `size` things over kinds, a row a sample."""
    return np.random.default_rng(size).multinomial(size, probabilities, runs)


def coverage(figures: Iterable[Figure], truth: float) -> float:
    """The share of figures, of those that have an interval, whose interval holds the truth; half may lack one."""
    intervals = [figure.interval for figure in figures]
    known = [interval for interval in intervals if interval]
    assert len(known) > len(intervals) / 2
    return sum(interval.low <= truth <= interval.high for interval in known) / len(known)
