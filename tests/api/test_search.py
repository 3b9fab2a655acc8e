"""Events looked for over HTTP, fields, events marked to be decided anew, and parts that are not here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api.caller import event
from trueline.api.not_here import NOT_HERE
from trueline.api.search_schemas import EventsBody, FieldBody
from trueline.ledger import fields
from trueline.service.keys import KNOWN_SCOPES

if TYPE_CHECKING:
    import httpx

    from api.caller import Caller
    from trueline.service.workspace import Workspace

DONE = {"status": "OK", "reason": "", "reason_details": ""}


@pytest.fixture
def job(caller: Caller) -> int:
    made = caller.make_job(decision_points=["host.name", "ports"])
    document = {"host": {"name": "web"}, "ports": [80, 443]}
    caller.bulk(made, "events", event("a", "Drop", **document), {"event_id": "b", "raw_body": {"n": 5}})
    return made


def query(caller: Caller, **body: object) -> dict[str, Any]:
    answer = caller.client.post("/api/v2/events/query", json=body)
    assert answer.status_code == 200, answer.text
    EventsBody.model_validate(answer.json(), strict=True)
    found: dict[str, Any] = answer.json()
    return found


def test_a_page_of_events(caller: Caller, job: int) -> None:
    found = query(caller, job_ids=job, sort_by_column="arcanna.original_id", sort_order="asc")
    assert found["total_count"] == 2
    first, second = found["events"]
    title = caller.client.get(f"/api/v2/jobs/{job}").json()["title"]
    moment = "2025-01-01T10:00:00Z"
    arrival = first["arcanna"].pop("timestamp_inference")
    assert arrival.endswith("Z")
    assert first == {
        "event_id": "a",
        "job_id": job,
        "job_title": title,
        "decision_points": {"host.name": "web", "ports": [80, 443]},
        "arcanna": {
            "@timestamp": moment,
            "result_label": "Drop",
            "result": "class_0",
            "previous_result": None,
            "consensus": None,
            "bucket_id": "a",
            "bucket_state": None,
            "knowledge_base_state": "new",
            "confidence_score": None,
            "outlier_flag": None,
            "model": {"path": None},
            "original_id": "a",
            "pipeline_status": "OK",
            "last_compute_consensus_timestamp": None,
            "attention": {
                "low_confidence_score": {"attention_required": False},
                "undecided_consensus": {"attention_required": False},
            },
        },
        "raw_event": {"@timestamp": moment, "host": {"name": "web"}, "ports": [80, 443]},
    }
    assert second["decision_points"] == {"host.name": None, "ports": None}
    assert second["arcanna"]["pipeline_status"] == "pending_inference"


def test_jobs_and_events_are_named_one_or_several(caller: Caller, job: int) -> None:
    title = caller.client.get(f"/api/v2/jobs/{job}").json()["title"]
    bodies: list[dict[str, object]] = [
        {"job_ids": job},
        {"job_ids": [job]},
        {"job_ids": str(job)},
        {"job_titles": title},
        {"job_titles": [title]},
        {"job_ids": [job, job], "job_titles": [title]},
    ]
    for body in bodies:
        assert query(caller, **body)["total_count"] == 2, body
    for ids in ("a", ["a"], ["a", "none such"]):
        assert [each["event_id"] for each in query(caller, job_ids=job, event_ids=ids)["events"]] == ["a"]


def test_without_jobs_all_that_the_key_may_read_are_looked_through(
    caller: Caller, job: int, anonymous: httpx.Client, workspace: Workspace
) -> None:
    other = caller.make_job()
    caller.fill(other, x="Drop", y="Drop")
    for key in (
        workspace.access.create("two jobs", ["read:event_query"], jobs=[job, other]),
        workspace.access.create("narrowed", [f"read:event_query:job:{job}", f"read:event_query:job:{other}"]),
    ):
        for content in (b"", b"{}"):
            answer = anonymous.post("/api/v2/events/query", content=content, headers={"X-Arcanna-Api-Key": key})
            assert answer.json()["total_count"] == 4
            assert {each["job_id"] for each in answer.json()["events"]} == {job, other}
        answer = anonymous.post("/api/v2/filters/fields", headers={"X-Arcanna-Api-Key": key})
        by_name = {field["field_name"]: field["available_in_jobs"] for field in answer.json()}
        assert by_name["@timestamp"] == [job, other]
        assert by_name["n"] == [job]
    assert query(caller, count_results_only=True)["total_count"] >= 4


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"size": 1_001}, "size"),
        ({"size": -1}, "size"),
        ({"size": "5"}, "size"),
        ({"page": -1}, "page"),
        ({"page": 200_000}, "page"),
        ({"sort_order": "up"}, "sort_order"),
        ({"date_field": "seen"}, "date_field"),
        ({"start_date": "soon"}, "start_date"),
        ({"event_ids": []}, "event_ids"),
        ({"job_ids": []}, "job_ids"),
        ({"filters": [{"field": "n", "operator": "lt", "value": "x"}]}, "filters"),
        ({"query_body": {}}, "query_body"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_refused_by_name(caller: Caller, body: dict[str, object], part: str) -> None:
    answer = caller.client.post("/api/v2/events/query", json=body)
    assert answer.status_code == 422
    assert part in answer.json()["detail"][0]["loc"]


def test_an_unknown_job_is_not_found(caller: Caller, job: int) -> None:
    for path in ("/api/v2/events/query", "/api/v2/filters/fields", "/api/v2/filters/fields_mapping"):
        answer = caller.client.post(path, json={"job_ids": [job, 2**62]})
        assert (answer.status_code, answer.json()) == (404, {"error": "Job not found"})


def test_fields_and_their_types(caller: Caller, job: int) -> None:
    told = caller.client.post("/api/v2/filters/fields", json={"job_ids": [job]}).json()
    assert [FieldBody.model_validate(field, strict=True) for field in told]
    by_name = {field["field_name"]: field for field in told}
    assert by_name["ports"]["available_in_jobs"] == [job]
    assert "lt" in by_name["ports"]["available_operators"]
    types = caller.client.post("/api/v2/filters/fields_mapping", json={"job_ids": job}).json()
    assert (types["ports"], types["host.name"], types["host"], types["@timestamp"]) == (
        *("long", "keyword", "object", "date"),
    )
    assert types.keys() == by_name.keys()


def test_a_field_that_held_a_long_text_once_is_a_text(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    job = caller.make_job()
    monkeypatch.setattr(fields, "LATEST", 2)
    long = event("a", "Drop", v="x" * 600, w="2025-01-01", u=1)
    caller.bulk(job, "events", long, *[event(f"b{n}", "Drop", v=n, w="2025-01-02", u="y" * 600) for n in range(3)])
    types = caller.client.post("/api/v2/filters/fields_mapping", json={"job_ids": job}).json()
    assert (types["v"], types["w"], types["u"]) == ("keyword", "date", "keyword")


def test_events_are_marked_and_fetched_again_and_decided_anew(caller: Caller, job: int) -> None:
    before = caller.metrics(job)
    answer = caller.client.post(f"/api/v2/events/{job}/reprocess", json={})
    assert (answer.status_code, answer.json()) == (200, {"request": DONE, "events_updated": 1})
    assert {each["event_id"] for each in query(caller, job_ids=job, awaiting_decision=True)["events"]} == {"a", "b"}
    assert caller.metrics(job) == before
    for name in ("a", "b"):
        decided = caller.client.put(
            f"/api/v2/events/{job}/{name}/decision", json={"label": "Drop", "decided_at": "2025-01-02"}
        )
        assert decided.status_code == 200
    assert query(caller, job_ids=job, awaiting_decision=True)["events"] == []
    answer = caller.client.post(f"/api/v2/events/{job}/a/reprocess")
    assert (answer.status_code, answer.json()) == (200, {"request": DONE})
    assert query(caller, job_ids=job, awaiting_decision=True)["total_count"] == 1
    assert caller.client.post(f"/api/v2/events/{job}/nobody/reprocess").status_code == 404


def test_an_event_is_transferred_by_export_and_send(caller: Caller, job: int) -> None:
    other = caller.make_job()
    exported = caller.client.get(f"/api/v1/events/{job}/a/export").json()["arcanna_event"]
    sent = caller.client.post("/api/v1/events", json={"job_id": other, "raw_body": exported})
    assert sent.status_code == 201
    (found,) = query(caller, job_ids=other)["events"]
    assert (found["event_id"], found["raw_event"]) == (sent.json()["event_id"], exported)
    assert query(caller, job_ids=job)["total_count"] == 2


@pytest.mark.parametrize(("method", "path"), NOT_HERE, ids=" ".join)
def test_a_part_that_is_not_here_is_named(caller: Caller, job: int, method: str, path: str) -> None:
    path = path.replace("{job}", str(job)).replace("{event:path}", "a").replace("{workflow}", "7")
    for slash in ("", "/"):
        answer = caller.client.request(method, path + slash, content=b"{}" if method == "POST" else None)
        assert answer.status_code == 501
        assert answer.json() == {"error": f"Trueline does not have {NOT_HERE[method, _template(path, job)]}"}


def _template(path: str, job: int) -> str:
    path = path.replace(f"/{job}/a/", "/{job}/{event:path}/")
    return path.removesuffix("7") + "{workflow}" if path.endswith("/7") else path


def test_no_key_has_the_scopes_of_parts_that_are_not_here() -> None:
    foreign = {
        *("write:event_agentic_notes", "execute:job_code_blocks", "write:job_code_blocks"),
        *("read:agents", "execute:agents", "write:agents", "read:rag"),
    }
    assert not foreign & set(KNOWN_SCOPES)
