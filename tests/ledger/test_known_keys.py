"""What is known in memory of a job's event keys spares the engine, and changes no answer."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from trueline.ledger.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from trueline.catalog.records import Job
    from trueline.ledger.known_keys import KnownKeys
    from trueline.ledger.store import Ledger
    from trueline.service.lines import BulkAnswer
    from trueline.service.workspace import Workspace


@pytest.fixture
def known(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> KnownKeys:
    """As of jobs that are large, and requests that have many events."""
    monkeypatch.setattr(ledger.known_keys, "worth_knowing", 10)
    monkeypatch.setattr(ledger.known_keys, "many", 5)
    return ledger.known_keys


@pytest.fixture
def looked_up(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often the engine was asked for how many keys of events."""
    counted: Counter[int] = Counter()
    whole = ledger.events._lookup.rows  # noqa: SLF001

    def rows(sql: str, keys: list[int], **more: int) -> object:
        if "event_key IN" in sql and len(keys):
            counted[len(keys)] += 1
        return whole(sql, keys, **more)

    monkeypatch.setattr(ledger.events._lookup, "rows", rows)  # noqa: SLF001
    return counted


@pytest.fixture
def job(workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    return workspace.jobs.create(title=fresh_title(), labels=["A", "B"])


@pytest.fixture
def send(workspace: Workspace, job: Job) -> Callable[..., BulkAnswer]:
    def bulk(first: int, size: int, label: str = "A") -> BulkAnswer:
        events = [
            {"event_id": f"e{number}", "raw_body": {}, "decision": {"label": label}}
            for number in range(first, first + size)
        ]
        return workspace.ingest.bulk(job, [json.dumps(event).encode() for event in events])

    return bulk


def test_events_that_are_new_are_not_looked_up(
    known: KnownKeys, looked_up: Counter[int], send: Callable[..., BulkAnswer], job: Job
) -> None:
    send(0, 20)  # none was known then
    assert looked_up == {20: 1}
    for first in range(20, 100, 20):
        assert send(first, 20).replaced == 0
    assert looked_up == {20: 1}
    assert send(95, 10).replaced == 5
    assert looked_up == {20: 1, 5: 1}
    assert len(known._known[job.id]) == 105  # noqa: SLF001


def test_a_few_keys_are_not_worth_reading_all_for(
    known: KnownKeys, looked_up: Counter[int], send: Callable[..., BulkAnswer], job: Job
) -> None:
    send(0, 20)
    send(20, 4)
    assert looked_up == {20: 1, 4: 1}
    assert job.id not in known._known  # noqa: SLF001
    send(30, 5)
    send(40, 4)
    assert looked_up == {20: 1, 4: 1}


def test_a_small_job_is_looked_up(
    known: KnownKeys, looked_up: Counter[int], send: Callable[..., BulkAnswer], job: Job
) -> None:
    send(0, 9)
    send(10, 8)
    assert looked_up == {9: 1, 8: 1}
    assert job.id not in known._known  # noqa: SLF001


@pytest.mark.parametrize("arrives", [True, False])
def test_a_write_that_fails_may_have_come_all_the_same(  # noqa: PLR0913, PLR0917 - fixtures
    known: KnownKeys,
    ledger: Ledger,
    send: Callable[..., BulkAnswer],
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
    arrives: bool,
) -> None:
    send(0, 20)
    send(20, 20)
    insert = ledger.engine.insert

    def failing(table: str, rows: pa.Table) -> None:
        if arrives:
            insert(table, rows)
        raise LedgerError("the engine is gone")

    with monkeypatch.context() as patched:
        patched.setattr(ledger.engine, "insert", failing)
        with pytest.raises(LedgerError):
            send(40, 20)
    assert job.id in known._known  # noqa: SLF001
    assert send(30, 30).replaced == (30 if arrives else 10)


def test_keys_that_find_no_room_are_looked_up(  # noqa: PLR0913, PLR0917 - fixtures
    known: KnownKeys,
    looked_up: Counter[int],
    send: Callable[..., BulkAnswer],
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
    workspace: Workspace,
) -> None:
    monkeypatch.setattr(known, "_memory_bytes", 0)
    send(0, 20)
    send(20, 20)
    assert looked_up == {20: 2}
    other = workspace.jobs.create(title=f"{job.title} beside", labels=["A", "B"])
    lines = [json.dumps({"event_id": f"o{number}", "raw_body": {}}).encode() for number in range(20)]
    workspace.ingest.bulk(other, lines)
    monkeypatch.setattr(known, "_memory_bytes", 12_000_000)  # the shelves of one take eight of it
    send(40, 20)
    assert job.id in known._known  # noqa: SLF001
    assert workspace.ingest.bulk(other, lines).replaced == 20
    assert set(known._known) == {other.id}  # noqa: SLF001 - who was looked for last stays
    assert send(50, 20).replaced == 10


def test_a_job_that_is_gone_is_forgotten(
    known: KnownKeys, send: Callable[..., BulkAnswer], job: Job, workspace: Workspace
) -> None:
    send(0, 20)
    send(20, 20)
    workspace.jobs.rebuild(job.id)
    assert job.id not in known._known  # noqa: SLF001
    assert send(30, 20).replaced == 10
    assert job.id in known._known  # noqa: SLF001
    workspace.jobs.delete(job)
    assert job.id not in known._known  # noqa: SLF001


def test_keys_are_read_in_parts(
    known: KnownKeys, ledger: Ledger, send: Callable[..., BulkAnswer], job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trueline.ledger.known_keys._AT_ONCE", 7)
    send(0, 100)
    send(90, 20)
    keys = ledger.engine.table(f"SELECT event_key FROM events_{job.id}")["event_key"]  # noqa: S608 - a number
    assert len(known._known[job.id]) == len(set(keys.to_pylist())) == 110  # noqa: SLF001
    assert len(known.maybe(job.id, keys)) == len(keys)
