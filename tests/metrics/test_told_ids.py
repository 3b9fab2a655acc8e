"""Ids that are kept until they may be others."""

from __future__ import annotations

from trueline.metrics.told_ids import ToldIds


def test_ids_are_kept_by_purpose_and_forgotten_for_all_of_them() -> None:
    ids = ToldIds()
    ids.keep({(7, 1): ["a", "b"], (8, 1): ["c"]})
    ids.keep({(7, 1): ["b"]}, "Escalate")

    assert ids.of([(7, 1), (8, 1), (9, 1)]) == {(7, 1): ["a", "b"], (8, 1): ["c"]}
    assert ids.of([(7, 1), (8, 1)], "Escalate") == {(7, 1): ["b"]}
    ids.forget([(7, 1), (9, 9)])
    assert ids.of([(7, 1), (8, 1)]) == {(8, 1): ["c"]}
    assert ids.of([(7, 1)], "Escalate") == {}


def test_no_more_are_kept_than_there_is_room_for() -> None:
    ids = ToldIds()
    ids.keep({(moment, 0): [] for moment in range(100_000)})
    ids.keep({(1, 1): ["later"]})

    assert len(ids) == 1
    assert ids.of([(1, 1)]) == {(1, 1): ["later"]}
