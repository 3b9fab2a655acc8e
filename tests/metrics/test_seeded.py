"""Random numbers from a digest: the same for ever, and of the distribution they claim."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trueline.metrics.seeded import Seeded


def test_the_stream_is_the_same_for_ever() -> None:
    """Not these numbers any more: every report made so far would come out differently."""
    assert Seeded(b"digest", "purpose").uniform(3).tolist() == [
        0.4579032287637398,
        0.9859205472967004,
        0.5498412779850567,
    ]
    assert Seeded(b"digest", "purpose").gamma(np.array([0.5, 20.0]), 1).round(9).tolist() == [
        [1.054840521, 16.091349203]
    ]


def test_digest_and_purpose_matter() -> None:
    streams = [Seeded(*each).uniform(4).tolist() for each in ((b"a", "b"), (b"a", "c"), (b"b", "b"), (b"", "ab"))]
    assert len({tuple(stream) for stream in streams}) == 4


@pytest.mark.parametrize("shape", [0.02, 0.5, 1.0, 3.5, 400.0, 1e6])
def test_gamma_is_gamma(shape: float) -> None:
    drawn = Seeded(b"digest", f"{shape}").gamma(np.array([shape]), 100_000)[:, 0]
    assert stats.kstest(drawn, stats.gamma(shape).cdf).pvalue > 0.001


def test_uniform_is_uniform() -> None:
    drawn = Seeded(b"digest", "uniform").uniform(100_000)
    assert stats.kstest(drawn, "uniform").pvalue > 0.001
    assert drawn.min() > 0
    assert drawn.max() < 1
