"""Missed events of a label, and how many at the most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from trueline.metrics.estimated import estimate
from trueline.metrics.intervals import UNKNOWN_PROPORTION, clopper_pearson_upper, wilson
from trueline.metrics.missed import Missed, missed
from trueline.metrics.reviews import Mass, ReviewCount

if TYPE_CHECKING:
    from trueline.metrics.figures import Figure

LABELS = ["Drop", "Investigate", "Escalate"]
CHOSEN = "the reviewed are not known to be drawn by chance: this holds only if they are as good as drawn"


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
    uneven = "the decisions were reviewed unevenly: read the bounds of each, and the estimate"
    assert of(counts).overall.rate.reason == f"{uneven}; {CHOSEN}"
    assert of(counts).per_decision["Drop"].rate.reason == CHOSEN
    assert of([*counts, ReviewCount("Drop", "Drop", Mass.single(4_000))]).overall.rate.reason == CHOSEN


def drop(truth: str | None, subjects: int, probability: float | None = None) -> ReviewCount:
    return ReviewCount("Drop", truth, Mass.single(subjects), None, probability)


def high(figure: Figure) -> float:
    assert figure.interval is not None
    return figure.interval.high


def test_the_bound_rests_on_those_drawn() -> None:
    """20,000 chosen ones, all right, do not make 5 of 100 drawn any fewer."""
    found = of([drop(None, 79_900), drop("Drop", 20_000), drop("Drop", 95, 0.001), drop("Escalate", 5, 0.001)])
    bound = found.per_decision["Drop"]
    assert bound == found.overall
    assert (bound.found.events, bound.reviewed.events) == (5, 20_100)
    assert (bound.rate.value, high(bound.rate)) == (0.05, clopper_pearson_upper(5, 100))
    assert bound.rate.reason == "rests on those drawn by chance, leaving out 20,000 reviewed otherwise"
    assert found.estimated.value == pytest.approx(5_000)


def test_a_draw_alone_needs_no_reason() -> None:
    rate = of([drop(None, 9_700), drop("Drop", 300, 0.03)]).overall.rate
    assert (rate.value, rate.reason, round(high(rate), 4)) == (0.0, None, 0.0099)


def test_all_reviewed_needs_no_reason() -> None:
    assert of([drop("Drop", 300), drop("Escalate", 2, 1.0)]).overall.rate.reason is None


def test_buckets_drawn_are_counted_as_buckets() -> None:
    counts = [
        ReviewCount("Drop", None, Mass(900, 90, 9_000)),
        ReviewCount("Drop", "Drop", Mass(500, 10, 25_000), 9, 0.1),
    ]
    assert high(of(counts).overall.rate) == clopper_pearson_upper(0, 10)


def test_unequal_probabilities_are_bounded_with_caution() -> None:
    """50 at 1 in 100 and 400 at 1 in 10: as if 40 of the 400 had been kept, so that all are one in 100."""
    counts = [drop(None, 8_550), drop("Drop", 50, 0.01), drop("Drop", 390, 0.1), drop("Escalate", 10, 0.1)]
    rate = of(counts).overall.rate
    assert rate.value == pytest.approx(1 / 90)
    assert high(rate) == pytest.approx(clopper_pearson_upper(1, 90) or 0)
    assert rate.reason == "not all were drawn with one probability, so this is more cautious than the exact bound"


@pytest.mark.parametrize("probability", [5e-324, 1e-300])
def test_the_bound_stays_a_number(probability: float) -> None:
    """However little is said of the chance that one was drawn by."""
    found = of([drop("Drop", 3, 0.5), drop("Escalate", 1, probability), drop(None, 96)])
    rate = found.per_decision["Drop"].rate
    assert rate.value == pytest.approx(1, abs=1e-9)
    assert high(rate) == 1


def test_the_bound_is_never_below_what_was_found() -> None:
    """None of 300 drawn, but 50 of 1,000 found otherwise: 5 % at least."""
    rate = of([drop(None, 650), drop("Drop", 300, 0.3), drop("Escalate", 50)]).overall.rate
    assert (rate.value, high(rate)) == (0.05, 0.05)
    assert rate.reason is not None
    assert rate.reason.endswith("more were found than the drawn let expect")


@pytest.mark.parametrize("rates", [(0.01, 0.01), (0.0, 0.05), (0.03, 0.002)])
def test_the_bound_holds_as_often_as_it_says(rates: tuple[float, float]) -> None:
    """Of 8,000 and 2,000 Drops, one in 20 and one in 4 are drawn, and those that somebody complains of are found."""
    random, runs = np.random.default_rng(3), 400
    held = 0
    for _ in range(runs):
        counts, missed_ones = [], 0
        for size, rate, chance in ((8_000, rates[0], 0.05), (2_000, rates[1], 0.25)):
            wrong = int(size * rate)
            missed_ones += wrong
            drawn_wrong, drawn_right = random.binomial(wrong, chance), random.binomial(size - wrong, chance)
            complaints = random.binomial(wrong - drawn_wrong, 0.3)
            counts += [
                drop("Escalate", int(drawn_wrong), chance),
                drop("Drop", int(drawn_right), chance),
                drop("Escalate", int(complaints)),
                drop(None, int(size - drawn_wrong - drawn_right - complaints)),
            ]
        bound = missed(counts, estimate(counts, LABELS, b"", 2), "Escalate").overall
        held += high(bound.rate) >= missed_ones / 10_000
    assert held / runs >= 0.95


def test_a_decision_that_cannot_hold_missed_ones_needs_no_review() -> None:
    counts = [drop(None, 19_600), drop("Drop", 396, 0.02), drop("Escalate", 4, 0.02)]
    unseen = ReviewCount("Escalate", None, Mass.single(1_000))
    assert of([*counts, unseen]).estimated.value == pytest.approx(200)
    assert of([*counts, ReviewCount("Investigate", None, Mass.single(9))]).estimated.value is None


def test_another_label_is_refused() -> None:
    with pytest.raises(ValueError, match="Alarm is not a label"):
        missed([], estimate([], LABELS, b"", 2), "Alarm")
