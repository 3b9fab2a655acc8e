"""Jobs as resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api.caller import event

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from api.caller import Caller
    from trueline.service.workspace import Workspace

PATH = "/api/v2/resources"
BY_BUCKET = "Decision intelligence"
BY_EVENT = "Event centric decision intelligence"
RETRAIN = {"enabled": True, "cron": "0 3 * * *", "blockers": {"outliers": True}}


def wanted(name: str, **properties: object) -> dict[str, Any]:
    """A job's resource in a request."""
    return {"type": "job", "properties": {"title": name, "category": BY_EVENT} | properties}


def put(client: httpx.Client, *, overwrite: bool = False, **resources: dict[str, Any]) -> httpx.Response:
    # as the official client sends it
    return client.post(PATH, json={"resources": resources}, params={"overwrite": str(overwrite)})


def read(client: httpx.Client, **query: str) -> list[dict[str, Any]]:
    answer = client.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def refused(answer: httpx.Response, status: int = 409) -> str:
    assert answer.status_code == status, answer.text
    sentence: str = answer.json()["error"]
    return sentence


def test_a_job_as_the_official_client_makes_it(client: httpx.Client, fresh_title: Callable[[], str]) -> None:
    title = fresh_title()
    labels = [
        {"name": "Important", "hex_color": "#a83232"},
        {"name": "Discard", "hex_color": "#030bff"},
        {"name": "Potential risk", "hex_color": None},
    ]
    sent = wanted(
        title,
        description="Sample",
        category=BY_BUCKET,
        decision_points=["event.outcome", "event.category"],
        feedback_columns=None,
        advanced_settings={"custom_labels": labels, "auto_retrain": RETRAIN, "monitoring_settings": None},
        pipeline_integrations=[{"resource": "REST", "integration_type": "input", "enabled": True, "parameters": {}}],
        remove_missing_pipeline_integrations=False,
    )
    answer = put(client, input_job=sent | {"depends_on": []})
    assert answer.status_code == 200, answer.text
    (made,) = answer.json()["created"]
    job = made["internal_id"]
    assert answer.json() == {
        "request": {"status": "OK"},
        "created": [
            {
                "type": "job",
                "resource_name": "input_job",
                "title": title,
                "internal_id": job,
                "url": f"{client.base_url}/api/v2/jobs/{job}",
            }
        ],
        "updated": [],
    }
    assert client.get(made["url"]).json()["grouping"] == "bucket"
    properties = {
        "title": title,
        "id": job,
        "description": "Sample",
        "category": BY_BUCKET,
        "decision_points": ["event.outcome", "event.category"],
        "advanced_settings": {"custom_labels": labels, "auto_retrain": RETRAIN},
        "pipeline_integrations": [],
    }
    there = [{title: {"type": "job", "properties": properties}}]
    assert read(client, title=title) == read(client, resource_type="job", id=str(job)) == there
    assert there[0] in read(client)
    assert there[0] in read(client, resource_type="job")
    # read and handed back it changes nothing
    again = put(client, overwrite=True, same={"type": "job", "properties": properties})
    assert [each["internal_id"] for each in again.json()["updated"]] == [job]
    assert read(client, title=title) == there


@pytest.mark.parametrize("category", [BY_BUCKET, BY_EVENT])
def test_a_job_without_labels_gets_those_of_the_documentation(
    client: httpx.Client, fresh_title: Callable[[], str], category: str
) -> None:
    title = fresh_title()
    assert put(client, job=wanted(title, category=category, advanced_settings={})).status_code == 200
    ((job,),) = (found.values() for found in read(client, title=title))
    labels = job["properties"]["advanced_settings"]["custom_labels"]
    assert labels == [{"name": name, "hex_color": None} for name in ("Escalate", "Drop", "Investigate")]


