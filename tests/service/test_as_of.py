"""What was known at a moment stays what it was: settled moments, writes under way, writes cut short, older stores."""

from __future__ import annotations

import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from then import metrics_then
from trueline.instants import format_instant, from_micros
from trueline.ledger.errors import LedgerError, LedgerFullError
from trueline.ledger.store import ArrivalClock
from trueline.service.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.service.as_of import Known
    from trueline.service.workspace import Workspace

LABELS = ["Drop", 'Quote\'s \\ "é/"']


@pytest.fixture
def ledger(workspace: Workspace) -> Ledger:
    return workspace._ledger  # noqa: SLF001 - writes are cut short in there


@pytest.fixture(params=["event", "bucket"])
def job(request: pytest.FixtureRequest, workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    return workspace.jobs.create(title=fresh_title(), labels=LABELS, grouping=request.param)


def send(workspace: Workspace, job: Job, *lines: dict[str, Any]) -> None:
    usual = {"bucket_id": "b", "raw_body": {"n": 1}, "decision": {"label": "Drop", "decided_at": "2025-01-01"}}
    answer = workspace.ingest.bulk(job, [json.dumps({**usual, **line}).encode() for line in lines])
    assert answer.rejected == []


def vote(workspace: Workspace, job: Job, event_id: str, label: str | None = LABELS[1], **parts: object) -> None:
    line = {"event_id": event_id, "analyst": "ana", "label": label, **parts}
    assert workspace.feedback.bulk(job, [json.dumps(line).encode()]).rejected == []


def settled(workspace: Workspace, job: Job, moment: int | None = None) -> int:
    """A moment after all there is, or another one, settled."""
    if moment is None:
        moment = workspace._ledger.clock.next()  # noqa: SLF001
    assert workspace.as_of.moment(job, format_instant(from_micros(moment))) == moment
    return moment


def events(workspace: Workspace, job: Job, as_of: int, field: str, value: object) -> int:
    """How many events had that value."""
    answer = metrics_then(workspace, job, as_of, filters=[{"field": field, "operator": "is", "value": value}])
    total: int = answer["total_events"]
    return total


def test_each_kind_of_write_leaves_the_answers_of_before_as_they_were(workspace: Workspace, job: Job) -> None:
    noted: list[tuple[int, dict[str, Any]]] = []

    def note() -> None:
        moment = settled(workspace, job)
        noted.append((moment, metrics_then(workspace, job, moment)))

    note()
    send(workspace, job, {"event_id": "a"}, {"event_id": "b"})
    note()
    workspace.ingest.decide(job, "a", label=LABELS[1])
    note()
    vote(workspace, job, "a")
    note()
    workspace.training.train(job)
    note()
    vote(workspace, job, "a", label="Drop", override=True)
    note()
    send(workspace, job, {"event_id": "a", "raw_body": {"n": 2}, "bucket_id": "c", "timestamp": "2024-01-01"})
    note()
    workspace.training.register(job, activate=False, training_set=[])
    workspace.training.register(job, training_set=[{"event_id": "b", "label": "Drop"}])
    note()
    vote(workspace, job, "a", label=None, override=True)
    vote(workspace, job, "b", label=None)
    for moment, answer in noted:
        assert metrics_then(workspace, job, moment) == answer
    for before, after in itertools.pairwise(noted):
        assert before[1] != after[1]
    assert noted[-1][1]["active_model_id"] != noted[-2][1]["active_model_id"]


def test_an_event_is_as_it_was_sent_last_until_then(workspace: Workspace, job: Job) -> None:
    moments = []
    for number in range(4):
        send(workspace, job, {"event_id": "a", "raw_body": {"n": number, f"only_{number}": "x"}})
        moments.append(settled(workspace, job))
        workspace.ingest.decide(job, "a", label="Drop", confidence=float(number))
    for number, moment in enumerate(moments):
        assert [events(workspace, job, moment, "n", each) for each in range(4)] == [
            int(each == number) for each in range(4)
        ]
        assert events(workspace, job, moment, f"only_{number}", "x") == 1
        assert events(workspace, job, moment, "arcanna.confidence_score", number) == 0


def test_what_only_arrived_later_is_not_known(workspace: Workspace, job: Job) -> None:
    """However old it says it is: what counts is when it arrived."""
    send(workspace, job, {"event_id": "a"})
    moment = settled(workspace, job)
    send(workspace, job, {"event_id": "b", "timestamp": "2000-01-01"})
    vote(workspace, job, "a", at="2000-01-01")
    workspace.ingest.decide(job, "a", label=LABELS[1], decided_at="2024-12-31T00:00:00Z")
    workspace.training.register(job, trained_at="2001-01-01")
    answer = metrics_then(workspace, job, moment)
    assert (answer["total_events"], answer["total_events_with_consensus"]) == (1, 0)
    assert (answer["active_model_id"], answer["all_model_ids"]) == (None, [])
    assert events(workspace, job, moment, "arcanna.previous_result", "class_1") == 0


def test_a_moment_in_the_middle_of_a_request_is_answered_alike_for_ever(workspace: Workspace, job: Job) -> None:
    """Events, votes and decisions of one request arrive one microsecond after the other."""
    votes = [{"analyst": "ana", "label": LABELS[1]}, {"analyst": "ben", "label": "Drop"}]
    send(workspace, job, *({"event_id": each, "bucket_id": each, "votes": votes} for each in "aab"))
    ((first, last),) = workspace._ledger.engine.rows(  # noqa: SLF001
        "SELECT toUnixTimestamp64Micro(min(recorded_at)), toUnixTimestamp64Micro(max(recorded_at)) FROM votes"
        " WHERE job_id = {job:UInt64}",
        {"job": job.id},
    )
    moments = range(first - 1, last + 3)
    answers = [metrics_then(workspace, job, moment) for moment in moments]
    assert answers[0]["total_events"] == 0
    assert answers[-1]["total_events"] == 2
    for each in "ab":
        vote(workspace, job, each, label="Drop")
    send(workspace, job, {"event_id": "a", "raw_body": {"n": 7}})
    assert [metrics_then(workspace, job, moment) for moment in moments] == answers


def test_votes_are_weighed_by_the_rule_as_it_is_now(workspace: Workspace, job: Job) -> None:
    send(workspace, job, {"event_id": "a"})
    vote(workspace, job, "a")
    moment = settled(workspace, job)
    vote(workspace, job, "a", label="Drop")
    assert events(workspace, job, moment, "arcanna.consensus", LABELS[1]) == 1
    job = workspace.jobs.change(job.id, min_votes=2)
    assert events(workspace, job, moment, "arcanna.consensus", "Undecided") == 1


def test_a_moment_to_come_is_refused_and_so_is_what_is_none(workspace: Workspace, job: Job) -> None:
    later = format_instant(datetime.now(UTC) + timedelta(seconds=30))
    with pytest.raises(InvalidRequestError, match="still to come") as refused:
        workspace.as_of.moment(job, later)
    assert refused.value.location == ("body", "as_of")
    with pytest.raises(InvalidRequestError, match="as_of"):
        workspace.as_of.moment(job, "yesterday")


def test_of_a_job_from_before_only_moments_since_are_answered(workspace: Workspace, job: Job, ledger: Ledger) -> None:
    """What its events were before they were sent again is not there."""
    since = ledger.kept_since
    try:
        ledger.kept_since = job.created_at + timedelta(microseconds=1)
        with pytest.raises(InvalidRequestError, match="is kept since"):
            workspace.as_of.moment(job, format_instant(job.created_at))
    finally:
        ledger.kept_since = since
    assert workspace.as_of.moment(job, "2020-01-01")


def test_nothing_arrives_up_to_a_moment_that_was_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the wall clock is set back."""
    clock = ArrivalClock(0)
    now = 1_000
    monkeypatch.setattr("time.time_ns", lambda: now * 1_000)
    assert not clock.pass_by(1_001)
    assert clock.pass_by(1_000)
    assert clock.next() == 1_001
    assert clock.pass_by(1_001)
    now = 500
    assert clock.next() == 1_002
    assert not clock.pass_by(1_003)


def test_a_moment_waits_for_a_write_that_began_before_it(workspace: Workspace, job: Job) -> None:
    send(workspace, job, {"event_id": "a"})
    writing = workspace._writing  # noqa: SLF001
    held, go_on = threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as threads:

        def write() -> None:
            with writing.on(job.id):
                held.set()
                assert go_on.wait(30)

        before = settled(workspace, job)
        writer = threads.submit(write)
        assert held.wait(30)
        # one that is before all that the write may bring does not wait for it
        assert workspace.as_of.moment(job, format_instant(from_micros(before))) == before
        arrival = workspace._ledger.clock.next()  # noqa: SLF001
        reader = threads.submit(workspace.as_of.moment, job, format_instant(from_micros(arrival)))
        with pytest.raises(TimeoutError):
            reader.result(0.3)
        go_on.set()
        assert reader.result(30) == arrival
        writer.result(30)


def test_a_question_met_by_a_write_is_asked_again(workspace: Workspace, job: Job) -> None:
    """Here after the ledger was asked, so that the first answer is of two moments."""
    send(workspace, job, {"event_id": "a"})
    moment = settled(workspace, job)
    asked: list[int | None] = []

    def question(known: Known) -> int:
        asked.append(known.as_of)
        if len(asked) == 1:
            with ThreadPoolExecutor(1) as other:
                other.submit(send, workspace, job, {"event_id": "a", "raw_body": {"n": 2}}).result(30)
        return len(asked)

    assert workspace.as_of.ask(job, moment, question) == 2
    assert asked == [moment, moment]
    assert workspace.as_of.ask(job, moment, question) == 3


def test_an_event_whose_replacement_was_cut_short_counts_once(
    workspace: Workspace, job: Job, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(workspace, job, {"event_id": "a"})
    first = settled(workspace, job)
    with monkeypatch.context() as patched:

        def fail(*_: object) -> None:
            raise LedgerError("cut short")

        patched.setattr(ledger.events, "_insert", fail)
        with pytest.raises(LedgerError):
            send(workspace, job, {"event_id": "a", "raw_body": {"n": 2}})
    second = settled(workspace, job)
    assert ledger.events.last_arrival() > first  # the arrival that was spent is not given again
    for number, moments in ((3, [first, second]), (4, [first, second])):
        send(workspace, job, {"event_id": "a", "raw_body": {"n": number}})
        for moment in moments:
            assert metrics_then(workspace, job, moment)["total_events"] == 1
            assert events(workspace, job, moment, "n", 1) == 1


def test_a_moment_of_which_votes_are_not_weighed_yet_is_answered_when_they_are(
    workspace: Workspace, job: Job, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk that waits, and questions of now do not; but then they would be told otherwise later."""
    send(workspace, job, {"event_id": "a"})
    first = settled(workspace, job)
    with monkeypatch.context() as patched:

        def fail(*_: object) -> None:
            raise LedgerFullError

        patched.setattr(ledger.votes, "write_consensus", fail)
        with pytest.raises(LedgerFullError):
            vote(workspace, job, "a")
        assert settled(workspace, job, first) == first
        assert events(workspace, job, first, "arcanna.consensus", LABELS[1]) == 0
        with pytest.raises(LedgerFullError):
            settled(workspace, job)
    second = settled(workspace, job)
    assert events(workspace, job, first, "arcanna.consensus", LABELS[1]) == 0
    assert events(workspace, job, second, "arcanna.consensus", LABELS[1]) == 1


def test_the_very_same_sent_again_and_a_decision_keep_no_row(workspace: Workspace, job: Job, ledger: Ledger) -> None:
    send(workspace, job, {"event_id": "a", "timestamp": "2025-01-01"})
    send(workspace, job, {"event_id": "a", "timestamp": "2025-01-01"})
    workspace.ingest.decide(job, "a", label=LABELS[1])
    assert ledger._tables.of(job.id).replaced is None  # noqa: SLF001
