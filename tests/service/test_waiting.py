"""Requests that wait for the same job are written together, and each is answered as if it had come alone."""

from __future__ import annotations

import gc
import json
import random
import threading
import time
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from trueline.ledger.errors import LedgerError
from trueline.service import waiting
from trueline.service.errors import JobNotFoundError, TooMuchWaitingError
from trueline.service.lines import EventLine, Rejected
from trueline.service.prepared import PreparedEvents
from trueline.service.waiting import WaitingEvents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.service.lines import BulkAnswer
    from trueline.service.workspace import Workspace

LABELS = ["Drop", "Investigate", "Escalate"]
SECONDS = 30


@pytest.fixture
def ledger(workspace: Workspace) -> Ledger:
    return workspace._ledger  # noqa: SLF001


@pytest.fixture
def job(workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    return workspace.jobs.create(title=fresh_title(), labels=LABELS)


@pytest.fixture
def sizes(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of rows of each insert of events, as they come."""
    seen: list[int] = []
    insert = ledger.engine.insert

    def noting(table: str, rows: pa.Table) -> None:
        if table.startswith("events"):
            seen.append(rows.num_rows)
        insert(table, rows)

    monkeypatch.setattr(ledger.engine, "insert", noting)
    return seen


def line(name: str, label: str | None = "Drop", **more: Any) -> bytes:  # noqa: ANN401 - any JSON
    decision = {} if label is None else {"decision": {"label": label, "decided_at": "2025-01-01"}}
    return json.dumps({"event_id": name, "raw_body": {}} | decision | more).encode()


def put_while_held(workspace: Workspace, job: Job, requests: Sequence[Sequence[bytes]]) -> list[Future[BulkAnswer]]:
    """Put requests while somebody else writes to the job, so that all of them wait; they are over when it returns."""
    with workspace._writing.on(job.id):  # noqa: SLF001
        put = [workspace.ingest.put(workspace.ingest.prepare(job, request)) for request in requests]
        assert not any(each.done() for each in put if each is not None)
    wait_for(put, SECONDS)
    return put


def test_requests_that_wait_are_one_insert_and_each_has_its_own_answer(
    workspace: Workspace, job: Job, sizes: list[int]
) -> None:
    workspace.ingest.bulk(job, [line("old")])
    sizes.clear()
    first, second, third = put_while_held(
        workspace, job, [[line("a"), b"{", line("b")], [line("c"), line("d", None)], [b"", b"[]", line("e")]]
    )
    assert sizes == [5]
    assert (first.result().accepted, second.result().accepted, third.result().accepted) == (2, 2, 1)
    assert [each.line for each in first.result().rejected] == [2]
    assert second.result().rejected == []
    assert [each.line for each in third.result().rejected] == [2]
    arrivals = [at for each in (first, second, third) for at in each.result().arrived_at]
    assert len(set(arrivals)) == 5
    assert sorted(arrivals) == arrivals
    assert workspace.metrics.job(job.id)["total_events"] == 5


def test_an_event_in_two_requests_is_replaced_by_the_later(workspace: Workspace, job: Job, ledger: Ledger) -> None:
    first, second = put_while_held(
        workspace,
        job,
        [
            [line("a", "Drop", raw_body={"v": 1}), line("b")],
            [line("a", "Escalate", raw_body={"v": 2}, votes=[{"analyst": "ana", "label": "Drop"}])],
        ],
    )
    assert (first.result().accepted, first.result().replaced) == (2, 0)
    assert (second.result().accepted, second.result().replaced) == (1, 1)
    assert second.result().arrived_at == first.result().arrived_at[:1]
    only = [{"field": "v", "operator": "is", "value": 2}]
    assert workspace.metrics.job(job.id, filters=only)["confusion_matrix"] == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert workspace.metrics.job(job.id)["total_events"] == 2
    standing = ledger.events.standing(job.id, [ledger.keys.event("a")])
    assert [each.label for each in standing.versions[ledger.keys.event("a")].decisions] == ["Drop", "Escalate"]


def test_a_key_shared_by_chance_is_rejected_in_the_request_that_brings_it(
    workspace: Workspace, job: Job, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(ledger.keys), "event", lambda *_: 7)
    first, second = put_while_held(workspace, job, [[line("a")], [b"", line("b")]])
    assert (first.result().accepted, first.result().rejected) == (1, [])
    (rejected,) = second.result().rejected
    assert (second.result().accepted, rejected.line) == (0, 2)


def test_events_that_come_alone_are_laid_out_with_the_others(workspace: Workspace, job: Job, sizes: list[int]) -> None:
    with workspace._writing.on(job.id):  # noqa: SLF001
        put: list[Future[BulkAnswer]] = []
        for number in range(6):
            if number % 3:
                said = EventLine(json.dumps({"n": number}).encode(), f"alone {number}")  # type: ignore[arg-type]
                put.append(workspace.ingest.put(workspace.ingest.read(job, said)))
            else:
                lines = [line(f"bulk {number}"), line(f"bulk {number}, next")]
                put.append(workspace.ingest.put(workspace.ingest.prepare(job, lines)))
    assert [each.result(SECONDS).accepted for each in put] == [2, 1, 1, 2, 1, 1]
    assert sizes == [8]
    for number in (1, 2, 4, 5):
        assert bytes(workspace.events.export(job, f"alone {number}")["arcanna_event"]) == b'{"n": %d}' % number


def test_a_failure_is_told_to_those_in_it_and_the_next_write_heals(
    workspace: Workspace, job: Job, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_EVENTS", 4)
    workspace.ingest.bulk(job, [line("old")])
    assert workspace.metrics.job(job.id)["total_events"] == 1
    insert = ledger.engine.insert
    failures = iter([LedgerError("cut short")])

    def failing(table: str, rows: pa.Table) -> None:
        if table.startswith("events") and (error := next(failures, None)) is not None:
            raise error
        insert(table, rows)

    monkeypatch.setattr(ledger.engine, "insert", failing)
    voted = line("b", votes=[{"analyst": "ana", "label": "Escalate"}])
    put = put_while_held(workspace, job, [[line("a"), voted], [line("c")], [line("d"), line("e")]])
    assert [type(each.exception()) for each in put] == [LedgerError, LedgerError, type(None)]
    assert put[2].result().accepted == 2
    assert workspace.metrics.job(job.id)["total_events"] == 3
    # the vote is on record, so the event that it came with has its consensus once it is there
    assert workspace.ingest.bulk(job, [line("a"), voted, line("c")]).replaced == 0
    metrics = workspace.metrics.job(job.id)
    assert (metrics["total_events"], metrics["confusion_matrix"][2][0]) == (6, 1)


def test_what_was_sent_is_let_go_of_once_it_is_refused(
    workspace: Workspace, job: Job, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sent(PreparedEvents):
        """One that can be watched."""

    def failing(_: str, __: pa.Table) -> None:
        raise LedgerError("no room")

    workspace.ingest.bulk(job, [line("a")])
    events = workspace.ingest._waiting  # noqa: SLF001
    one = workspace.ingest.prepare(job, [line("b")])
    gc.disable()
    try:
        with monkeypatch.context() as patched:
            patched.setattr(ledger.engine, "insert", failing)
            sent = Sent(**{name: getattr(one, name) for name in one.__slots__})
            watched = weakref.ref(sent)
            answer = events.put(sent)
            del sent
            assert isinstance(answer.exception(SECONDS), LedgerError)
        del answer
        workspace.ingest.bulk(job, [line("b")])  # so that the thread has let go of it
        assert watched() is None
    finally:
        gc.enable()


def test_a_job_that_cannot_be_held_is_told_to_everyone_who_waits(
    workspace: Workspace, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(workspace._catalog, "job_by_id", lambda _: None)  # noqa: SLF001
        with pytest.raises(JobNotFoundError):
            workspace.ingest.bulk(job, [line("a")])
    assert workspace.ingest.bulk(job, [line("a")]).accepted == 1


def test_as_many_are_written_together_as_the_bound_allows(
    workspace: Workspace, job: Job, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_EVENTS", 5)
    requests = [[line(f"{place} {number}") for number in range(size)] for place, size in enumerate([3, 2, 7, 1, 4, 1])]
    put = put_while_held(workspace, job, requests)
    assert [each.result().accepted for each in put] == [3, 2, 7, 1, 4, 1]
    assert sizes == [5, 7, 5, 1]


def test_who_has_given_up_is_passed_over(workspace: Workspace, job: Job) -> None:
    with workspace._writing.on(job.id):  # noqa: SLF001
        put = [workspace.ingest.put(workspace.ingest.prepare(job, [line(name)])) for name in "abc"]
        assert put[1].cancel()
    assert [put[0].result(SECONDS).accepted, put[2].result(SECONDS).accepted] == [1, 1]
    assert workspace.metrics.job(job.id)["total_events"] == 2


def test_where_nothing_is_to_be_written_nobody_waits(workspace: Workspace, job: Job) -> None:
    with workspace._writing.on(job.id):  # noqa: SLF001
        answer = workspace.ingest.put(workspace.ingest.prepare(job, [b"{", b""])).result(0)
    assert answer.rejected == [Rejected(1, "Input data was truncated")]


def test_closing_writes_what_waits(workspace: Workspace, job: Job, ledger: Ledger) -> None:
    queue = WaitingEvents(ledger, workspace._writing)  # noqa: SLF001
    with ThreadPoolExecutor(1) as other:
        with workspace._writing.on(job.id):  # noqa: SLF001
            put = [queue.put(workspace.ingest.prepare(job, [line(name)])) for name in "abc"]
            closed = other.submit(queue.close)
            assert not closed.done()
        closed.result(SECONDS)
    assert all(each.done() for each in put)
    assert workspace.metrics.job(job.id)["total_events"] == 3


def test_more_than_may_wait_for_a_job_is_refused_and_other_jobs_take_it(
    workspace: Workspace, job: Job, ledger: Ledger, fresh_title: Callable[[], str]
) -> None:
    other = workspace.jobs.create(title=fresh_title(), labels=LABELS)
    prepared = [workspace.ingest.prepare(job, [line(name)]) for name in "abcd"]
    queue = WaitingEvents(ledger, workspace._writing, most_bytes=2 * prepared[0].memory)  # noqa: SLF001
    with workspace._writing.on(job.id):  # noqa: SLF001
        put = [queue.put(each) for each in prepared[:2]]
        with pytest.raises(TooMuchWaitingError, match="can be written: try again later") as refused:
            queue.put(prepared[2])
        assert refused.value.seconds == 1
        elsewhere = queue.put(workspace.ingest.prepare(other, [line("e")]))
        assert elsewhere.result(SECONDS).accepted == 1
    wait_for(put, SECONDS)
    assert queue.put(prepared[3]).result(SECONDS).accepted == 1
    queue.close()
    assert workspace.metrics.job(job.id)["total_events"] == 3


def test_who_finds_nobody_waiting_is_taken_however_much_it_is(workspace: Workspace, job: Job, ledger: Ledger) -> None:
    queue = WaitingEvents(ledger, workspace._writing, most_bytes=1)  # noqa: SLF001
    assert queue.put(workspace.ingest.prepare(job, [line("a"), line("b")])).result(SECONDS).accepted == 2
    queue.close()


def test_how_long_what_waits_will_take_follows_from_the_last_batch() -> None:
    lock = threading.Lock()
    queue = waiting._Queue(lock)  # noqa: SLF001
    with lock:
        queue.memory = 10_000
        assert queue.seconds() == 1
        queue.expect(1, 2.0, 2_000)
        assert queue.seconds() == 10
        queue.memory = 10_000_000
        assert queue.seconds() == waiting.LONGEST_WAIT


@pytest.mark.parametrize(
    ("answered", "left", "gathered"), [(1, 0, 0), (2, 0, 2), (4, 0, 4), (3, 2, 5), (1, 1, 2), (30, 2, 32)]
)
def test_a_writer_expects_those_there_are_to_send_again(
    answered: int, left: int, gathered: int, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_PATIENCE", SECONDS)
    lock = threading.Lock()
    queue = waiting._Queue(lock)  # noqa: SLF001
    request = waiting._Waiting(PreparedEvents(job, pa.table({}), pa.table({}), []))  # noqa: SLF001
    queue.requests.extend([request] * left)

    def arrive() -> None:
        while len(queue.requests) < gathered:
            with lock:
                queue.add(request)

    with ThreadPoolExecutor(1) as other, lock:
        assert queue.expect(answered, SECONDS) is (gathered > 0)
        arriving = other.submit(arrive)
        queue.gather()
        assert len(queue.requests) == max(gathered, left)
    arriving.result()


def test_a_writer_waits_for_no_more_events_than_it_writes_at_once(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOST_PATIENCE", SECONDS)
    monkeypatch.setattr(waiting, "MOST_EVENTS", 3)
    lock = threading.Lock()
    queue = waiting._Queue(lock)  # noqa: SLF001
    bulk = waiting._Waiting(PreparedEvents(job, pa.table({"line": [1, 2, 3]}), pa.table({}), []))  # noqa: SLF001
    with lock:
        queue.add(bulk)
        assert queue.expect(1, SECONDS)
        began = time.monotonic()
        queue.gather()
        assert time.monotonic() - began < SECONDS / 2
        queue.next()
        queue.expect(1, SECONDS)
        assert not queue._are_enough() or not queue.requests  # noqa: SLF001 - what is taken waits no more


@pytest.mark.parametrize(("took", "waits"), [(0.02, 0.02), (60.0, waiting.MOST_PATIENCE)])
def test_a_writer_has_no_more_patience_than_the_last_batch_took_and_never_much(took: float, waits: float) -> None:
    lock = threading.Lock()
    queue = waiting._Queue(lock)  # noqa: SLF001
    with lock:
        assert queue.expect(32, took)
        began = time.monotonic()
        queue.gather()
    assert 0.9 * waits < time.monotonic() - began < SECONDS
    assert not queue.requests


@pytest.mark.parametrize("grouping", ["event", "bucket"])
def test_together_they_come_to_what_they_come_to_one_after_the_other(
    grouping: str, workspace: Workspace, fresh_title: Callable[[], str]
) -> None:
    choose = random.Random(f"together {grouping}")  # noqa: S311 - test data
    alone, together = (
        workspace.jobs.create(title=fresh_title(), labels=LABELS, grouping=grouping, min_votes=2) for _ in range(2)
    )
    questions = questions_of(grouping)
    for turn in range(12):
        requests = [list(random_lines(choose)) for _ in range(choose.randint(1, 6))]
        expected = [workspace.ingest.bulk(alone, request) for request in requests]
        put = put_while_held(workspace, together, requests)
        for told, each in zip(expected, put, strict=True):
            got = each.result()
            assert (got.accepted, got.replaced, got.rejected) == (told.accepted, told.replaced, told.rejected)
        asked = questions if turn == 11 else [[], *choose.sample(questions, 6)]
        for filters in asked:
            assert workspace.metrics.job(together.id, filters=filters) == workspace.metrics.job(
                alone.id, filters=filters
            )


def random_lines(choose: random.Random) -> Iterator[bytes]:
    for _ in range(choose.randint(1, 3)):
        more: dict[str, Any] = {
            "bucket_id": choose.choice("xyz"),
            "timestamp": f"2025-01-0{choose.randint(1, 3)}",
            "raw_body": {"v": choose.randint(1, 3)},
        }
        if choose.random() < 0.5:
            given = {"analyst": choose.choice("abc"), "label": choose.choice([*LABELS, None])}
            more["votes"] = [given | {"at": f"2025-02-0{choose.randint(1, 9)}"}] * choose.randint(1, 2)
        if choose.random() < 0.8:
            decided_at = f"2025-01-0{choose.randint(1, 9)}"
            more["decision"] = {"label": choose.choice(LABELS), "decided_at": decided_at}
        yield line(choose.choice("abcdefgh"), None, **more)


def questions_of(grouping: str) -> list[list[dict[str, Any]]]:
    """The filters of all that can be asked of a job which does not depend on when something arrived."""
    filters: list[list[dict[str, Any]]] = [[]]
    filters += [[{"field": "arcanna.original_id", "operator": "is", "value": name}] for name in "abcdefgh"]
    filters += [[{"field": "arcanna.consensus", "operator": "is", "value": each}] for each in [*LABELS, "Undecided"]]
    filters += [[{"field": "arcanna.previous_result", "operator": "is", "value": f"class_{n}"}] for n in range(3)]
    filters += [[{"field": "v", "operator": "is", "value": n}] for n in (1, 2, 3)]
    if grouping == "bucket":
        filters += [[{"field": "arcanna.bucket_id", "operator": "is", "value": each}] for each in "xyz"]
    return filters


def test_many_threads_at_once_lose_nothing(workspace: Workspace, job: Job) -> None:
    """32 threads send single events, some of them the same, while another asks: what is answered is counted."""
    stop = threading.Event()
    totals: list[int] = []

    def ask() -> None:
        while not stop.is_set():
            totals.append(workspace.metrics.job(job.id)["total_events"])

    def send(thread: int) -> int:
        replaced = 0
        for number in range(15):
            # every third event is sent by two threads
            name = f"shared {thread // 2} {number}" if number % 3 == 0 else f"{thread} {number}"
            answer = workspace.ingest.bulk(job, [line(name)])
            assert answer.accepted == 1
            replaced += answer.replaced
            found = [{"field": "arcanna.original_id", "operator": "is", "value": name}]
            if number % 5 == 0:
                assert workspace.metrics.job(job.id, filters=found)["total_events"] == 1
        return replaced

    with ThreadPoolExecutor(33) as threads:
        asking = threads.submit(ask)
        replaced = sum(threads.map(send, range(32)))
        stop.set()
        asking.result()
    assert replaced == 16 * 5
    assert workspace.metrics.job(job.id)["total_events"] == 32 * 15 - replaced
    assert totals == sorted(totals)