def test_what_may_change_changes_and_the_rest_stays(client: httpx.Client, fresh_title: Callable[[], str]) -> None:
    title = fresh_title()
    labels = [{"name": "A", "hex_color": "#000000"}, {"name": "B"}]
    put(client, job=wanted(title, advanced_settings={"custom_labels": labels, "auto_retrain": RETRAIN, "own": 1.5}))
    more = [{"name": "C", "hex_color": "#ffffff"}, {"name": "A"}, {"name": "B", "hex_color": "#030BFF"}]
    answer = put(client, overwrite=True, job=wanted(title, advanced_settings={"custom_labels": more}))
    assert (answer.json()["created"], len(answer.json()["updated"])) == ([], 1)
    put(client, overwrite=True, job=wanted(title, description="new"))
    ((job,),) = (found.values() for found in read(client, title=title))
    assert job["properties"]["description"] == "new"
    assert job["properties"]["advanced_settings"] == {
        "custom_labels": [
            {"name": "C", "hex_color": "#ffffff"},
            {"name": "A", "hex_color": "#000000"},
            {"name": "B", "hex_color": "#030BFF"},
        ],
        "auto_retrain": RETRAIN,
        "own": 1.5,
    }


def test_what_cannot_change_is_refused_and_nothing_of_the_request_is_done(
    client: httpx.Client, fresh_title: Callable[[], str]
) -> None:
    title, other = fresh_title(), fresh_title()
    put(client, job=wanted(title, decision_points=["a"]))
    before = read(client)
    taken_away = {"custom_labels": [{"name": "Drop"}, {"name": "Escalate"}]}
    for changes, overwrite, sentence in (
        ({}, False, f"there is a job titled {title!r} already: overwrite=true would change it"),
        ({"category": BY_BUCKET}, True, f"the category of the job {title!r} cannot change: it is {BY_EVENT!r}"),
        ({"decision_points": ["b"]}, True, f"the decision points of the job {title!r} cannot change: they are a"),
        ({"advanced_settings": taken_away}, True, f"label 'Investigate' of the job {title!r} cannot be taken away"),
        ({"id": 2**62}, True, f"has the id {next(iter(before[-1].values()))['properties']['id']}, not {2**62}"),
    ):
        answer = put(client, overwrite=overwrite, new=wanted(other), old=wanted(title, **changes))
        assert sentence in refused(answer)
        assert read(client) == before


@pytest.mark.parametrize(
    ("properties", "at"),
    [
        ({"category": "Automation"}, ["category"]),
        ({"title": "77"}, ["title"]),
        ({"id": 7}, ["id"]),
        ({"description": "a\0b"}, ["description"]),
        ({"decision_points": ["a", "a"]}, ["decision_points"]),
        ({"advanced_settings": {"custom_labels": [{"name": "A"}]}}, ["labels"]),
        ({"advanced_settings": {"custom_labels": [{"name": "A", "hex_color": "red"}]}}, None),
        ({"advanced_settings": {"custom_labels": [{"name": "A", "hex_color": "#123456\n"}]}}, None),
        ({"advanced_settings": {"own": "x" * 70_000}}, ["advanced_settings"]),
        ({"colour": "red"}, None),
    ],
)
def test_what_no_job_can_be_is_named(
    client: httpx.Client, fresh_title: Callable[[], str], properties: dict[str, Any], at: list[str] | None
) -> None:
    other = fresh_title()
    answer = put(client, good=wanted(other), bad=wanted(fresh_title(), **properties))
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["detail"]
    assert problem["loc"][:3] == ["body", "resources", "bad"]
    assert at is None or problem["loc"][3:] == ["properties", *at]
    assert read(client, title=other) == []


def test_two_of_one_title_in_a_request_are_refused(client: httpx.Client, fresh_title: Callable[[], str]) -> None:
    title = fresh_title()
    answer = put(client, overwrite=True, one=wanted(title), two=wanted(title))
    assert answer.json()["detail"][0]["loc"] == ["body", "resources", "two", "properties", "title"]
    assert read(client, title=title) == []


@pytest.mark.parametrize("kind", ["api_key", "integration"])
def test_other_types_are_named_as_missing_and_found_nowhere(
    client: httpx.Client, fresh_title: Callable[[], str], kind: str
) -> None:
    title = fresh_title()
    answer = put(client, job=wanted(title), other={"type": kind, "properties": {"name": "x"}})
    assert f"resource 'other' is of the type {kind}" in refused(answer, 501)
    assert read(client, title=title) == []
    assert read(client, resource_type=kind) == read(client, resource_type=kind, title=title) == []
    deleting = client.delete(PATH, params={"resource_type": kind, "title": title})
    assert f"of the type {kind}" in refused(deleting, 501)


