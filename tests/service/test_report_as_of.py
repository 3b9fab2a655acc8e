"""The report as of a moment: the same bytes, whatever has come since."""

from __future__ import annotations

import contextlib
import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from reviewed_jobs import LABELS, ReviewedJob, reviewed_job
from trueline.service.errors import InvalidRequestError
from trueline.service.telling import Further, Telling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trueline.catalog.records import Job
    from trueline.service.workspace import Workspace


@pytest.fixture(params=["event", "bucket"])
def made(workspace: Workspace, fresh_title: Callable[[], str], request: pytest.FixtureRequest) -> ReviewedJob:
    return reviewed_job(workspace, fresh_title, 11, request.param)


def told(workspace: Workspace, made: ReviewedJob, as_of: str | None, **how: Any) -> bytes:  # noqa: ANN401
    telling = Telling(interval="1d", group_by="host", also=tuple(Further), as_of=as_of, **how)
    return msgspec.json.encode(workspace.reports.of(made.job, telling=telling))


def send(workspace: Workspace, made: ReviewedJob, what: str, *lines: dict[str, Any]) -> None:
    packed = [json.dumps(line).encode() for line in lines]
    taken = (workspace.ingest if what == "events" else workspace.feedback).bulk(made.job, packed)
    assert taken.accepted == len(lines), taken.rejected


def test_what_came_since_changes_not_a_byte(workspace: Workspace, made: ReviewedJob) -> None:
    workspace.audits.draw(made.job, LABELS[0], 2, "before")
    now = told(workspace, made, None)
    as_of = datetime.now(UTC).isoformat()
    then = told(workspace, made, as_of)
    alike, were = msgspec.json.decode(then), msgspec.json.decode(now)
    for body in (alike, were):
        del body["digest"], body["as_of"]
    assert alike == were
    time.sleep(0.01)

    known = sorted({sent.event_id for sent in made.oracle.sent})
    decided = {"label": LABELS[-1], "confidence": 99, "model_id": "later"}
    bucket = {"bucket_id": "another"} if made.job.grouping == "bucket" else {}
    send(
        workspace,
        made,
        "events",
        *(
            {"event_id": each, "timestamp": "2025-03-30T12:00:00Z", "raw_body": {"host": "new"}, **bucket}
            for each in known[:5]
        ),
        *({"event_id": each, "raw_body": {}, "decision": decided, **bucket} for each in (*known[5:8], "new")),
    )
    send(
        workspace,
        made,
        "votes",
        *(
            {"event_id": each, "analyst": analyst, "label": LABELS[0], "review_probability": 0.5}
            for each in known[3:9]
            for analyst in ("ana", "somebody else")
        ),
    )
    workspace.audits.draw(made.job, LABELS[0], 3, "after")
    workspace.training.register(made.job)
    assert told(workspace, made, None) != now
    assert told(workspace, made, as_of) == then


def test_a_moment_to_come_is_refused(workspace: Workspace, made: ReviewedJob) -> None:
    with pytest.raises(InvalidRequestError, match="still to come"):
        told(workspace, made, (datetime.now(UTC) + timedelta(hours=1)).isoformat())
    with pytest.raises(InvalidRequestError, match="as_of"):
        told(workspace, made, "then")


def test_a_draw_that_waits_for_its_turn_arrives_when_that_has_come(
    workspace: Workspace, made: ReviewedJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does behind another write, or while a backup holds all of them up: nothing of it is under way then."""
    writing = workspace._writing  # noqa: SLF001 - something is asked before a write has its turn
    on = writing.on
    decided = workspace.audits.plan(made.job, 0.5)["decisions"][0]
    asked: list[tuple[str, dict[str, Any]]] = []

    def told(as_of: str) -> dict[str, Any]:
        return workspace.reports.of(made.job, telling=Telling(as_of=as_of))

    @contextlib.contextmanager
    def waited_for(job_id: int) -> Iterator[Job]:
        as_of = datetime.now(UTC).isoformat()
        asked.append((as_of, told(as_of)))
        with on(job_id) as job:
            yield job

    with monkeypatch.context() as patched:
        patched.setattr(writing, "on", waited_for)
        # all but one, so that some were reviewed
        workspace.audits.draw(made.job, decided["decision"], decided["population"] - 1, "late")
    ((as_of, then),) = asked
    assert told(as_of) == then
    assert told(datetime.now(UTC).isoformat())["partly_reviewed"] != then["partly_reviewed"]
