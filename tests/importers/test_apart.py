"""An iterator in a process of its own: what comes through, and how either side ends."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from trueline.catalog.records import Grouping, Job
from trueline.importers.apart import ReaderDiedError, iterated_apart
from trueline.instants import from_micros
from trueline.ledger.keys import KeyMaker
from trueline.service.prepared import prepare_events

if TYPE_CHECKING:
    from collections.abc import Callable


def test_items_come_in_their_order() -> None:
    assert [*iterated_apart(partial(iter, range(1000)))] == [*range(1000)]


def test_there_may_be_none() -> None:
    assert not [*iterated_apart(partial(iter, ()))]


@pytest.mark.parametrize(
    ("fails", "of", "error"),
    [(int, "no number", ValueError), (pickle.loads, b"", EOFError), (os.stat, "no/such/file", FileNotFoundError)],
)
def test_its_error_comes_after_its_items_with_its_traceback(
    fails: Callable[[object], object], of: object, error: type[Exception]
) -> None:
    items = iterated_apart(partial(map, fails, [GOOD[fails], of]))
    assert next(items) == fails(GOOD[fails])
    with pytest.raises(error) as raised:
        next(items)
    assert "Traceback" in raised.value.__notes__[0]


GOOD: dict[object, object] = {int: "1", pickle.loads: pickle.dumps(2), os.stat: "/"}


def test_an_item_that_cannot_be_sent_is_an_error() -> None:
    with pytest.raises(TypeError, match="cannot pickle"):
        next(iterated_apart(partial(iter, threading.Lock, None)))


def test_a_killed_process_is_told_of() -> None:
    with pytest.raises(ReaderDiedError, match="ended early, with -9"):
        next(iterated_apart(partial(map, signal.raise_signal, [signal.SIGKILL])))


def test_whoever_leaves_early_leaves_no_process() -> None:
    others = set(multiprocessing.active_children())  # of tests before this one, such as those that read bulk requests
    items = iterated_apart(partial(iter, os.getpid, None))
    process = next(items)
    assert process != os.getpid()
    assert [child.pid for child in set(multiprocessing.active_children()) - others] == [process]
    items.close()
    assert set(multiprocessing.active_children()) == others
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_events_are_prepared_there_as_here() -> None:
    job = Job(
        id=1,
        title="Mail",
        labels=("Drop", "Escalate"),
        grouping=Grouping.BUCKET,
        decision_points=("user",),
        minutes_per_alert=1,
        min_votes=1,
        low_confidence_below=50,
        consensus_min_votes=1,
        created_at=from_micros(0),
    )
    prepare = partial(prepare_events, job, KeyMaker(b"secret"))
    lines = [b'{"event_id":"%d","raw_body":{"user":"%d"}}' % (each, each % 7) for each in range(100)] + [b"{"]
    assert [*iterated_apart(partial(map, prepare, [lines]))] == [prepare(lines)]
