"""Groups of events and the count table that comes of them."""

from __future__ import annotations

import numpy as np

from trueline.metrics.counts import Count
from trueline.metrics.groups import Changed, PlacedGroups
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
