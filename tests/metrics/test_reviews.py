"""How much was reviewed."""

from __future__ import annotations

import pytest

from trueline.labels import UNDECIDED
from trueline.metrics.counts import TruthPolicy
from trueline.metrics.reviews import Mass, ReviewCount, reviewed_share, reviewed_shares, total

LABELS = ["Drop", "Investigate", "Escalate"]
COUNTS = [
    ReviewCount("Drop", None, Mass(5_000, 40, 900_000)),
    ReviewCount("Drop", "Drop", Mass(200, 5, 9_000), band=3),
    ReviewCount("Escalate", "Escalate", Mass.single(5)),
    ReviewCount("Escalate", UNDECIDED, Mass.single(71)),
]


def test_of_all_and_of_each_decision() -> None:
    shares = reviewed_shares(COUNTS, LABELS)
    assert shares.overall.sentence == "reviewed 205 of 5,276 (3.89 %)"
    assert shares.overall.reviewed == Mass(205, 10, 9_005)
    assert shares.overall.undecided == Mass.single(71)
    assert list(shares.per_decision) == LABELS
    assert shares.per_decision["Escalate"].share.value == 5 / 76
    assert shares.per_decision["Drop"].total == Mass(5_200, 45, 909_000)


def test_of_nothing_there_is_no_share() -> None:
    share = reviewed_shares(COUNTS, LABELS).per_decision["Investigate"]
    assert share.share.value is None
    assert share.share.reason == "no decided events"
    assert share.sentence == "reviewed 0 of 0"
    assert reviewed_share([]).total == total([]) == Mass()


def test_truth_by_policy() -> None:
    implicit = [count.truth(TruthPolicy.IMPLICIT) for count in COUNTS]
    explicit = [count.truth(TruthPolicy.EXPLICIT) for count in COUNTS]
    assert implicit == ["Drop", "Drop", "Escalate", None]
    assert explicit == [None, "Drop", "Escalate", None] == [count.reviewed for count in COUNTS]


@pytest.mark.parametrize("probability", [0.0, -0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="no probability"):
        ReviewCount("Drop", "Drop", Mass.single(1), probability=probability)
