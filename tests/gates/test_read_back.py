"""Events that are listed otherwise than they were sent are noticed, decided or not."""

from __future__ import annotations

from typing import Any

from oracle import JobTerms, Oracle
from read_back import wrong_events
from writing import LABELS, Job

AT = "2025-01-01T00:00:00Z"


def test_events_as_they_were_sent_are_right() -> None:
    assert wrong_events(listed(event("a", {"n": 1})), a_job()) == []


def test_an_undecided_event_that_is_missing_is_noticed() -> None:
    assert wrong_events(listed(), a_job()) == ["0 events instead of 1; missing ['a'], foreign []"]


def test_an_event_that_nobody_sent_and_one_that_is_there_twice_are_noticed() -> None:
    one, other = event("a", {"n": 1}), event("b", {"n": 1})
    assert wrong_events(listed(one, other), a_job()) == ["2 events instead of 1; missing [], foreign ['b']"]
    assert wrong_events(listed(one, one), a_job()) == ["2 events instead of 1; missing [], foreign []"]


def test_another_document_and_another_state_are_noticed() -> None:
    assert wrong_events(listed(event("a", {"n": 2})), a_job()) == ["a: /raw_event/n: 2 instead of 1"]
    voted = event("a", {"n": 1}, knowledge_base_state="pending")
    assert wrong_events(listed(voted), a_job()) == ["a: /state: 'pending' instead of 'new'"]


def a_job() -> Job:
    told = Oracle(JobTerms(LABELS))
    told.event("a", {"n": 1}, arrived_at=1, timestamp=AT)
    return Job(1, by_bucket=False, told=told)


def listed(*events: dict[str, Any]) -> dict[str, Any]:
    return {"total_count": len(events), "events": list(events)}


def event(name: str, document: dict[str, Any], **further: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    own = {
        "@timestamp": AT,
        **dict.fromkeys(("result_label", "result", "previous_result", "consensus", "bucket_state", "confidence_score")),
        "bucket_id": name,
        "knowledge_base_state": "new",
    }
    return {"event_id": name, "raw_event": document, "arcanna": own | further}
