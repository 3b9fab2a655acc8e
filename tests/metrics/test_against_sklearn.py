"""Every score of every table, held against scikit-learn's."""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from trueline.labels import UNDECIDED
from trueline.metrics.counts import Count, TruthPolicy
from trueline.metrics.counts import confusion_matrix as confusion_matrix_of
from trueline.metrics.scores import overall_scores, scores_per_decision

pytestmark = pytest.mark.filterwarnings("ignore:A single label was found:UserWarning")

SCALE = 10 if os.environ.get("TRUELINE_TEST_LONG") == "1" else 1
SMALL = st.integers(0, 9)
LARGE = st.integers(0, 10**12)


@st.composite
def matrices(draw: st.DrawFn) -> list[list[int]]:
    """Draw K x K counts, with labels that never occur and cells that are empty."""
    size = draw(st.integers(1, 12))
    absent = draw(st.sets(st.integers(0, size - 1)))
    counts = draw(st.sampled_from([SMALL, LARGE, st.one_of(st.just(0), SMALL), st.one_of(st.just(0), LARGE)]))
    cells = draw(st.lists(counts, min_size=size * size, max_size=size * size))
    return [[0 if {i, j} & absent else cells[i * size + j] for j in range(size)] for i in range(size)]


def as_counts(matrix: list[list[int]], labels: list[str]) -> list[Count]:
    """Write the cells as a count table, each in two parts, with rows beside it that have no truth."""
    counts = [
        Count(label, UNDECIDED, in_knowledge_base=False, changed_after_training=False, events=7) for label in labels
    ]
    for i, truth in enumerate(labels):
        for j, decision in enumerate(labels):
            part = matrix[i][j] // 3
            counts += [
                Count(decision, truth, in_knowledge_base=True, changed_after_training=False, events=part),
                Count(
                    decision,
                    truth,
                    in_knowledge_base=True,
                    changed_after_training=True,
                    events=matrix[i][j] - part,
                ),
            ]
    return counts


@settings(max_examples=500 * SCALE)
@given(matrices())
def test_every_score_is_scikit_learns(matrix: list[list[int]]) -> None:
    size = len(matrix)
    labels = [f"label {i}" for i in range(size)]
    total = sum(map(sum, matrix))
    ours = confusion_matrix_of(as_counts(matrix, labels), labels, TruthPolicy.EXPLICIT)
    assert ours == matrix
    per_label, overall = scores_per_decision(ours, labels), overall_scores(ours)
    assert list(per_label) == labels
    if total == 0:
        assert {overall.accuracy, overall.precision, overall.recall, overall.f1_score} == {None}
        for scores in per_label.values():
            assert (scores.precision, scores.recall, scores.f1_score, scores.true_negatives) == (
                0.0,
                0.0,
                0.0,
                0,
            )
        return
    cells = [(i, j) for i in range(size) for j in range(size) if matrix[i][j]]
    truth, decision = [i for i, _ in cells], [j for _, j in cells]
    weights = np.array([matrix[i][j] for i, j in cells], dtype=np.int64)
    every = list(range(size))
    assert confusion_matrix(truth, decision, labels=every, sample_weight=weights).tolist() == ours

    theirs = precision_recall_fscore_support(
        truth, decision, labels=every, sample_weight=weights, zero_division=0, average=None
    )
    for i, label in enumerate(labels):
        scores = per_label[label]
        assert (scores.precision, scores.recall, scores.f1_score) == pytest.approx(
            tuple(float(theirs[k][i]) for k in range(3)), rel=0, abs=1e-12
        )
        row, column = sum(matrix[i]), sum(line[i] for line in matrix)
        assert scores.true_positives == matrix[i][i]
        assert scores.true_positives + scores.false_negatives == row
        assert scores.true_positives + scores.false_positives == column
        assert row + scores.false_positives + scores.true_negatives == total

    macro = precision_recall_fscore_support(truth, decision, sample_weight=weights, zero_division=0, average="macro")
    assert (overall.precision, overall.recall, overall.f1_score) == pytest.approx(
        tuple(map(float, macro[:3])), rel=0, abs=1e-12
    )
    accuracy = accuracy_score(truth, decision, sample_weight=weights)
    assert overall.accuracy == pytest.approx(float(accuracy), rel=0, abs=1e-12)


@settings(max_examples=1500 * SCALE)
@given(st.integers(1, 12).flatmap(lambda size: st.lists(st.tuples(*[st.integers(0, size - 1)] * 2), max_size=60)))
def test_implicit_truths_counted_one_by_one(pairs: list[tuple[int, int]]) -> None:
    labels = [f"label {i}" for i in range(12)]
    counts = [
        Count(
            decision=labels[decision],
            consensus=None if truth == decision else labels[truth],
            in_knowledge_base=False,
            changed_after_training=False,
            events=events,
        )
        for (truth, decision), events in Counter(pairs).items()
    ]
    ours = confusion_matrix_of(counts, labels, TruthPolicy.IMPLICIT)
    if not pairs:
        assert ours == [[0] * 12] * 12
        return
    truth, decision = zip(*pairs, strict=True)
    assert ours == confusion_matrix(truth, decision, labels=range(12)).tolist()
