"""Audits: subjects drawn in the engine as the pure function draws them, put on record once, and told with reviews."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from trueline.metrics.audit import draw
from trueline.service.audits import Audits, AuditWindow, draw_name
from trueline.service.errors import DrawNotFoundError, InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.ledger.audits import Drawn
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace

EVENTS = 120
BUCKETS = 50


@pytest.fixture
def ledger(workspace: Workspace) -> Ledger:
    return workspace._ledger  # noqa: SLF001 - what is on record is looked at


@pytest.fixture
def audits(workspace: Workspace) -> Audits:
    return workspace.audits


@pytest.fixture(params=["event", "bucket"])
def job(request: pytest.FixtureRequest, workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    """Two in three events are decided Drop, so most buckets have both; some had been decided otherwise, some wait."""
    job = workspace.jobs.create(title=fresh_title(), labels=["Drop", "Escalate"], grouping=request.param)
    send(workspace, job, *(line(number, "Escalate") for number in range(0, EVENTS, 7)))
    send(workspace, job, *(line(number, decision(number), again=number) for number in range(EVENTS)))
    send(workspace, job, *(line(number, None) for number in range(EVENTS, EVENTS + 10)))
    return job


def decision(number: int) -> str:
    return "Drop" if number % 3 else "Escalate"


def line(number: int, label: str | None, **document: object) -> bytes:
    said: dict[str, Any] = {} if label is None else {"decision": {"label": label}}
    moment = f"2025-01-{1 + number % 28:02}T00:00:00Z"
    bucket = f"bucket {number % BUCKETS}"
    return json.dumps(
        {"event_id": f"é{number}", "bucket_id": bucket, "timestamp": moment, "raw_body": {"n": number} | document}
        | said
    ).encode()


def send(workspace: Workspace, job: Job, *lines: bytes) -> None:
    assert not workspace.ingest.bulk(job, lines).rejected


def names(job: Job, label: str, among: range = range(EVENTS)) -> list[str]:
    """The ids that a draw is from."""
    numbers = [number for number in among if decision(number) == label]
    return sorted({f"bucket {number % BUCKETS}" if job.grouping == "bucket" else f"é{number}" for number in numbers})


def vote(workspace: Workspace, job: Job, name: str, label: str | None, **said: object) -> None:
    place = "bucket_id" if job.grouping == "bucket" else "event_id"
    raw = json.dumps({place: name, "analyst": "ana", "label": label} | said).encode()
    assert not workspace.feedback.bulk(job, [raw]).rejected


def ids(body: dict[str, Any]) -> list[str]:
    return [each["id"] for each in body["drawn"]]


def on_record(ledger: Ledger, job: Job) -> int:
    found = ledger.engine.rows("SELECT count() FROM audit_draws WHERE job_id = {job:UInt64}", {"job": job.id})
    return int(found[0][0])


@pytest.mark.parametrize("size", [1, 7, 20])
def test_the_engine_draws_what_the_pure_function_draws(audits: Audits, ledger: Ledger, job: Job, size: int) -> None:
    body = audits.draw(job, "Drop", size, "week 48")
    known = ledger.audits.read(job.id, body["draw_id"])
    assert known is not None
    pure = draw(names(job, "Drop"), size, known.request.encode())
    assert tuple(ids(body)) == pure.ids
    assert body["probability"] == pure.probability == known.probability
    assert body["population"] == len(names(job, "Drop"))
    assert draw_name(known.request.encode())[0] == body["draw_id"]


def test_a_window_and_filters_narrow_what_is_drawn_from(audits: Audits, job: Job) -> None:
    window = AuditWindow("2025-01-01", "2025-01-05", [{"field": "n", "operator": "lt", "value": 60}])
    among = [number for number in range(60) if number % 28 < 5]
    expected = {name for number in among for name in names(job, "Escalate", range(number, number + 1))}
    body = audits.draw(job, "Escalate", len(expected), "all", window)
    assert set(ids(body)) == expected
    assert body["probability"] == 1
    assert (body["start_time"], body["end_time"]) == ("2025-01-01T00:00:00Z", "2025-01-06T00:00:00Z")


def test_a_filter_on_states_narrows_too(audits: Audits, workspace: Workspace, job: Job) -> None:
    reviewed = names(job, "Drop")[3]
    vote(workspace, job, reviewed, "Drop")
    unreviewed = AuditWindow(filters=[{"field": "arcanna.consensus", "operator": "not exists"}])
    everyone = len(names(job, "Drop"))
    body = audits.draw(job, "Drop", everyone - 1, "rest", unreviewed)
    assert body["population"] == everyone - 1
    assert reviewed not in ids(body)
    assert reviewed in ids(audits.draw(job, "Drop", everyone, "all"))


def test_the_same_request_again_changes_nothing_whatever_came_since(
    audits: Audits, workspace: Workspace, ledger: Ledger, job: Job
) -> None:
    window = AuditWindow("2025-01-01", None, [])
    first = audits.draw(job, "Drop", 7, "s", window)
    send(workspace, job, *(line(number, "Drop") for number in range(1000, 1200)))
    assert audits.draw(job, "Drop", 7, "s", window) == first
    assert audits.draw(job, "Drop", 7, "s", AuditWindow("2025-01-01T01:00+0100")) == first
    assert audits.drawn(job, first["draw_id"]) == first
    assert on_record(ledger, job) == 7
    for other in (
        audits.draw(job, "Drop", 8, "s", window),
        audits.draw(job, "Drop", 7, "t", window),
        audits.draw(job, "Drop", 7, "s"),
        audits.draw(job, "Escalate", 7, "s", window),
    ):
        assert other["draw_id"] != first["draw_id"]
    assert on_record(ledger, job) == 7 + 8 + 7 + 7 + 7


def test_a_draw_tells_what_of_it_is_reviewed_by_now(audits: Audits, workspace: Workspace, job: Job) -> None:
    body = audits.draw(job, "Drop", 5, "s")
    assert (body["reviewed"], body["undecided"], body["wrong"]) == (0, 0, 0)
    right, wrong, undecided, withdrawn, _ = ids(body)
    vote(workspace, job, right, "Drop")
    vote(workspace, job, wrong, "Escalate")
    vote(workspace, job, undecided, "Drop")
    vote(workspace, job, undecided, "Escalate", analyst="ben")
    vote(workspace, job, withdrawn, "Drop")
    vote(workspace, job, withdrawn, None)
    body = audits.drawn(job, body["draw_id"])
    assert (body["reviewed"], body["undecided"], body["wrong"]) == (2, 1, 1)
    assert [each["consensus"] for each in body["drawn"]] == ["Drop", "Escalate", "Undecided", None, None]


def test_a_plan_is_shaped_by_reviews_by_chance_alone(audits: Audits, workspace: Workspace, job: Job) -> None:
    drawn = ids(audits.draw(job, "Drop", 4, "s"))
    others = [name for name in names(job, "Drop") if name not in drawn]
    vote(workspace, job, drawn[0], "Escalate")
    vote(workspace, job, drawn[1], "Drop")
    vote(workspace, job, others[0], "Escalate", review_reason="complaint")
    vote(workspace, job, others[1], "Drop", review_probability=0.2)
    body = audits.plan(job, 0.4, 0.9)
    seen = {each["decision"]: (each["population"], each["reviewed"], each["wrong"]) for each in body["decisions"]}
    assert seen["Drop"] == (len(names(job, "Drop")), 3, 1)
    assert seen["Escalate"][0] == len(names(job, "Escalate"))
    assert body["drawn_are"] == f"{job.grouping}s"
    of_drop = body["decisions"][0]
    assert 0 < of_drop["review"] < of_drop["population"]
    nothing = audits.plan(job, 0.4, window=AuditWindow("2030-01-01"))["decisions"]
    assert [(each["population"], each["review"], each["reason"]) for each in nothing] == [(0, 0, "there are none")] * 2


def test_a_subject_of_several_draws_has_the_chance_to_be_in_any(audits: Audits, ledger: Ledger, job: Job) -> None:
    drawn = [audits.draw(job, "Drop", 9, seed) for seed in "ab"]
    p = drawn[0]["probability"]
    keys = [{key for key, _ in recorded(ledger, job, body).subjects} for body in drawn]
    expected = {(key, "Drop"): 1 - (1 - p) ** 2 if key in keys[0] & keys[1] else p for key in keys[0] | keys[1]}
    assert ledger.audits.probabilities(job.id) == expected
    everyone = audits.draw(job, "Drop", len(names(job, "Drop")), "all")
    assert set(ledger.audits.probabilities(job.id).values()) == {1.0}
    assert len(ledger.audits.probabilities(job.id)) == everyone["population"]


def recorded(ledger: Ledger, job: Job, body: dict[str, Any]) -> Drawn:
    known = ledger.audits.read(job.id, body["draw_id"])
    assert known is not None
    return known


@pytest.mark.parametrize(
    ("given", "part", "why"),
    [
        ({"decision": "drop"}, "decision", "'drop' is not a label of this job"),
        ({"count": 0}, "count", "count must be between 1 and 100000"),
        ({"count": 100_001}, "count", "count must be between 1 and 100000"),
        ({"count": 1_000}, "count", "1000 cannot be drawn of "),
        ({"seed": ""}, "seed", "1 to 200 valid characters"),
        ({"seed": "x" * 201}, "seed", "1 to 200 valid characters"),
        ({"seed": "\ud800"}, "seed", "1 to 200 valid characters"),
        ({"window": AuditWindow("2025-01-02", "2025-01-01")}, "start_datetime", "is not before"),
        ({"window": AuditWindow(filters=[{"field": "n"}])}, "filters", "filter 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(  # noqa: PLR0913, PLR0917
    audits: Audits, ledger: Ledger, job: Job, given: dict[str, Any], part: str, why: str
) -> None:
    asked: dict[str, Any] = {"decision": "Drop", "count": 1, "seed": "s"} | given
    with pytest.raises(InvalidRequestError, match=why) as refused:
        audits.draw(job, **asked)
    assert refused.value.location[:2] == ("body", part)
    assert on_record(ledger, job) == 0


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_no_share_no_plan(audits: Audits, job: Job, share: float) -> None:
    for bound, level in ((share, 0.95), (0.01, share)):
        with pytest.raises(InvalidRequestError, match="lies between 0 and 1"):
            audits.plan(job, bound, level)


def test_a_draw_that_is_not_there(audits: Audits, job: Job) -> None:
    with pytest.raises(DrawNotFoundError):
        audits.drawn(job, "nothing")
