"""Why things were reviewed, against the same counted one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.labels import UNDECIDED
from trueline.metrics.clustered import proportion
from trueline.metrics.consensus import CAUSES, REVIEW_REASONS
from trueline.metrics.intervals import wilson
from trueline.metrics.reasons import NOT_SAID, chosen, wrong_by_reason
from trueline.metrics.reviews import Mass, ReviewCount, reviewed_shares

LABELS = ["Drop", "Escalate"]
NAMES = [*REVIEW_REASONS, NOT_SAID]

subjects = st.tuples(
    st.sampled_from(LABELS),
    st.sampled_from([*LABELS, UNDECIDED, None]),
    st.sampled_from([*REVIEW_REASONS, ""]),
    st.integers(1, 9),
    st.sampled_from([None, 3]),
)


def counted(each: list[tuple[str, str | None, str, int, int | None]]) -> list[ReviewCount]:
    """Subjects of so many events, each a count of its own."""
    return [
        ReviewCount(decision, consensus, Mass(events, 1, events**2), band, None, reason if consensus else "")
        for decision, consensus, reason, events, band in each
    ]


@given(st.lists(subjects), st.sampled_from([0.8, 0.95]))
def test_each_reason_is_as_counted_plainly(
    each: list[tuple[str, str | None, str, int, int | None]], level: float
) -> None:
    counts = counted(each)
    told = wrong_by_reason(counts, LABELS, level)
    assert list(told) == LABELS
    shares = reviewed_shares(counts, LABELS)
    for label in LABELS:
        assert list(told[label]) == NAMES
        for name, share in told[label].items():
            sizes: dict[bool, list[int]] = {True: [], False: []}
            for decision, consensus, reason, events, _ in each:
                if decision == label and consensus in LABELS and (reason or NOT_SAID) == name:
                    sizes[consensus != label].append(events)
            wrong, right = (Mass(sum(of), len(of), sum(size**2 for size in of)) for of in sizes.values())
            assert (share.part, share.whole) == (wrong, wrong + right)
            assert share == proportion(wrong, right, level, share.figure.reason or "")
            assert (share.figure.value is None) == (not share.whole.events)
        assert sum((share.whole for share in told[label].values()), Mass()) == shares.per_decision[label].reviewed


def test_events_that_are_each_a_subject_have_wilsons_interval() -> None:
    counts = [
        ReviewCount("Drop", "Drop", Mass.single(30), reason="complaint"),
        ReviewCount("Drop", "Escalate", Mass.single(20), reason="complaint", band=1),
    ]
    share = wrong_by_reason(counts, LABELS)["Drop"]["complaint"]
    assert (share.figure.value, share.figure.interval) == (0.4, wilson(20, 50))


def test_what_nobody_reviewed_has_no_share_and_says_so() -> None:
    told = wrong_by_reason([ReviewCount("Drop", None, Mass.single(9))], LABELS)["Drop"]
    assert told["audit"].figure.value is None
    assert told["audit"].figure.reason == "no event decided Drop was reviewed with the reason audit"
    assert told[NOT_SAID].figure.reason == "no event decided Drop was reviewed with no reason said"


@pytest.mark.parametrize(
    ("reasons", "sentence"),
    [
        (["audit"], "Of the 1 reviews that it rests on, 0 were not chosen by chance"),
        (["", "audit"], "0 because of complaint); of 1 nobody said why."),
        (
            [*CAUSES, "complaint"],
            "4 were not chosen by chance (1 because of low confidence, 1 because of escalation, 2",
        ),
        (["complaint"] * 1_200, "Of the 1,200 reviews that it rests on, 1,200 were not chosen by chance"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_what_was_chosen_is_counted_in_subjects(reasons: list[str], sentence: str) -> None:
    counts = [ReviewCount("Drop", "Drop", Mass(7, 1, 49), reason=reason) for reason in reasons]
    unreviewed = [
        ReviewCount("Drop", UNDECIDED, Mass.single(5), reason="complaint"),
        ReviewCount("Drop", None, Mass(9)),
    ]
    assert sentence in chosen([*counts, *unreviewed])
