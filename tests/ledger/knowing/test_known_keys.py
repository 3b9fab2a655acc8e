"""What is known in memory of a job's event keys spares the engine, and changes no answer."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ledger.knowing.sending import events
from trueline.ledger.errors import LedgerError
from trueline.ledger.key_set import KeySet
from trueline.ledger.known_keys import KeyReading, KnownKeys

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable
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
