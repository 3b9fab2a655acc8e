"""What is known in memory of a job's event keys spares the engine, and changes no answer."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from trueline.ledger.errors import LedgerError, QueryTimeoutError
from trueline.ledger.key_set import KeySet
from trueline.ledger.known_keys import KeyReading, KnownKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.service.lines import BulkAnswer
    from trueline.service.workspace import Workspace


OPENED = """
import sys
from pathlib import Path
from trueline.service.workspace import Workspace
from trueline.settings import Settings
with Workspace.open(Settings(data=Path(sys.argv[1]), key_memory_bytes=123)) as opened:
    print(opened._ledger.known_keys._memory_bytes)
"""


@pytest.fixture
def known(known_keys: KnownKeys, monkeypatch: pytest.MonkeyPatch) -> KnownKeys:
    """As of jobs that are large, and requests that have many events."""
    monkeypatch.setattr(known_keys, "worth_knowing", 10)
    monkeypatch.setattr(known_keys, "many", 5)
    return known_keys


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


def events(first: int, size: int) -> list[bytes]:
    """So many lines of events, of which each has its own id."""
    return [json.dumps({"event_id": f"e{number}", "raw_body": {}}).encode() for number in range(first, first + size)]


@pytest.fixture
def send(workspace: Workspace, job: Job) -> Callable[[int, int], BulkAnswer]:
    def bulk(first: int, size: int) -> BulkAnswer:
        answer = workspace.ingest.bulk(job, events(first, size))
        workspace._knowing.wait()  # noqa: SLF001
        return answer

    return bulk


def test_events_that_are_new_are_not_looked_up(
    known: KnownKeys, looked_up: Counter[int], send: Callable[[int, int], BulkAnswer], job: Job
) -> None:
    send(0, 20)  # none was worth knowing then
    send(20, 20)  # has them read
    assert looked_up == {20: 2}
    for first in range(40, 100, 20):
        assert send(first, 20).replaced == 0
    assert looked_up == {20: 2}
    assert send(95, 10).replaced == 5
    assert looked_up == {20: 2, 5: 1}
    assert len(known._known[job.id]) == 105  # noqa: SLF001


def test_a_few_keys_are_not_worth_reading_all_for(
    known: KnownKeys, looked_up: Counter[int], send: Callable[[int, int], BulkAnswer], job: Job
) -> None:
    send(0, 20)
    send(20, 4)
    assert looked_up == {20: 1, 4: 1}
    assert job.id not in known._known  # noqa: SLF001
    send(30, 5)
    send(40, 4)
    assert looked_up == {20: 1, 4: 1, 5: 1}


def test_a_small_job_is_looked_up(
    known: KnownKeys, looked_up: Counter[int], send: Callable[[int, int], BulkAnswer], job: Job
) -> None:
    send(0, 9)
    send(10, 8)
    assert looked_up == {9: 1, 8: 1}
    assert job.id not in known._known  # noqa: SLF001


@pytest.mark.parametrize("arrives", [True, False])
def test_a_write_that_fails_may_have_come_all_the_same(  # noqa: PLR0913, PLR0917 - fixtures
    known: KnownKeys,
    ledger: Ledger,
    send: Callable[[int, int], BulkAnswer],
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


@pytest.fixture
def send_beside(workspace: Workspace, job: Job) -> Callable[[], BulkAnswer]:
    """Send twenty events, always the same, to another job."""
    other = workspace.jobs.create(title=f"{job.title} beside", labels=["A", "B"])

    def bulk() -> BulkAnswer:
        answer = workspace.ingest.bulk(other, events(0, 20))
        workspace._knowing.wait()  # noqa: SLF001
        return answer

    return bulk


def test_without_memory_keys_are_looked_up(
    known: KnownKeys,
    looked_up: Counter[int],
    send: Callable[[int, int], BulkAnswer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known, "_memory_bytes", 0)
    send(0, 20)
    send(20, 20)
    assert looked_up == {20: 2}
    assert not known._known  # noqa: SLF001


def test_one_that_finds_no_room_waits_until_another_was_left_alone_for_a_while(
    known: KnownKeys,
    send: Callable[[int, int], BulkAnswer],
    send_beside: Callable[[], BulkAnswer],
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known, "_memory_bytes", 12_000_000)  # the shelves of one take eight of it
    send(0, 20)
    send(20, 20)
    send_beside()
    reads = read_of(known, monkeypatch)
    assert send_beside().replaced == 20
    assert send_beside().replaced == 20
    assert list(known._known) == [job.id]  # noqa: SLF001
    assert not reads
    known.recency._put_off.clear()  # noqa: SLF001 - as after a while
    known.recency._asked[job.id] -= 10_000  # noqa: SLF001
    assert send_beside().replaced == 20
    assert job.id not in known._known  # noqa: SLF001
    assert len(known._known) == len(reads) == 1  # noqa: SLF001
    assert send(30, 20).replaced == 10
    assert send(30, 20).replaced == 20
    assert len(reads) == 1


def read_of(known: KnownKeys, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The jobs whose keys are read from now on, each time that they are."""
    reads: list[int] = []
    whole = known.read

    def read(job_id: int, reading: KeyReading) -> None:
        reads.append(job_id)
        whole(job_id, reading)

    monkeypatch.setattr(known, "read", read)
    return reads


