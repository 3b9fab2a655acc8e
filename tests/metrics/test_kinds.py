"""What events are counted as, and the table that comes of it."""

from __future__ import annotations

import numpy as np

from trueline.metrics.counts import Count
from trueline.metrics.kinds import Kind, Kinds, count_table


def test_kinds_are_numbered_as_they_come_and_told_in_words() -> None:
    kinds = Kinds()
    none, drop, escalate = (kinds.labels.code(text) for text in ("", "Drop", "Escalate"))

    first = kinds.of(np.array([none, drop, drop]), np.array([none, none, none]))
    before = kinds.told()
    flags = np.array([True, True]), np.array([False, True])
    then = kinds.of(np.array([drop, escalate]), np.array([escalate, drop]), *flags)

    assert (first.tolist(), then.tolist()) == ([0, 1, 1], [2, 3])
    assert kinds.told() == (
        *before,
        Kind("Drop", "Escalate", trained=True, changed=False),
        Kind("Escalate", "Drop", trained=True, changed=True),
    )
    assert before == (Kind("", "", trained=False, changed=False), Kind("Drop", "", trained=False, changed=False))
    assert kinds.decisions.tolist() == [none, drop, drop, escalate]
    assert kinds.consensus.tolist() == [none, none, escalate, drop]
    assert kinds.have_changed(np.array([3, 2, 0])).tolist() == [True, False, False]


def test_what_changed_before_it_was_decided_does_not_count_as_changed() -> None:
    kinds = Kinds()

    undecided = kinds.of(np.array([0]), np.array([kinds.labels.code("Drop")]), np.array([True]), np.array([True]))

    assert kinds.have_changed(undecided).tolist() == [False]
    assert count_table(kinds.told(), [5], trained=True) == ()


def test_without_a_training_kinds_that_differ_in_it_alone_are_counted_together() -> None:
    kinds = (
        Kind("Drop", "", trained=False, changed=False),
        Kind("Drop", "", trained=True, changed=True),
        Kind("Drop", "Drop", trained=True, changed=False),
    )

    assert set(count_table(kinds, [1, 2, 0], trained=True)) == {
        Count("Drop", None, False, False, 1),
        Count("Drop", None, True, True, 2),
    }
    assert count_table(kinds, [1, 2, 4], trained=False) == (
        Count("Drop", None, False, False, 3),
        Count("Drop", "Drop", False, False, 4),
    )
