"""The estimated matrix of all events."""

from __future__ import annotations

import numpy as np
import pytest

from trueline.metrics.estimated import estimate
from trueline.metrics.reviews import Mass, ReviewCount
from trueline.metrics.standing import ASSUMPTIONS, Basis

LABELS = ["Drop", "Investigate", "Escalate"]
COUNTS = [
    ReviewCount("Drop", "Drop", Mass.single(396), probability=0.02),
    ReviewCount("Drop", "Escalate", Mass.single(4), probability=0.02),
    ReviewCount("Drop", None, Mass.single(19_600)),
    ReviewCount("Escalate", "Drop", Mass.single(160)),
    ReviewCount("Escalate", "Escalate", Mass.single(840)),
]


def test_columns_sum_to_the_decisions() -> None:
    found = estimate(COUNTS, LABELS, b"")
    assert found.matrix.tolist() == [[19_800, 0, 160], [0, 0, 0], [200, 0, 840]]
    assert found.basis == {
        "Drop": Basis.KNOWN_PROBABILITY,
        "Investigate": Basis.NOTHING,
        "Escalate": Basis.CENSUS,
    }
    assert found.assumptions["Escalate"] == ASSUMPTIONS[Basis.CENSUS]
    assert found.unknown == []
    assert found.draws.shape == (4_000, 3, 3)
    assert found.draws.sum(axis=1).mean(axis=0) == pytest.approx([20_000, 0, 1_000], rel=0.01)
    assert found.variance[:, 2].tolist() == [0, 0, 0]


def test_a_decision_never_reviewed_is_not_told() -> None:
    found = estimate([*COUNTS, ReviewCount("Investigate", None, Mass.single(10))], LABELS, b"", 10)
    assert found.unknown == ["Investigate"]
    assert np.isnan(found.matrix[:, 1]).all()
    assert np.isnan(found.draws[:, :, 1]).all()
    assert not np.isnan(found.draws[:, :, [0, 2]]).any()


def test_of_nothing_there_is_nothing() -> None:
    found = estimate([], LABELS, b"", 10)
    assert not found.matrix.any()
    assert set(found.basis.values()) == {Basis.NOTHING}


def test_the_same_digest_gives_the_same_draws() -> None:
    first, again, other = (estimate(COUNTS, LABELS, each, 10).draws for each in (b"a", b"a", b"b"))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()
