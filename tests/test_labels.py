"""Which labels a job may have."""

from __future__ import annotations

import pytest

from trueline.labels import MAX_LABEL_LENGTH, MAX_LABELS, UNDECIDED, check_labels


def test_labels_are_given_back_in_their_order() -> None:
    assert check_labels(["Drop", "drop", "Ünïcode 日本", "a b", "x" * MAX_LABEL_LENGTH]) == (
        "Drop",
        "drop",
        "Ünïcode 日本",
        "a b",
        "x" * MAX_LABEL_LENGTH,
    )


def test_as_many_as_allowed_are_taken() -> None:
    assert len(check_labels([str(number) for number in range(MAX_LABELS)])) == MAX_LABELS


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "at least two"),
        (["Drop"], "at least two"),
        ([str(number) for number in range(MAX_LABELS + 1)], f"at most {MAX_LABELS} labels, not {MAX_LABELS + 1}"),
        (["Drop", ""], "empty"),
        (["Drop", " "], "white space"),
        (["Drop", "Keep\n"], "white space"),
        (["Drop", "x" * (MAX_LABEL_LENGTH + 1)], "longer than"),
        (["Drop", UNDECIDED], "no label"),
        (["Drop", "a\0b"], "control characters"),
        (["Drop", "a\nb"], "control characters"),
        (["Drop", "Keep", "Drop"], "'Drop' is named twice"),
    ],
)
def test_labels_a_job_may_not_have_are_refused(labels: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_labels(labels)
