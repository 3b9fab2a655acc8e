"""Three figures of a score when some were reviewed: what they say, and how often they are right."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.labels import UNDECIDED
from trueline.metrics.bounds import Known
from trueline.metrics.estimated import estimate
from trueline.metrics.intervals import UNKNOWN_PROPORTION, Interval, wilson
from trueline.metrics.missed import missed
from trueline.metrics.partial import partial_figures
from trueline.metrics.reviews import Mass, ReviewCount, total

LONG = os.environ.get("TRUELINE_TEST_LONG") == "1"
LABELS = ["Drop", "Escalate"]
COUNTS = [
    ReviewCount("Drop", "Drop", Mass.single(396), probability=0.02),
    ReviewCount("Drop", "Escalate", Mass.single(4), probability=0.02),
    ReviewCount("Drop", None, Mass.single(19_600)),
    ReviewCount("Escalate", "Drop", Mass.single(160)),
    ReviewCount("Escalate", "Escalate", Mass.single(840)),
]


def test_three_figures() -> None:
    figures = partial_figures(COUNTS, estimate(COUNTS, LABELS, b""))["Escalate"]
    assert figures.recall.reviewed_only.value == 840 / 844
    assert figures.recall.reviewed_only.interval == wilson(840, 844)
    assert figures.recall.bounds.interval == Interval(840 / (844 + 19_600), 840 / 844)
    assert figures.recall.bounds.value is None
    # 840 of 1,040, less a little: the variance of the 200 is 20,000^2 x 0.98 x 0.01 x 0.99 / 400.
    variance = 20_000**2 * 0.98 * 0.01 * 0.99 / 400
    assert figures.recall.weighted.value == pytest.approx(840 / 1_040 / (1 + variance / 1_040**2))
    assert figures.precision.weighted.value == figures.precision.reviewed_only.value == 0.84


def test_the_miss_rate_is_what_recall_leaves() -> None:
    figures = partial_figures(COUNTS, estimate(COUNTS, LABELS, b""))["Escalate"]
    for name in ("reviewed_only", "weighted", "bounds"):
        recall, missed = getattr(figures.recall, name), getattr(figures.miss_rate, name)
        assert missed.interval.low == pytest.approx(1 - recall.interval.high)
        assert missed.interval.high == pytest.approx(1 - recall.interval.low)
        assert (missed.value is None) == (recall.value is None)
        if missed.value is not None:
            assert missed.value == pytest.approx(1 - recall.value)


def test_a_label_without_a_review_says_so() -> None:
    counts = [*COUNTS, ReviewCount("Investigate", None, Mass.single(7))]
    labels = ["Drop", "Investigate", "Escalate"]
    figures = partial_figures(counts, estimate(counts, labels, b""))
    for score in (figures["Investigate"].recall, figures["Investigate"].precision, figures["Investigate"].miss_rate):
        for figure in (score.reviewed_only, score.weighted, score.bounds):
            assert (figure.value, figure.interval) == (None, UNKNOWN_PROPORTION)
            assert figure.reason is not None
            assert "Investigate" in figure.reason
    recall = figures["Escalate"].recall.weighted
    assert recall.value is None
    assert recall.reason == "none of the events decided Investigate was reviewed: worst and best case"
    assert recall.interval == figures["Escalate"].recall.bounds.interval
    assert figures["Escalate"].precision.weighted.value == 0.84


def test_of_an_absent_label_all_is_possible() -> None:
    figures = partial_figures(COUNTS, estimate(COUNTS, [*LABELS, "Never"], b""))["Never"]
    assert figures.recall.weighted.interval == figures.precision.weighted.interval == UNKNOWN_PROPORTION
    assert figures.recall.weighted.value is figures.precision.weighted.value is None


def test_an_audit_beside_complaints() -> None:
    """Of 400 Drops 60 drawn, all right, and 8 found by complaints to be missed; 20 right Escalates."""
    counts = [
        ReviewCount("Drop", "Drop", Mass.single(60), probability=0.15),
        ReviewCount("Drop", "Escalate", Mass.single(8)),
        ReviewCount("Drop", None, Mass.single(332)),
        ReviewCount("Escalate", "Escalate", Mass.single(20)),
    ]
    estimated = estimate(counts, LABELS, b"")
    recall = partial_figures(counts, estimated)["Escalate"].recall
    assert recall.bounds.interval == Interval(20 / 360, 20 / 28)
    assert recall.weighted.value == pytest.approx(20 / 28)
    best = wilson(20, 28)
    assert best is not None
    assert recall.weighted.interval is not None
    assert recall.weighted.interval.high == pytest.approx(best.high, abs=0.01)
    assert recall.weighted.interval.low < 20 / 28 - 0.1
    assert missed(counts, estimated, "Escalate").estimated.value == pytest.approx(8)


def test_none_found_right_is_a_recall_of_nought() -> None:
    counts = [ReviewCount("Drop", "Escalate", Mass.single(3)), ReviewCount("Drop", None, Mass.single(3))]
    recall = partial_figures(counts, estimate(counts, LABELS, b""))["Escalate"].recall.weighted
    assert recall.value == 0.0
    assert recall.interval is not None
    assert recall.interval.low == 0.0


# --- simulated streams


@dataclass(frozen=True)
class Stream:
    """Events of a known process, reviewed by chance."""

    chances: tuple[tuple[float, ...], ...]
    """K x K, row = truth, column = decision."""
    events: int
    review: tuple[float, ...]
    """Of each decision, the probability of a review."""
    told: bool = True
    """Whether the reviews carry it."""
    complaints: float = 0.0
    """With which probability somebody reviews a wrong decision that was not drawn; a right one, a hundredth of that."""

    def counts(self, random: np.random.Generator) -> list[ReviewCount]:
        labels = self.labels
        table = random.multinomial(self.events, np.ravel(self.chances)).reshape(len(labels), -1)
        reviewed = random.binomial(table, self.review)
        otherwise = np.zeros_like(table)
        if self.complaints:
            chances = np.where(np.eye(len(labels)), self.complaints / 100, self.complaints)
            otherwise = random.binomial(table - reviewed, chances)
        counts = [
            ReviewCount(decision, None, Mass.single(int(left)))
            for decision, left in zip(labels, (table - reviewed - otherwise).sum(axis=0), strict=True)
        ]
        for row, truth in enumerate(labels):
            for column, decision in enumerate(labels):
                chance = self.review[column] if self.told else None
                counts.append(ReviewCount(decision, truth, Mass.single(int(reviewed[row, column])), None, chance))
                counts.append(ReviewCount(decision, truth, Mass.single(int(otherwise[row, column]))))
        return counts

    @property
    def labels(self) -> list[str]:
        return LABELS if len(self.chances) == 2 else ["Drop", "Investigate", "Escalate"]


RARE = ((0.985, 0.005), (0.0016, 0.0084))
THREE = ((0.80, 0.035, 0.015), (0.012, 0.08, 0.008), (0.004, 0.004, 0.042))
STREAMS = {
    "99/1": Stream(RARE, 100_000, (0.02, 1.0)),
    "99/1, chances unknown": Stream(RARE, 100_000, (0.02, 1.0), told=False),
    "99/1, complaints": Stream(RARE, 100_000, (0.02, 1.0), complaints=0.25),
    "85/10/5, complaints": Stream(THREE, 20_000, (0.02, 0.05, 0.1), complaints=0.25),
    "85/10/5, 300 dropped reviewed": Stream(THREE, 18_000, (0.02, 1.0, 1.0)),
    "85/10/5, few of all reviewed": Stream(THREE, 20_000, (0.02, 0.05, 0.1)),
    "85/10/5, chances unknown": Stream(THREE, 20_000, (0.02, 0.05, 0.1), told=False),
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_weighted_intervals_cover(stream: Stream) -> None:
    runs = 4_000 if LONG else 400
    noise = (0.05 * 0.95 / runs) ** 0.5
    chances = np.array(stream.chances)
    recalls, precisions = np.diag(chances) / chances.sum(axis=1), np.diag(chances) / chances.sum(axis=0)
    covered = np.zeros((2, len(chances)))
    random = np.random.default_rng(7)
    for run in range(runs):
        counts = stream.counts(random)
        figures = partial_figures(counts, estimate(counts, stream.labels, run.to_bytes(4, "big"), 1_000))
        for place, label in enumerate(stream.labels):
            scores = (figures[label].recall, recalls[place]), (figures[label].precision, precisions[place])
            for kind, (score, truth) in enumerate(scores):
                interval = score.weighted.interval
                assert interval is not None
                covered[kind, place] += interval.low <= truth <= interval.high
    assert covered.min() / runs >= 0.93 - 3 * noise
    assert covered.max() / runs <= 0.975 + 2 * noise


@pytest.mark.parametrize("events", [20_000, 50_000, 200_000])
def test_all_escalates_and_a_fiftieth_of_the_drops(events: int) -> None:
    """What is reviewed says near 1; weighted, it says 0.84, on average to a tenth of its standard error."""
    stream = Stream(((0.93, 0.02), (0.008, 0.042)), events, (0.02, 1.0))
    runs = 20_000 if LONG else 1_000
    random = np.random.default_rng(11)
    flattering, weighted = np.zeros((2, runs))
    for run in range(runs):
        counts = stream.counts(random)
        recall = partial_figures(counts, estimate(counts, LABELS, b"", 2))["Escalate"].recall
        assert recall.reviewed_only.value is not None
        assert recall.weighted.value is not None
        flattering[run], weighted[run] = recall.reviewed_only.value, recall.weighted.value
    assert flattering.mean() > 0.99
    assert abs(weighted.mean() - 0.84) < 0.1 * weighted.std()


@pytest.mark.parametrize("complaints", [0.1, 0.3])
def test_all_escalates_a_fiftieth_of_the_drops_and_complaints(complaints: float) -> None:
    """As before, while somebody complains of some of the missed: what they find is neither lost nor counted twice."""
    stream = Stream(((0.93, 0.02), (0.008, 0.042)), 50_000, (0.02, 1.0), complaints=complaints)
    runs = 20_000 if LONG else 1_000
    random = np.random.default_rng(13)
    weighted = np.zeros(runs)
    covered = 0
    for run in range(runs):
        counts = stream.counts(random)
        figures = partial_figures(counts, estimate(counts, LABELS, run.to_bytes(4, "big"), 500))["Escalate"]
        value, interval = figures.recall.weighted.value, figures.recall.weighted.interval
        assert value is not None
        assert interval is not None
        weighted[run] = value
        covered += interval.low <= 0.84 <= interval.high
    assert abs(weighted.mean() - 0.84) < 0.1 * weighted.std()
    assert 0.93 <= covered / runs <= 0.98


# --- whatever the counts

THREE_LABELS = ["Drop", "Investigate", "Escalate"]
REVIEWS = st.builds(
    lambda decision, consensus, subjects, size, band, probability: ReviewCount(
        decision, consensus, Mass(subjects * size, subjects, subjects * size * size), band, consensus and probability
    ),
    st.sampled_from(THREE_LABELS),
    st.sampled_from([None, None, UNDECIDED, *THREE_LABELS]),
    st.sampled_from([1, 2, 30, 1_000, 50_000]),
    st.sampled_from([1, 1, 7]),
    st.sampled_from([None, 0, 9]),
    st.sampled_from([None, None, 0.0001, 0.02, 0.5, 1.0]),
)


@given(counts=st.lists(REVIEWS, max_size=14))
@settings(max_examples=500 if LONG else 150)
def test_the_weighted_lies_between_the_worst_and_the_best_case(counts: list[ReviewCount]) -> None:
    """The value always; the interval where it is of these very events, else it speaks of more than them."""
    estimated = estimate(counts, THREE_LABELS, b"", 50)
    known = Known.of(counts, THREE_LABELS)
    assert (np.isnan(estimated.matrix) | (estimated.matrix >= np.array(known.reviewed) * (1 - 1e-9))).all()
    for label, figures in partial_figures(counts, estimated).items():
        for score in (figures.recall, figures.precision, figures.miss_rate):
            bounds, interval = score.bounds.interval, score.weighted.interval
            assert bounds is not None
            assert interval is not None
            if score.weighted.value is not None:
                assert bounds.low - 1e-9 <= score.weighted.value <= bounds.high + 1e-9
                assert interval.low <= score.weighted.value <= interval.high
        found = missed(counts, estimated, label)
        least = found.overall.found.events
        assert found.estimated.interval is not None
        assert found.estimated.value is None or found.estimated.value >= least
        assert found.estimated.interval.low >= least
        most = sum(count.mass.events for count in counts if count.decision != label and count.reviewed in {None, label})
        assert found.estimated.interval.high <= most
        bound, there = found.overall.rate.interval, [count.mass for count in counts if count.decision != label]
        assert bound is not None
        assert not there or bound.high >= found.overall.found.subjects / total(there).subjects
