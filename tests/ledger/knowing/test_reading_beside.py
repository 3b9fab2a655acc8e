"""Keys are read while others write, who wait for nothing and lose nothing."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ledger.knowing.sending import events
from trueline.ledger.errors import QueryTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trueline.catalog.records import Job
    from trueline.ledger.known_keys import KeyReading, KnownKeys
    from trueline.ledger.store import Ledger
    from trueline.service.lines import BulkAnswer
    from trueline.service.workspace import Workspace


class Slow(NamedTuple):
    """Reading that waits at its end."""

    was_read: threading.Event
    goes_on: threading.Event


@pytest.fixture
def slow(known: KnownKeys, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    """Have keys read slowly."""
    slow, whole = Slow(threading.Event(), threading.Event()), known.read

    def read(job_id: int, reading: KeyReading) -> None:
        whole(job_id, reading)
        slow.was_read.set()
        assert slow.goes_on.wait(60)

    monkeypatch.setattr(known, "read", read)
    yield slow
    slow.goes_on.set()


def test_others_write_while_keys_are_read_and_theirs_are_known_then(  # noqa: PLR0913, PLR0917 - fixtures
    known: KnownKeys,
    looked_up: Counter[int],
    workspace: Workspace,
    send: Callable[[int, int], BulkAnswer],
    job: Job,
    slow: Slow,
) -> None:
    send(0, 20)
    assert workspace.ingest.bulk(job, events(10, 20)).replaced == 10
    assert slow.was_read.wait(60)
    assert workspace.ingest.bulk(job, events(20, 20)).replaced == 10
    assert workspace.ingest.bulk(job, events(30, 20)).replaced == 10
    assert job.id not in known._known  # noqa: SLF001
    assert looked_up == {20: 4}
    slow.goes_on.set()
    workspace._knowing.wait()  # noqa: SLF001
    assert len(known._known[job.id]) == 50  # noqa: SLF001
    assert send(40, 20).replaced == 10
    assert looked_up == {20: 4, 10: 1}


@pytest.mark.parametrize("what", ["rebuild", "delete", "close"])
def test_what_is_read_of_a_job_that_is_forgotten_meanwhile_is_not_known(  # noqa: PLR0913, PLR0917 - fixtures
    known: KnownKeys,
    workspace: Workspace,
    send: Callable[[int, int], BulkAnswer],
    job: Job,
    slow: Slow,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    send(0, 20)
    workspace.ingest.bulk(job, events(10, 20))
    assert slow.was_read.wait(60)
    if what == "rebuild":
        workspace.jobs.rebuild(job.id)
    elif what == "delete":
        workspace.jobs.delete(job)
    else:
        monkeypatch.setattr(known, "_is_closing", True)
    slow.goes_on.set()
    workspace._knowing.wait()  # noqa: SLF001
    assert job.id not in known._known  # noqa: SLF001


def test_keys_that_find_no_memory_while_others_are_read_have_all_looked_up(  # noqa: PLR0913, PLR0917 - fixtures
    known: KnownKeys,
    workspace: Workspace,
    send: Callable[[int, int], BulkAnswer],
    job: Job,
    slow: Slow,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(_: object) -> None:
        raise MemoryError

    send(0, 20)
    workspace.ingest.bulk(job, events(10, 20))
    assert slow.was_read.wait(60)
    with monkeypatch.context() as patched:
        patched.setattr("trueline.ledger.known_keys._as_array", failing)
        assert workspace.ingest.bulk(job, events(20, 20)).replaced == 10
    slow.goes_on.set()
    assert send(30, 20).replaced == 10
    assert job.id not in known._known  # noqa: SLF001


def test_where_keys_cannot_be_read_they_are_looked_up(  # noqa: PLR0913, PLR0917 - fixtures
    known: KnownKeys,
    ledger: Ledger,
    looked_up: Counter[int],
    send: Callable[[int, int], BulkAnswer],
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trueline.ledger.known_keys._AT_ONCE", 7)
    send(0, 20)
    whole, asked = ledger.engine.table, Counter[str]()

    def failing(sql: str, *more: Any) -> object:  # noqa: ANN401 - handed on
        is_of_keys = sql.startswith("SELECT event_key FROM")
        asked["of keys"] += is_of_keys
        if is_of_keys and asked["of keys"] == 2:
            raise QueryTimeoutError("it takes too long")
        return whole(sql, *more)

    with monkeypatch.context() as patched:
        patched.setattr(ledger.engine, "table", failing)
        assert send(10, 20).replaced == 10
        assert send(20, 20).replaced == 10
    assert asked["of keys"] == 2
    assert job.id not in known._known  # noqa: SLF001
    assert looked_up == {20: 3}


def test_a_job_that_was_put_off_while_it_waited_for_its_turn_is_not_read(
    known: KnownKeys, send: Callable[[int, int], BulkAnswer], job: Job, workspace: Workspace
) -> None:
    send(0, 20)
    known.recency.put_off([job.id])
    workspace._knowing.put(job.id).result(60)  # noqa: SLF001
    assert job.id not in known._known  # noqa: SLF001


def test_keys_are_read_in_parts(
    known: KnownKeys, ledger: Ledger, send: Callable[[int, int], BulkAnswer], job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trueline.ledger.known_keys._AT_ONCE", 7)
    send(0, 100)
    send(90, 20)
    keys = ledger.engine.table(f"SELECT event_key FROM events_{job.id}")["event_key"]  # noqa: S608 - a number
    assert len(known._known[job.id]) == len(set(keys.to_pylist())) == 110  # noqa: SLF001
    assert len(known.maybe(job.id, keys)) == len(keys)