def test_finding_nothing_is_an_empty_list(client: httpx.Client) -> None:
    assert read(client, title="nobody's") == read(client, id="nobody's") == read(client, id=str(2**62)) == []


@pytest.mark.parametrize(
    ("method", "query"),
    [
        ("GET", {"title": "a", "id": "1"}),
        ("GET", {"resource_type": "agent"}),
        ("DELETE", {"resource_type": "job", "title": "a", "id": "1"}),
        ("DELETE", {"resource_type": "job"}),
        ("DELETE", {"title": "a"}),
        ("DELETE", {"resource_type": "job", "title": "1"}),
        ("DELETE", {"resource_type": "job", "id": "a"}),
    ],
)
def test_a_query_that_names_no_resource_is_refused(client: httpx.Client, method: str, query: dict[str, str]) -> None:
    assert client.request(method, PATH, params=query).status_code == 422


def test_a_deleted_job_is_gone_and_a_new_one_sees_nothing_of_it(client: httpx.Client, caller: Caller) -> None:
    kept, job = caller.make_job(), caller.make_job(title="to be deleted")
    for each in (kept, job):
        caller.bulk(each, "events", event("a", "Drop"), event("b", "Escalate"))
        caller.vote(each, ("a", "ana", "Escalate"))
        assert client.post(f"/api/v2/jobs/{each}/train").status_code == 200
    before = caller.metrics(kept)
    answer = client.delete(PATH, params={"resource_type": "job", "title": "to be deleted"})
    assert answer.json() == {
        "request": {"status": "OK"},
        "deleted": [{"type": "job", "title": "to be deleted", "internal_id": job}],
    }
    again = client.delete(PATH, params={"resource_type": "job", "id": str(job)})
    assert refused(again, 404) == "Job not found"
    for path in (f"/api/v2/jobs/{job}", f"/api/v1/jobs/{job}", f"/api/v2/jobs/{job}/models", f"/api/v1/events/{job}/a"):
        assert refused(client.get(path), 404) == "Job not found"
    new = caller.make_job(title="to be deleted")
    assert new != job
    taken = client.post("/api/v2/jobs", json={"title": "under the old id", "labels": ["A", "B"], "job_id": job})
    assert refused(taken) == f"there was a job {job}, which was deleted: its id is not given again"
    assert (caller.metrics(new)["total_events"], caller.metrics(new)["all_model_ids"]) == (0, [])
    assert caller.metrics(kept) == before


def test_a_key_for_certain_jobs_changes_those_and_makes_none(
    client: httpx.Client, anonymous: httpx.Client, workspace: Workspace, fresh_title: Callable[[], str]
) -> None:
    mine, hidden, new = fresh_title(), fresh_title(), fresh_title()
    put(client, a=wanted(mine), b=wanted(hidden))
    ((job,),) = (found.values() for found in read(client, title=mine))
    number = job["properties"]["id"]
    every = ["write:resources", "read:resources", "delete:resources"]
    for scopes, jobs in ((every, [number]), ([f"{scope}:job:{number}" for scope in every], None)):
        headers = {"X-Arcanna-Api-Key": workspace.access.create("one job", scopes, jobs=jobs)}
        anonymous.headers.update(headers)
        try:
            assert [next(iter(found)) for found in read(anonymous)] == [mine]
            assert put(anonymous, overwrite=True, a=wanted(mine, description="mine")).status_code == 200
            for title in (hidden, new):
                assert "write:resources" in refused(put(anonymous, overwrite=True, a=wanted(title)), 403)
            deleting = anonymous.delete(PATH, params={"resource_type": "job", "title": hidden})
            assert deleting.status_code == (404 if jobs else 403)
        finally:
            del anonymous.headers["X-Arcanna-Api-Key"]
    assert len(read(client, title=hidden)) == 1
