"""Computations in the background: one at a time, of the same thing no more than one waits."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from trueline.catalog.records import RecomputeStatus
from trueline.service.recomputations import Recomputations

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 30
FIRST, SECOND = (1, "first"), (1, "second")


class Held:
    """Computations that wait to be let go."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, str]] = []
        self.has_begun = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)
        self.works = Recomputations(self.compute)

    def compute(self, job_id: int, model_id: str) -> None:
        self.begun.append((job_id, model_id))
        self.has_begun.release()
        assert self.let_go.acquire(timeout=SECONDS)

    def await_begin(self) -> None:
        assert self.has_begun.acquire(timeout=SECONDS)


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    yield made
    made.let_go.release(100)
    made.works.close()


def test_one_is_under_way_and_the_others_wait_their_turn(held: Held) -> None:
    first = held.works.put(FIRST)
    held.await_begin()
    second = held.works.put(SECOND)
    assert [held.works.status(key) for key in (FIRST, SECOND, (2, "first"))] == [
        RecomputeStatus.IN_PROGRESS,
        RecomputeStatus.QUEUED,
        None,
    ]
    assert held.works.next_end(FIRST) is first
    assert held.works.next_end(SECOND) is second
    held.let_go.release(2)
    second.result(SECONDS)
    assert (first.done(), held.begun) == (True, [FIRST, SECOND])
    assert (held.works.status(FIRST), held.works.status(SECOND), held.works.next_end(SECOND)) == (None, None, None)


def test_who_puts_what_waits_already_waits_with_it(held: Held) -> None:
    held.works.put(FIRST)
    held.await_begin()
    assert held.works.put(SECOND) is held.works.put(SECOND)


def test_what_is_under_way_may_have_looked_already_so_that_it_is_done_once_more(held: Held) -> None:
    first = held.works.put(FIRST)
    held.await_begin()
    again = held.works.put(FIRST)
    assert again is not first
    held.let_go.release(2)
    again.result(SECONDS)
    assert held.begun == [FIRST, FIRST]


def test_closing_ends_what_is_under_way_and_cancels_what_waits(held: Held) -> None:
    first = held.works.put(FIRST)
    held.await_begin()
    waiting = held.works.put(SECOND)
    held.let_go.release()
    held.works.close()
    assert (first.done(), first.cancelled(), waiting.cancelled()) == (True, False, True)
    assert held.begun == [FIRST]


def test_one_that_raises_is_logged_and_the_next_is_computed() -> None:
    done: list[str] = []

    def compute(_: int, model_id: str) -> None:
        if model_id == "first":
            raise RuntimeError("no room")
        done.append(model_id)

    works = Recomputations(compute)
    with capture_logs() as logs:
        works.put(FIRST).result(SECONDS)
        works.put(SECOND).result(SECONDS)
    works.close()
    assert done == ["second"]
    assert works.status(FIRST) is None
    assert [(each["log_level"], each["model_id"], each["exc_info"]) for each in logs] == [("error", "first", True)]
