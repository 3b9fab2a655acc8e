"""Missed events of a label, and how many at the most."""

from __future__ import annotations

import pytest

from trueline.metrics.estimated import estimate
from trueline.metrics.intervals import UNKNOWN_PROPORTION, clopper_pearson_upper, wilson
from trueline.metrics.missed import Missed, missed
from trueline.metrics.reviews import Mass, ReviewCount

LABELS = ["Drop", "Investigate", "Escalate"]


def of(counts: list[ReviewCount], level: float = 0.95) -> Missed:
    return missed(counts, estimate(counts, LABELS, b""), "Escalate", level)


def test_none_of_300() -> None:
    found = of([ReviewCount("Drop", "Drop", Mass.single(300)), ReviewCount("Drop", None, Mass.single(9_000))])
    interval = found.overall.rate.interval
    assert found.overall.rate.value == 0
    assert interval is not None
    assert round(interval.high * 100, 2) == 0.99
    assert found.overall == found.per_decision["Drop"]
    assert found.per_decision["Investigate"].rate.interval == UNKNOWN_PROPORTION
    assert found.miss_rate.figure.value is None
    assert found.miss_rate.figure.reason == "no reviewed event is truly Escalate"


def test_events_and_subjects() -> None:
    """Three buckets of 40 events missed, of 100 reviewed: the bound is on buckets, the headline has both."""
    counts = [
        ReviewCount("Drop", "Drop", Mass(500, 97, 4_000)),
        ReviewCount("Drop", "Escalate", Mass(40, 3, 700)),
        ReviewCount("Drop", None, Mass(5_400, 1_000, 47_000)),
        ReviewCount("Escalate", "Escalate", Mass.single(60)),
    ]
    found = of(counts, 0.9)
    assert (found.overall.found.events, found.overall.found.subjects) == (40, 3)
    interval = found.overall.rate.interval
    assert interval is not None
    assert interval.high == clopper_pearson_upper(3, 100, 0.9)
    assert found.estimated.value == pytest.approx(5_940 * 40 / 540)
    assert found.miss_rate.figure.value == 0.4


def test_single_events_have_wilsons_miss_rate() -> None:
    counts = [ReviewCount("Drop", "Escalate", Mass.single(4)), ReviewCount("Escalate", "Escalate", Mass.single(840))]
    assert of(counts).miss_rate.figure.interval == wilson(4, 844)


def test_uneven_reviews_are_said() -> None:
    counts = [
        ReviewCount("Drop", "Drop", Mass.single(20)),
        ReviewCount("Drop", None, Mass.single(980)),
        ReviewCount("Investigate", "Investigate", Mass.single(90)),
        ReviewCount("Investigate", None, Mass.single(10)),
    ]
    assert (
        of(counts).overall.rate.reason
        == "the decisions were reviewed unevenly: read the bounds of each, and the estimate"
    )
    assert of(counts).per_decision["Drop"].rate.reason is None
    assert of([*counts, ReviewCount("Drop", "Drop", Mass.single(4_000))]).overall.rate.reason is None


def test_another_label_is_refused() -> None:
    with pytest.raises(ValueError, match="Alarm is not a label"):
        missed([], estimate([], LABELS, b"", 2), "Alarm")
