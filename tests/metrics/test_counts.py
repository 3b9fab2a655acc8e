"""The count table: truth by policy, the matrix, the totals."""

from __future__ import annotations

import pytest

from trueline.labels import UNDECIDED
from trueline.metrics.counts import Count, Totals, TruthPolicy, confusion_matrix, totals

IMPLICIT, EXPLICIT = TruthPolicy.IMPLICIT, TruthPolicy.EXPLICIT


def count(decision: str, consensus: str | None, events: int, *, learned: bool = False, changed: bool = False) -> Count:
    return Count(decision, consensus, learned, changed, events)


COUNTS = (
    count("Drop", None, 100),
    count("Drop", "Drop", 10, learned=True),
    count("Drop", "Keep", 3, learned=True, changed=True),
    count("Keep", "Drop", 2),
    count("Keep", UNDECIDED, 7, learned=True, changed=True),
    count("Keep", None, 50, learned=True),
)


@pytest.mark.parametrize(
    ("consensus", "implicit", "explicit"),
    [("Keep", "Keep", "Keep"), (None, "Drop", None), (UNDECIDED, None, None)],
)
def test_the_truth_is_the_consensus_else_by_policy_the_decision(
    consensus: str | None, implicit: str | None, explicit: str | None
) -> None:
    one = count("Drop", consensus, 1)
    assert (one.truth(IMPLICIT), one.truth(EXPLICIT)) == (implicit, explicit)


def test_rows_are_truths_and_columns_decisions_in_the_order_of_the_labels() -> None:
    assert confusion_matrix(COUNTS, ["Drop", "Keep"], IMPLICIT) == [[110, 2], [3, 50]]
    assert confusion_matrix(COUNTS, ["Drop", "Keep"], EXPLICIT) == [[10, 2], [3, 0]]
    assert confusion_matrix(COUNTS, ["Keep", "Drop"], IMPLICIT) == [[50, 3], [2, 110]]


def test_labels_that_never_occur_have_a_row_and_a_column() -> None:
    assert confusion_matrix(COUNTS[:1], ["Other", "Drop"], IMPLICIT) == [[0, 0], [0, 100]]
    assert confusion_matrix((), ["A", "B"], IMPLICIT) == [[0, 0], [0, 0]]


@pytest.mark.parametrize("labels", [["Drop", "Other"], ["Keep", "Other"]])
def test_a_label_that_the_job_does_not_have_is_an_error(labels: list[str]) -> None:
    with pytest.raises(KeyError):
        confusion_matrix(COUNTS, labels, IMPLICIT)


def test_totals_count_events_and_leave_undecided_out_of_those_with_consensus() -> None:
    assert totals(COUNTS) == Totals(events=172, in_knowledge_base=70, with_consensus=15, changed_after_training=10)
    assert totals(()) == Totals(0, 0, 0, 0)


def test_the_matrix_and_the_undecided_make_up_the_population() -> None:
    sizes = totals(COUNTS)
    matrix = confusion_matrix(COUNTS, ["Drop", "Keep"], IMPLICIT)
    assert sum(map(sum, matrix)) + 7 == sizes.events
    assert sum(map(sum, confusion_matrix(COUNTS, ["Drop", "Keep"], EXPLICIT))) == sizes.with_consensus
