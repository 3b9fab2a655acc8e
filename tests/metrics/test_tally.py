"""A tally knows when its first and last events happened, or that it does not know."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from trueline.metrics.changed_events import LastChanged
from trueline.metrics.groups import GROUPS
from trueline.metrics.hours import HOUR, Window
from trueline.metrics.tally import CONSENSUS, EVENTS, HOURS, LEARNED, Bound, Selection, Tally

NOON = 482_508 * HOUR


def tally() -> Tally:
    """Two hours of events: at 1 to 4 minutes past, decided by turns as Drop and Escalate."""
    made = Tally(pa.Table.from_pylist([], HOURS))
    for hour in (NOON, NOON + HOUR):
        for minute in range(1, 5):
            add(made, hour + minute, ["Drop", "Escalate"][minute % 2], 1)
    return made


def add(to: Tally, ts: int, decision: str, sign: int, subject: int = 1) -> None:
    version = {"subject_key": subject, "ts": ts, "outcome": f"{decision}\0", "bucket_id": "b", "sign": sign}
    to.add(pa.Table.from_pylist([version | {"consensus_changed_at": 0}], EVENTS))


def kinds(of: Tally, decision: str) -> Selection:
    return Selection(Window(), np.array([kind.decision == decision for kind in of.kinds()]))


def test_the_bounds_of_a_decision_are_known_by_the_hour() -> None:
    counted = tally()
    assert counted.bounds(Selection(Window())) == (Bound(NOON + 1, exact=True), Bound(NOON + HOUR + 4, exact=True))
    assert counted.bounds(kinds(counted, "Drop")) == (Bound(NOON + 2, exact=True), Bound(NOON + HOUR + 4, exact=True))
    assert counted.bounds(kinds(counted, "Escalate")) == (
        Bound(NOON + 1, exact=True),
        Bound(NOON + HOUR + 3, exact=True),
    )
    later = Selection(Window(NOON + HOUR), kinds(counted, "Escalate").kinds)
    assert counted.bounds(later) == (Bound(NOON + HOUR + 1, exact=True), Bound(NOON + HOUR + 3, exact=True))


def test_what_was_taken_back_leaves_that_decision_and_hour_unsure() -> None:
    counted = tally()
    add(counted, NOON + 1, "Escalate", -1)
    add(counted, NOON + 1, "", 1)
    escalated = counted.bounds(kinds(counted, "Escalate"))
    assert escalated is not None
    assert not escalated[0].exact
    assert NOON <= escalated[0].ts < NOON + HOUR
    assert escalated[1] == Bound(NOON + HOUR + 3, exact=True)
    assert counted.bounds(kinds(counted, "Drop")) == (Bound(NOON + 2, exact=True), Bound(NOON + HOUR + 4, exact=True))


def test_some_events_of_a_decision_have_no_bounds_that_are_known() -> None:
    counted = tally()
    add(counted, NOON + 5, "Drop", 1, subject=2)
    marked = {"subject_key": 2, "ts": NOON + 5, "outcome": "Drop\0", "bucket_id": "c", "sign": 1}
    counted.mark(np.array([2], np.uint64), pa.Table.from_pylist([marked | {"consensus_changed_at": 0}], EVENTS))
    weighed = {"subject_key": 2, "label": "Escalate", "changed_at": 7}
    counted.set_consensus(pa.Table.from_pylist([weighed], CONSENSUS))
    without = Selection(Window(), np.array([kind.consensus == "" for kind in counted.kinds()]))
    found = counted.bounds(without)
    assert found is not None
    assert not found[0].exact  # for all that is known the first Drop of that hour is the one that does not pass
    assert found[1] == Bound(NOON + HOUR + 4, exact=True)


@pytest.mark.parametrize("decision", ["Investigate", "Drop"])
def test_kinds_that_no_event_is_counted_as_yet_change_nothing(decision: str) -> None:
    counted = tally()
    before = counted.bounds(Selection(Window()))
    group = {"outcome": f"{decision}\0Escalate", "marked": 0, "first_changed_at": 0, "events": 1}
    counted.placed(pa.Table.from_pylist([group], GROUPS))  # read of the ledger before it is counted here
    assert decision in {kind.decision for kind in counted.kinds()}
    assert counted.bounds(Selection(Window())) == before
    everything = Selection(Window(), np.ones(len(counted.kinds()), np.bool_))
    assert counted.bounds(everything) == before
    if decision == "Investigate":
        assert counted.bounds(kinds(counted, decision)) is None


def test_where_there_are_no_events_there_are_no_bounds() -> None:
    counted = Tally(pa.Table.from_pylist([], HOURS))
    assert counted.bounds(Selection(Window())) is None
    add(counted, NOON, "", 1)
    assert counted.bounds(Selection(Window())) is None


@pytest.mark.parametrize("window", [Window(), Window(NOON, NOON + HOUR)])
def test_what_changed_is_as_if_selected_anew_after_whatever_comes(window: Window) -> None:
    """Subjects come, are voted on, learned and taken back; one that is asked each time keeps what it selected."""
    draw = random.Random(3)  # noqa: S311 - test data
    asked, fresh = (Tally(pa.Table.from_pylist([], HOURS)) for _ in range(2))
    sizes = set()
    for each in (asked, fresh):
        each.mark(np.arange(1, 9, dtype=np.uint64), pa.Table.from_pylist([], EVENTS))
        each.learn(1, learned(dict.fromkeys(range(1, 9), "Drop")))
    sent: list[tuple[int, int]] = []
    for step in range(200):
        kind = draw.choice(["event", "event", "vote", "gone", "learn"])
        subject, ts = draw.randint(1, 8), NOON + draw.randint(0, 2 * HOUR)
        label, gone = draw.choice(["Drop", "Escalate"]), sent.pop() if kind == "gone" and sent else None
        learns = {other: draw.choice(["Drop", "Escalate"]) for other in range(1, 9)}
        if kind == "event":
            sent.append((subject, ts))
        for each in (asked, fresh):
            if kind == "event":
                add(each, ts, "Drop", 1, subject)
            elif gone is not None:
                add(each, gone[1], "Drop", -1, gone[0])
            elif kind == "vote":
                vote = {"subject_key": subject, "label": label, "changed_at": step}
                each.set_consensus(pa.Table.from_pylist([vote], CONSENSUS))
            elif kind == "learn" and not step % 7:
                each.learn(step, learned(learns))
        fresh._last_changed = LastChanged()  # noqa: SLF001 - so that it selects anew
        selection = Selection(window)
        assert asked.changed_size(selection) == fresh.changed_size(selection)
        # either may tell more than three: those that it had to look at
        leading, as_selected = asked.changed_events(selection, 3), fresh.changed_events(selection, 3)
        both = min(len(leading), len(as_selected))
        assert leading[:both] == as_selected[:both]
        assert sum(each.events for each in leading[:both]) >= min(3, asked.changed_size(selection))
        sizes.add(asked.changed_size(selection))
    assert len(sizes) > 5


def learned(labels: dict[int, str]) -> pa.Table:
    rows = [{"subject_key": key, "label": label, "from_consensus": True} for key, label in labels.items()]
    return pa.Table.from_pylist(rows, LEARNED)
