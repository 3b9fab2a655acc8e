"""The scores that contenders work out of their counts are scikit-learn's."""

from __future__ import annotations

import pytest
from sklearn.metrics import precision_recall_fscore_support

from contenders.scores import answer_from_counts
from stream import UNDECIDED

ROWS = [
    ("Drop", None, 5),
    ("Escalate", None, 2),
    ("Drop", "Escalate", 3),
    ("Escalate", "Escalate", 4),
    ("Investigate", "Drop", 1),
    ("Drop", UNDECIDED, 6),
]


@pytest.mark.parametrize("truth", ["implicit", "explicit"])
def test_scores(truth: str) -> None:
    pairs = [
        (consensus or decision, decision)
        for decision, consensus, count in ROWS
        if consensus != UNDECIDED and (consensus is not None or truth == "implicit")
        for _ in range(count)
    ]
    found = answer_from_counts(ROWS, truth)
    assert (found.events, found.with_consensus) == (21, 8)
    assert sum(map(sum, found.matrix)) == len(pairs)
    macro = precision_recall_fscore_support(
        [true for true, _ in pairs], [decided for _, decided in pairs], average="macro", zero_division=0
    )
    accuracy = sum(true == decided for true, decided in pairs) / len(pairs)
    assert found.scores == pytest.approx((accuracy, *macro[:3]))


def test_without_a_truth_there_is_no_score() -> None:
    assert answer_from_counts([("Drop", None, 5)], "explicit").scores == (None,) * 4
