"""The route of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api.caller import event
from trueline.api.report_schemas import ReportBody

if TYPE_CHECKING:
    from api.caller import Caller


def test_a_report_has_the_documented_shape_and_filters_apply(caller: Caller) -> None:
    job = caller.make_job()
    caller.bulk(job, "events", *(event(f"e{n}", "Drop", host="a" if n < 5 else "b") for n in range(8)))
    caller.vote(job, ("e0", "ana", "Drop"), ("e1", "ana", "Escalate"))
    query: dict[str, Any] = {"interval": "1d", "group_by": "host", "top": 1, "level": 0.9}
    answer = caller.client.post(f"/api/v2/jobs/{job}/report", params=query)
    assert answer.status_code == 200, answer.text
    told = ReportBody.model_validate(answer.json())
    assert told.model_dump() == answer.json()
    assert told.policies.reviewed.overall.sentence == "reviewed 2 of 8 (25 %)"
    assert told.costs.missed.top_events_ids == ["e1"]
    assert told.groups is not None
    assert [value.value for value in told.groups.values] == ["a"]
    assert told.groups.other_values.policies.reviewed.overall.total.events == 3
    filtered = caller.client.post(
        f"/api/v2/jobs/{job}/report/", json={"filters": [{"field": "host", "operator": "is", "value": "b"}]}
    )
    assert filtered.json()["policies"]["implicit"]["confusion_matrix"][0][0] == 3
    assert filtered.json()["intervals"] is None


def test_a_report_tells_why_things_were_reviewed(caller: Caller) -> None:
    job = caller.make_job()
    caller.bulk(job, "events", *(event(f"e{n}", "Drop") for n in range(8)))
    votes = [
        {"event_id": "e0", "analyst": "ana", "label": "Drop", "review_reason": "low confidence"},
        {"event_id": "e1", "analyst": "ana", "label": "Escalate", "review_reason": "low confidence"},
        {"event_id": "e2", "analyst": "ana", "label": "Escalate"},
    ]
    caller.bulk(job, "votes", *votes)
    answer = caller.client.post(f"/api/v2/jobs/{job}/report", json={})
    assert answer.status_code == 200, answer.text
    assert ReportBody.model_validate(answer.json()).model_dump() == answer.json()
    told = answer.json()["partly_reviewed"]["wrong_by_reason"]["Drop"]
    assert list(told) == ["audit", "low confidence", "escalation", "complaint", "not said"]
    assert (told["low confidence"]["value"], told["low confidence"]["whole"]["events"]) == (0.5, 2)
    assert told["not said"]["part"] == {"events": 1, "subjects": 1}
    assert told["audit"]["interval"] == {"low": 0.0, "high": 1.0}
    assert told["audit"]["reason"] == "no event decided Drop was reviewed with the reason audit"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"level": "0.4"}, "level"),
        ({"level": "1"}, "level"),
        ({"interval": "2h"}, "interval"),
        ({"top": "0"}, "top"),
        ({"top": "101"}, "top"),
        ({"start_datetime": "yesterday"}, "start_datetime"),
        ({"start_datetime": "2000-01-01", "end_datetime": "2025-01-01", "interval": "1d"}, "interval"),
    ],
    ids=str,
)
def test_what_cannot_be_told_is_refused(caller: Caller, query: dict[str, str], named: str) -> None:
    answer = caller.client.post(f"/api/v2/jobs/{caller.make_job()}/report", params=query)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", named]
