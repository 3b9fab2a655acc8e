"""Groups of events and the count table that comes of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from trueline.metrics.counts import Count
from trueline.metrics.groups import GROUPS_IN_TIME, Changed, PlacedGroups
from trueline.metrics.kinds import Kind

KINDS = (
    Kind("", "", trained=False, changed=False),
    Kind("Drop", "", trained=False, changed=False),
    Kind("Drop", "Keep", trained=True, changed=True),
    Kind("Drop", "Drop", trained=True, changed=False),
)
PLACED = PlacedGroups(
    subject=np.array([0, 0, 7, 7, 8, 9], np.uint64),
    events=np.array([5, 100, 3, 4, 2, 0], np.int64),
    kind=np.array([0, 1, 2, 2, 3, 2], np.int64),
    changed_at=np.array([0, 0, 10, 20, 30, 40], np.int64),
    kinds=KINDS,
)
ALL = np.ones(4, np.bool_)


def test_groups_of_one_kind_are_one_count_and_undecided_ones_none() -> None:
    assert set(PLACED.counts(ALL, trained=True)) == {
        Count("Drop", None, in_knowledge_base=False, changed_after_training=False, events=100),
        Count("Drop", "Keep", in_knowledge_base=True, changed_after_training=True, events=7),
        Count("Drop", "Drop", in_knowledge_base=True, changed_after_training=False, events=2),
    }


def test_without_a_training_nothing_is_learned_and_nothing_changed() -> None:
    assert set(PLACED.counts(ALL, trained=False)) == {
        Count("Drop", None, in_knowledge_base=False, changed_after_training=False, events=100),
        Count("Drop", "Keep", in_knowledge_base=False, changed_after_training=False, events=7),
        Count("Drop", "Drop", in_knowledge_base=False, changed_after_training=False, events=2),
    }


def test_kinds_that_do_not_pass_are_left_out() -> None:
    passing = np.array([True, False, True, False])
    assert [count.events for count in PLACED.counts(passing, trained=True)] == [7]
    assert PLACED.changed(~passing) == {}


def test_a_subject_changed_when_the_last_of_its_groups_did_and_one_without_events_not_at_all() -> None:
    assert PLACED.changed(ALL) == {7: Changed(at=20, events=7)}


def in_time(**back: tuple[int, int]) -> pa.Table:
    """As `PLACED`, each group in a span of ten of its own; some with when versions were that were taken back."""
    none: dict[str, object] = {"outcome": "", "marked": 0, "first_changed_at": 0, "events": 0}
    rows = []
    for number in range(len(PLACED.events)):
        first, last = back.get(f"of_{number}", (0, 0))
        gone = {"taken_back": int(f"of_{number}" in back), "first_back": first, "last_back": last}
        rows.append(none | {"first": 10 * number, "last": 10 * number + 9} | gone)
    return pa.Table.from_pylist(rows, GROUPS_IN_TIME)


@pytest.mark.parametrize(
    ("back", "told"),
    [
        ({}, (10, 59)),
        ({"of_0": (0, 9)}, (10, 59)),  # of which no event is decided
        ({"of_1": (11, 19), "of_4": (40, 49)}, (10, 59)),
        ({"of_1": (10, 10)}, (None, 59)),
        ({"of_5": (50, 59)}, (10, None)),
        ({"of_1": (10, 11), "of_5": (58, 59)}, (None, None)),
    ],
)
def test_the_first_and_the_last_are_told_where_no_version_taken_back_may_be_either(
    back: dict[str, tuple[int, int]], told: tuple[int | None, int | None]
) -> None:
    assert PLACED.bounds(in_time(**back), ALL) == told


def test_groups_that_do_not_pass_have_no_part_in_the_first_and_the_last() -> None:
    passing = np.array([True, False, True, False])
    assert PLACED.bounds(in_time(of_1=(10, 10), of_4=(49, 49)), passing) == (20, 59)
    assert PLACED.bounds(in_time(), np.zeros(4, np.bool_)) == (None, None)
