"""Large requests read in a process of their own."""

from __future__ import annotations

import errno
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

import pytest

from service.test_prepared import JOB, KEYS
from trueline.service.prepared import prepare_events
from trueline.service.readers import WORTH_SENDING, Readers

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE = [b'{"event_id":"%d","raw_body":{"n":%d,"text":"%b"}}' % (n, n, b"-" * 1_000) for n in range(600)] + [b"{"]
SECONDS = 30


@pytest.fixture
def readers() -> Iterator[Readers]:
    readers = Readers(1)
    yield readers
    readers.close()


def processes(readers: Readers) -> list[int]:
    started = readers._started  # noqa: SLF001
    return [] if started is None else list(started._processes)  # noqa: SLF001


def test_a_large_request_is_read_elsewhere_with_the_same_outcome(readers: Readers) -> None:
    assert sum(map(len, LARGE)) > WORTH_SENDING
    assert readers.prepare(JOB, KEYS, LARGE) == prepare_events(JOB, KEYS, LARGE)
    assert len(processes(readers)) == 1


def test_a_small_one_is_read_here(readers: Readers) -> None:
    assert readers.prepare(JOB, KEYS, LARGE[:3]) == prepare_events(JOB, KEYS, LARGE[:3])
    assert not processes(readers)


def test_without_processes_all_is_read_here() -> None:
    readers = Readers(0)
    assert readers.prepare(JOB, KEYS, LARGE) == prepare_events(JOB, KEYS, LARGE)
    assert not processes(readers)


def test_where_it_is_read_arrow_allocates_as_all_else_does(readers: Readers) -> None:
    asked = readers._pool().submit(eval, "__import__('pyarrow').default_memory_pool().backend_name")  # noqa: SLF001
    assert asked.result(SECONDS) == "system"


def test_nothing_is_lost_when_the_process_is_killed_and_the_next_has_a_new_one(readers: Readers) -> None:
    expected = readers.prepare(JOB, KEYS, LARGE)
    (before,) = processes(readers)
    os.kill(before, signal.SIGKILL)
    assert [readers.prepare(JOB, KEYS, LARGE) for _ in range(3)] == [expected] * 3
    assert processes(readers) != [before]


def test_where_no_process_can_be_started_all_is_read_here(readers: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(ProcessPoolExecutor, "submit", refuse)
    assert readers.prepare(JOB, KEYS, LARGE) == prepare_events(JOB, KEYS, LARGE)


def test_closing_ends_the_process(readers: Readers) -> None:
    readers.prepare(JOB, KEYS, LARGE)
    (reading,) = processes(readers)
    readers.close()
    deadline = time.monotonic() + SECONDS
    while os.path.exists(f"/proc/{reading}") and time.monotonic() < deadline:  # noqa: PTH110
        time.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(reading, 0)
