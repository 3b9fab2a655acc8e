"""Scores of a matrix with their intervals: values as the compatible endpoint's, and how often intervals cover."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.labels import UNDECIDED
from trueline.metrics.counts import TruthPolicy
from trueline.metrics.intervals import UNKNOWN_PROPORTION, wilson
from trueline.metrics.reviews import Mass, ReviewCount
from trueline.metrics.scored import f1_scores, matrix_figures, precisions, recalls
from trueline.metrics.scores import overall_scores, scores_per_decision

RUNS = 2_000 if os.environ.get("TRUELINE_TEST_LONG") == "1" else 300
NOISE = (0.05 * 0.95 / RUNS) ** 0.5

LABELS = ["Drop", "Investigate", "Escalate"]
COUNTS = [
    ReviewCount("Drop", "Drop", Mass.single(4_000)),
    ReviewCount("Drop", "Escalate", Mass.single(12)),
    ReviewCount("Escalate", "Escalate", Mass.single(30)),
    ReviewCount("Escalate", None, Mass.single(8)),
    ReviewCount("Escalate", UNDECIDED, Mass.single(3)),
]
SHAPES = {
    "99/1": [[0.985, 0.005], [0.0016, 0.0084]],
    "85/10/5": [[0.80, 0.035, 0.015], [0.012, 0.08, 0.008], [0.004, 0.004, 0.042]],
}


def counts_of(table: list[list[int]]) -> tuple[list[ReviewCount], list[str]]:
    labels = [str(each) for each in range(len(table))]
    return [
        ReviewCount(labels[column], labels[row], Mass.single(events))
        for row, cells in enumerate(table)
        for column, events in enumerate(cells)
    ], labels


def test_both_policies() -> None:
    implicit = matrix_figures(COUNTS, LABELS, TruthPolicy.IMPLICIT, b"")
    explicit = matrix_figures(COUNTS, LABELS, TruthPolicy.EXPLICIT, b"")
    assert implicit.accuracy.whole.events == 4_050
    assert explicit.accuracy.whole.events == 4_042
    assert implicit.assumption is not None
    assert explicit.assumption is None


def test_proportions_are_wilsons() -> None:
    figures = matrix_figures(COUNTS, LABELS, TruthPolicy.EXPLICIT, b"", 0.9)
    assert figures.accuracy.figure.interval == wilson(4_030, 4_042, 0.9)
    assert figures.per_label["Escalate"].recall.figure.interval == wilson(30, 42, 0.9)
    assert figures.per_label["Escalate"].precision.figure.interval == wilson(30, 30, 0.9)


def test_what_is_not_defined_says_so() -> None:
    figures = matrix_figures(COUNTS, LABELS, TruthPolicy.EXPLICIT, b"")
    absent = figures.per_label["Investigate"]
    for figure in (absent.recall.figure, absent.precision.figure, absent.f1_score):
        assert (figure.value, figure.interval) == (None, UNKNOWN_PROPORTION)
        assert figure.reason is not None
        assert "Investigate" in figure.reason
    assert figures.recall.reason == "over the labels that have one; not Investigate"


def test_of_nothing_nothing_is_defined() -> None:
    figures = matrix_figures([ReviewCount("Drop", None, Mass.single(9))], LABELS, TruthPolicy.EXPLICIT, b"")
    for figure in (figures.accuracy.figure, figures.precision, figures.recall, figures.f1_score):
        assert (figure.value, figure.interval, figure.reason) == (None, UNKNOWN_PROPORTION, "no event has a truth")


def test_the_same_digest_gives_the_same_figures() -> None:
    first, again, other = (matrix_figures(COUNTS, LABELS, TruthPolicy.EXPLICIT, each) for each in (b"a", b"a", b"b"))
    assert first == again
    assert first.f1_score.value == other.f1_score.value
    assert first.f1_score.interval != other.f1_score.interval


def test_other_digests_hardly_differ() -> None:
    """The noise of the draws is small beside the interval."""
    ends = [matrix_figures(COUNTS, LABELS, TruthPolicy.EXPLICIT, bytes([each])).recall.interval for each in range(20)]
    low, high = ([getattr(each, end) for each in ends] for end in ("low", "high"))
    assert np.std(low) < 0.03 * (np.mean(high) - np.mean(low))
    assert np.std(high) < 0.03 * (np.mean(high) - np.mean(low))


def test_groups_make_intervals_wider() -> None:
    alone = matrix_figures(COUNTS, LABELS, TruthPolicy.EXPLICIT, b"")
    grouped = matrix_figures(
        [
            ReviewCount(
                count.decision,
                count.consensus,
                Mass(count.mass.events, -(-count.mass.events // 6), count.mass.events * 6),
            )
            for count in COUNTS
        ],
        LABELS,
        TruthPolicy.EXPLICIT,
        b"",
    )
    for one, many in ((alone.f1_score, grouped.f1_score), (alone.recall, grouped.recall)):
        assert one.value == many.value
        assert one.interval is not None
        assert many.interval is not None
        assert many.interval.high - many.interval.low > 1.8 * (one.interval.high - one.interval.low)


@settings(max_examples=50)
@given(
    st.integers(1, 5).flatmap(
        lambda k: st.lists(st.lists(st.integers(0, 40), min_size=k, max_size=k), min_size=k, max_size=k)
    )
)
def test_values_are_those_of_the_compatible_scores(table: list[list[int]]) -> None:
    """Where nothing is undefined; and every value lies in its interval."""
    counts, labels = counts_of(table)
    figures = matrix_figures(counts, labels, TruthPolicy.EXPLICIT, b"")
    scores, overall = scores_per_decision(table, labels), overall_scores(table)
    for label in labels:
        ours, theirs = figures.per_label[label], scores[label]
        for figure, score in (
            (ours.precision.figure, theirs.precision),
            (ours.recall.figure, theirs.recall),
            (ours.f1_score, theirs.f1_score),
        ):
            assert figure.value is None or figure.value == pytest.approx(score)
            assert figure.value is not None or score == 0
    if not any(label.recall.figure.value is None for label in figures.per_label.values()):
        assert figures.recall.value == pytest.approx(overall.recall)
    for figure in (figures.precision, figures.recall, figures.f1_score):
        if figure.value is not None:
            assert figure.interval is not None
            assert 0 <= figure.interval.low <= figure.value <= figure.interval.high <= 1


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("events", [300, 1_000])
def test_intervals_cover(shape: str, events: int) -> None:
    """95 % intervals of the means and of each label's F1, the true matrix being known."""
    chances = np.array(SHAPES[shape])
    size = len(chances)
    random = np.random.default_rng([size, events])
    truth = {
        "precision": precisions(chances).mean(),
        "recall": recalls(chances).mean(),
        "f1": f1_scores(chances).mean(),
        **{f"f1 of {label}": score for label, score in enumerate(f1_scores(chances))},
    }
    covered = dict.fromkeys(truth, 0)
    for run in range(RUNS):
        table = random.multinomial(events, chances.ravel()).reshape(size, size)
        figures = matrix_figures(*counts_of(table.tolist()), TruthPolicy.EXPLICIT, run.to_bytes(4, "big"))
        found = {"precision": figures.precision, "recall": figures.recall, "f1": figures.f1_score}
        found |= {f"f1 of {label}": figures.per_label[str(label)].f1_score for label in range(size)}
        for name, figure in found.items():
            assert figure.interval is not None
            covered[name] += figure.interval.low <= truth[name] <= figure.interval.high
    for name, times in covered.items():
        assert 0.93 - 3 * NOISE <= times / RUNS <= 0.975 + 2 * NOISE, name