def test_one_that_grows_out_of_the_memory_is_left_alone(
    known: KnownKeys, send: Callable[[int, int], BulkAnswer], job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(0, 20)
    send(20, 20)
    monkeypatch.setattr(known, "_memory_bytes", known._known[job.id].nbytes)  # noqa: SLF001
    reads = read_of(known, monkeypatch)
    assert send(30, 20).replaced == 10
    assert job.id not in known._known  # noqa: SLF001
    assert send(30, 20).replaced == 20
    assert not reads


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


def test_whether_keys_are_worth_reading_is_no_reason_to_refuse_any(
    known: KnownKeys, send: Callable[[int, int], BulkAnswer], job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: int) -> int:
        raise LedgerError("busy")

    send(0, 20)
    with monkeypatch.context() as patched:
        patched.setattr(known, "_versions", failing)
        assert send(10, 20).replaced == 10
    assert job.id not in known._known  # noqa: SLF001


def test_a_job_that_was_put_off_while_it_waited_for_its_turn_is_not_read(
    known: KnownKeys, send: Callable[[int, int], BulkAnswer], job: Job, workspace: Workspace
) -> None:
    send(0, 20)
    known.recency.put_off([job.id])
    workspace._knowing.put(job.id).result(60)  # noqa: SLF001
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


@pytest.mark.parametrize("what", ["add", "have"])
def test_where_there_is_no_memory_keys_are_looked_up(
    known: KnownKeys, send: Callable[[int, int], BulkAnswer], job: Job, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    send(0, 20)
    send(20, 20)

    def failing(_: KeySet, __: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(KeySet, what, failing)
        assert send(30, 20).replaced == 10
    assert job.id not in known._known  # noqa: SLF001
    assert send(30, 30).replaced == 20
    assert job.id not in known._known  # noqa: SLF001 - nor is it read again soon


def test_a_job_that_grows_takes_the_room_of_one_that_was_left_alone(
    known: KnownKeys,
    send: Callable[[int, int], BulkAnswer],
    send_beside: Callable[[], BulkAnswer],
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send_beside()
    send_beside()
    send(0, 20)
    send(20, 20)
    (other,) = known._known.keys() - {job.id}  # noqa: SLF001
    monkeypatch.setattr(known, "_memory_bytes", sum(each.nbytes for each in known._known.values()))  # noqa: SLF001
    known.recency._asked[other] -= 10_000  # noqa: SLF001
    assert send(30, 20).replaced == 10
    assert list(known._known) == [job.id]  # noqa: SLF001
    assert send(30, 20).replaced == 20


def test_of_a_server_nothing_is_kept(ledger: Ledger, send: Callable[[int, int], BulkAnswer], job: Job) -> None:
    class Server:
        is_embedded = False

    send(0, 20)
    of_server = KnownKeys(Server(), ledger._tables, 1_000_000_000)  # type: ignore[arg-type] # noqa: SLF001
    of_server.worth_knowing, of_server.many = 1, 1
    assert of_server.maybe(job.id, [1, 2, 3]) == [1, 2, 3]
    of_server.written(job.id, [4])
    assert of_server.maybe(job.id, [4, 5]) == [4, 5]


def test_the_setting_reaches_the_ledger(tmp_path: Path) -> None:
    code = [sys.executable, "-c", OPENED, str(tmp_path / "data")]
    done = subprocess.run(code, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.strip() == "123", done.stderr


def test_a_job_that_is_gone_is_forgotten(
    known: KnownKeys, send: Callable[[int, int], BulkAnswer], job: Job, workspace: Workspace
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
    known: KnownKeys, ledger: Ledger, send: Callable[[int, int], BulkAnswer], job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trueline.ledger.known_keys._AT_ONCE", 7)
    send(0, 100)
    send(90, 20)
    keys = ledger.engine.table(f"SELECT event_key FROM events_{job.id}")["event_key"]  # noqa: S608 - a number
    assert len(known._known[job.id]) == len(set(keys.to_pylist())) == 110  # noqa: SLF001
    assert len(known.maybe(job.id, keys)) == len(keys)
