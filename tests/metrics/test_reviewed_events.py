"""Reviews counted ahead; that they are a recount after every kind of write is tested with the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.metrics.hours import Window
from trueline.metrics.reviewed_buckets import BANDED_BUCKETS, ReviewedBuckets
from trueline.metrics.reviewed_events import BANDED, BANDED_HOURS, DRAWN, SAID, ReviewedEvents, summed
from trueline.metrics.reviews import Mass, ReviewCount

if TYPE_CHECKING:
    from collections.abc import Iterator

some_keys = st.integers(0, 9) | st.integers(0, 2**60)
some_numbers = st.integers(-5, 5) | st.integers(-(2**58), 2**58)


@given(st.lists(st.tuples(some_keys, some_numbers)))
def test_sums_are_exact_whatever_their_size(rows: list[tuple[int, int]]) -> None:
    keys, numbers = (np.array([row[place] for row in rows], np.int64) for place in (0, 1))
    expected: dict[int, int] = {}
    for key, number in rows:
        expected[key] = expected.get(key, 0) + number
    found, sums = summed(keys, numbers)
    assert dict(zip(found.tolist(), sums.tolist(), strict=True)) == {
        key: (number + 2**63) % 2**64 - 2**63 for key, number in expected.items()
    }


def test_nobody_reviewed_events_without_marked_subjects() -> None:
    rows = [(0, "A\0", 3, 5), (1, "A\0A", -1, 2), (1, "\0", -1, 9)]
    columns = dict(zip(BANDED_HOURS.names, zip(*rows, strict=True), strict=True))
    reviews = ReviewedEvents(pa.table({name: list(column) for name, column in columns.items()}, BANDED_HOURS))
    first = ReviewCount("A", None, Mass.single(5), 3)
    assert reviews.counts(Window()) == [first, ReviewCount("A", "A", Mass.single(2))]
    assert reviews.counts(Window(end=3_600_000_000)) == [first]


def test_a_bucket_is_as_sure_as_its_least_sure_event_and_counts_for_each_decision() -> None:
    rows = [(7, "A", 9, 2), (7, "A", 4, 1), (7, "B", -1, 1), (8, "A", 4, 5), (9, "A", 4, 0)]
    columns = dict(zip(BANDED_BUCKETS.names, zip(*rows, strict=True), strict=True))
    reviews = ReviewedBuckets(pa.table({name: list(column) for name, column in columns.items()}, BANDED_BUCKETS))
    together = [ReviewCount("A", None, Mass(8, 2, 34), 4), ReviewCount("B", None, Mass(1, 1, 1))]
    assert sorted(reviews.counts(Window()) or (), key=repr) == together
    reviews.set_consensus(np.array([7], np.uint64), pa.chunked_array([["B"]]))
    reviews.say(pa.table({"subject_key": [7], "probability": [0.5], "reason": [""]}, SAID))
    assert sorted(reviews.counts(Window()) or (), key=repr) == [
        ReviewCount("A", "B", Mass(3, 1, 9), 4, 0.5),
        ReviewCount("A", None, Mass(5, 1, 25), 4),
        ReviewCount("B", "B", Mass(1, 1, 1), None, 0.5),
    ]


def test_parts_of_events_that_could_not_all_be_read_are_not_told() -> None:
    columns = {"subject_key": [7], "decision": ["A"], "band": [4], "events": [2]}
    reviews = ReviewedBuckets(pa.table(columns, BANDED_BUCKETS))
    event: dict[str, list[Any]] = {"subject_key": [7], "ts": [0], "outcome": ["A\0"], "band": [4], "sign": [1]}

    def broken_off() -> Iterator[pa.Table]:
        yield pa.table(event, BANDED)
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - the one raised above
        reviews.keep_events(broken_off())
    assert not reviews.has_events
    assert reviews.counts(Window(end=3_600_000_000)) is None
    reviews.keep_events([pa.table({name: each * 2 for name, each in event.items()}, BANDED)])
    assert reviews.counts(Window(end=3_600_000_000)) == [ReviewCount("A", None, Mass(2, 1, 4), 4)]


def test_a_bucket_can_have_a_consensus_before_its_events() -> None:
    empty = pa.table({name: [] for name in BANDED_BUCKETS.names}, BANDED_BUCKETS)
    reviews = ReviewedBuckets(empty)
    reviews.set_consensus(np.array([7, 8], np.uint64), pa.chunked_array([["B", "A"]]))
    reviews.add(pa.table({"subject_key": [8], "ts": [0], "outcome": ["A\0"], "band": [-1], "sign": [1]}, BANDED))
    assert reviews.counts(Window()) == [ReviewCount("A", "A", Mass(1, 1, 1))]


def drawn_for(decision: str, *subjects: int) -> pa.Table:
    columns = {"decision": decision, "probability": 0.25, "reason": "audit"}
    return pa.table(
        {"subject_key": subjects, **{name: [each] * len(subjects) for name, each in columns.items()}}, DRAWN
    )


def test_what_a_vote_says_of_the_chance_comes_before_that_of_a_draw() -> None:
    rows = [(7, "A", -1, 1), (8, "A", -1, 1), (8, "B", -1, 1), (9, "A", -1, 1)]
    columns = dict(zip(BANDED_BUCKETS.names, zip(*rows, strict=True), strict=True))
    reviews = ReviewedBuckets(pa.table({name: list(column) for name, column in columns.items()}, BANDED_BUCKETS))
    reviews.set_consensus(np.array([7, 8], np.uint64), pa.chunked_array([["B", "B"]]))
    reviews.draw(drawn_for("A", 7, 8, 9))
    reviews.say(pa.table({"subject_key": [7], "probability": [0.5], "reason": [""]}, SAID))
    one = Mass(1, 1, 1)
    drawn = ReviewCount("A", "B", one, None, 0.25, "audit")
    of_another_decision, unreviewed = ReviewCount("B", "B", one), ReviewCount("A", None, one)
    expected = [ReviewCount("A", "B", one, None, 0.5, "audit"), drawn, of_another_decision, unreviewed]
    assert sorted(reviews.counts(Window()) or (), key=repr) == sorted(expected, key=repr)
    reviews.say(pa.table({"subject_key": [7], "probability": [None], "reason": [""]}, SAID))
    expected = [ReviewCount("A", "B", Mass(2, 2, 2), None, 0.25, "audit"), of_another_decision, unreviewed]
    assert sorted(reviews.counts(Window()) or (), key=repr) == sorted(expected, key=repr)


def test_why_and_by_what_chance_are_said_apart_of_each_other() -> None:
    rows = [(key, "A", -1, 1) for key in (6, 7, 8, 9)]
    columns = dict(zip(BANDED_BUCKETS.names, zip(*rows, strict=True), strict=True))
    reviews = ReviewedBuckets(pa.table({name: list(column) for name, column in columns.items()}, BANDED_BUCKETS))
    reviews.set_consensus(np.array([6, 7, 8, 9], np.uint64), pa.chunked_array([["A"] * 4]))
    said = {"subject_key": [6, 7, 8], "probability": [None, 0.5, None], "reason": ["complaint", "", "escalation"]}
    reviews.say(pa.table(said, SAID))
    one = Mass(1, 1, 1)
    undrawn = [
        ReviewCount("A", "A", one, None, *each) for each in ((None, "complaint"), (0.5, ""), (None, "escalation"))
    ]
    assert sorted(reviews.counts(Window()) or (), key=repr) == sorted([*undrawn, ReviewCount("A", "A", one)], key=repr)
    reviews.draw(drawn_for("A", 6, 7, 9))
    drawn = [ReviewCount("A", "A", one, None, *each) for each in ((0.25, "complaint"), (0.5, "audit"), (0.25, "audit"))]
    assert sorted(reviews.counts(Window()) or (), key=repr) == sorted([*drawn, undrawn[-1]], key=repr)


def test_sums_are_exact_whatever_is_taken_back() -> None:
    keys = np.zeros(5_000_000, np.int64)
    signs = np.where(np.arange(5_000_000) % 2, -1, 1)
    assert summed(keys, signs)[1].tolist() == [0]
    assert summed(keys[:3], np.array([2**60, 1, 2**60]))[1].tolist() == [2**61 + 1]
