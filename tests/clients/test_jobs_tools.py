"""The official client's tools for jobs: health, start, stop, train, and jobs as resources."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from clients import triage
from clients.client import ToolFailed
from clients.triage import CATEGORY

if TYPE_CHECKING:
    import httpx

    from api.caller import Caller
    from clients.client import Client

GET_RESOURCES = "arcanna_mcp_server.tools.resources:get_resources"
DONE = {"status": "OK", "reason": "", "reason_details": ""}


def test_health_is_the_plain_answer(management: Client) -> None:
    assert management.call("health_check") == DONE


# --- operations


def test_a_job_is_stopped_and_started(management: Client, caller: Caller) -> None:
    job = caller.make_job()

    def send() -> int:
        return caller.client.post("/api/v1/events", json={"job_id": job, "raw_body": {}}).status_code

    assert management.call("stop_job", job_id=job) == DONE
    assert caller.client.get(f"/api/v1/jobs/{job}").json()["status"] == "DISABLED"
    assert send() == 409
    assert management.call("start_job", job_id=job) == DONE
    assert caller.client.get(f"/api/v1/jobs/{job}").json()["status"] == "ENABLED"
    assert send() == 201


def test_a_job_is_trained(management: Client, caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop", b="Drop", c="Escalate")
    caller.vote(job, ("a", "ana", "Drop"), ("c", "ana", "Drop"))
    assert management.call("train_job", job_id=job) == DONE
    deadline = time.monotonic() + 30
    while (trained := caller.metrics(job))["active_model_id"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert re.fullmatch(rf"generic-1-{job}-model-[0-9]{{10}}", trained["active_model_id"])
    assert trained["all_model_ids"] == [trained["active_model_id"]]
    assert trained["total_events_in_knowledge_base"] == 2


@pytest.mark.parametrize("tool", ["start_job", "stop_job", "train_job"])
def test_an_operation_on_a_job_that_is_not_there_says_so(tool: str, management: Client) -> None:
    assert "Job not found" in str(management.call(tool, job_id=2**60))


# --- resources


@pytest.fixture(scope="module")
def made(with_key: httpx.Client) -> dict[str, int]:
    """A job of each grouping, by title."""
    titles = {grouping: f"resources by {grouping}" for grouping in CATEGORY}
    return {title: triage.fill(with_key, title, grouping).job for grouping, title in titles.items()}


def resource(title: str, job: int, category: str) -> dict[str, Any]:
    """What there is to say of such a job, that the client reads."""
    return {"title": title, "id": job, "category": category, "decision_points": ["host"]}


@pytest.mark.parametrize("by", ["title", "id"])
@pytest.mark.parametrize("grouping", CATEGORY)
def test_a_job_is_found_as_a_resource(
    grouping: str, by: str, made: dict[str, int], management: Client, caller: Caller
) -> None:
    title = f"resources by {grouping}"
    named: dict[str, Any] = {"title": title} if by == "title" else {"id": made[title]}
    (found,) = management.plain(GET_RESOURCES, resource_type="job", **named)
    (plain,) = caller.client.get("/api/v2/resources", params={"resource_type": "job"} | named).json()
    assert found == plain
    assert list(found) == [title]
    assert found[title]["type"] == "job"
    properties = found[title]["properties"]
    assert properties.items() >= resource(title, made[title], CATEGORY[grouping]).items()
    assert [label["name"] for label in properties["advanced_settings"]["custom_labels"]] == triage.LABELS
    assert management.call("get_job_details", **named) == properties


def test_the_client_promises_another_shape_of_resources_than_its_own_tools_read(
    made: dict[str, int], management: Client
) -> None:
    """get_resources is annotated as an object; search_jobs and get_job_details, tested above, read a list."""
    with pytest.raises(ToolFailed, match="Input should be a valid dictionary"):
        management.call("get_resources", resource_type="job", id=made["resources by event"])


def test_jobs_are_searched_by_a_part_of_their_title_and_by_category(made: dict[str, int], management: Client) -> None:
    found = management.call("search_jobs", title="RESOURCES by")
    assert found["total"] == len(made)
    for job in found["jobs"]:
        assert job["id"] == made[job["name"]]
        assert (job["decisions"], job["decision_points"]) == (triage.LABELS, ["host"])
    all_of_them = management.call("search_jobs")
    assert all_of_them["total"] >= len(made)
    # the client looks for its word anywhere in the category, and the names of both categories have it
    assert management.call("search_jobs", job_type="Automation") == {"jobs": [], "total": 0}


def test_a_job_that_is_not_there_is_not_found(management: Client) -> None:
    assert management.plain(GET_RESOURCES, resource_type="job", id=2**60) == []
    named = {"title": "there is no job of this title"}
    assert management.call("get_job_details", **named) == {"error": "Job not found"}


@pytest.mark.parametrize("grouping", CATEGORY)
@pytest.mark.parametrize("tool", ["upsert_resources", "setup_job"])
def test_a_job_is_made_changed_and_deleted_as_a_resource(
    tool: str, grouping: str, management: Client, caller: Caller
) -> None:
    title = f"made by {tool} to be grouped by {grouping}"

    def send(labels: list[str], *, overwrite: bool) -> Any:  # noqa: ANN401 - what JSON there is
        custom_labels = [{"name": label, "hex_color": "#a83232"} for label in labels]
        parts = {
            "title": title,
            "description": "of a test",
            "category": CATEGORY[grouping],
            "decision_points": ["event.outcome", "event.category"],
            "pipeline_integrations": [],
        }
        if tool == "setup_job":
            return management.call(tool, custom_labels=custom_labels, overwrite=overwrite, **parts)
        properties = parts | {"advanced_settings": {"custom_labels": custom_labels}}
        resources = {"any key": {"type": "job", "properties": properties}}
        return management.call(tool, resources=resources, overwrite=overwrite)

    first = send(["Important", "Discard", "Potential risk"], overwrite=False)
    assert first["request"]["status"] == "OK"
    (created,) = first["created"]
    assert first["updated"] == []
    assert (created["type"], created["title"]) == ("job", title)
    assert created["resource_name"] == (title if tool == "setup_job" else "any key")
    job = created["internal_id"]
    own = caller.client.get(f"/api/v2/jobs/{job}").json()
    assert (own["title"], own["grouping"], own["labels"], own["decision_points"]) == (
        *(title, grouping, ["Important", "Discard", "Potential risk"]),
        ["event.outcome", "event.category"],
    )
    caller.bulk(job, "events", {"event_id": "a", "raw_body": {}, "decision": {"label": "Discard"}})

    again = send(["Important", "Discard", "Potential risk", "Later"], overwrite=True)
    assert again["created"] == []
    (updated,) = again["updated"]
    assert (updated["title"], updated["internal_id"]) == (title, job)
    assert caller.client.get(f"/api/v2/jobs/{job}").json()["labels"][-1] == "Later"
    assert caller.metrics(job)["total_events"] == 1

    deleted = management.call("delete_resources", resource_type="job", id=job)
    assert "error" not in deleted
    assert caller.client.get(f"/api/v2/jobs/{job}").status_code == 404
    assert caller.client.post("/api/v2/metrics/job", params={"job_id": job}).status_code == 404


def test_a_job_without_labels_gets_the_usual_ones(management: Client, caller: Caller) -> None:
    parts = {"title": "no labels given", "category": CATEGORY["bucket"], "decision_points": ["a"]}
    (created,) = management.call("setup_job", **parts, pipeline_integrations=[])["created"]
    labels = caller.client.get(f"/api/v2/jobs/{created['internal_id']}").json()["labels"]
    assert sorted(labels) == ["Drop", "Escalate", "Investigate"]
