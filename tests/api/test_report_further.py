"""The report's sections on people, confidence and models, through the route."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api.caller import event
from trueline.api.report_schemas import ReportBody

if TYPE_CHECKING:
    from api.caller import Caller


def report(caller: Caller, job: int, **query: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a query has
    answer = caller.client.post(f"/api/v2/jobs/{job}/report", params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert ReportBody.model_validate(body).model_dump() == body
    return body


def made(caller: Caller) -> int:
    """Four events decided by two models, three of them voted on."""
    job: int = caller.make_job()
    for model, label in (("old", "Drop"), ("new", "Escalate")):
        for number in range(4):
            line = event(f"e{number}", label, host="a")
            line["decision"] |= {"model_id": model, "confidence": 90}
            caller.bulk(job, "events", line)
    caller.vote(job, ("e0", "ana", "Drop"), ("e0", "ben", "Drop"), ("e1", "ana", "Escalate"), ("e2", "ana", "Escalate"))
    return job


def test_each_is_null_where_it_is_not_asked_for(caller: Caller) -> None:
    job = made(caller)
    whole = report(caller, job)
    assert [whole[name] for name in ("agreement", "confidence", "models")] == [None] * 3
    asked = report(caller, job, also=["agreement", "models"])
    assert asked["confidence"] is None
    assert asked["agreement"]["overall"]["raw_agreement"]["value"] == 1.0
    assert asked["models"]["compared"] == "decisions"
    assert asked["digest"] != whole["digest"]
    assert report(caller, job, also=["agreement", "models"]) == asked


def test_what_belongs_to_a_section_asks_for_it(caller: Caller) -> None:
    job = made(caller)
    told = report(caller, job, promised_error_rate=0.5, first_model="old", second_model="new")
    assert told["confidence"]["reviewed"] == 3
    assert told["confidence"]["promise"]["promised_error_rate"] == 0.5
    models = told["models"]
    assert (models["first_model"], models["second_model"]) == ("old", "new")
    assert models["events"] == {"both_right": 0, "only_first": 1, "only_second": 2, "neither": 0}
    (flip,) = models["flips"]
    assert sorted(flip["events_ids"]) == ["e0", "e1", "e2", "e3"]
    assert told["agreement"] is None


def test_votes_that_change_no_count_change_the_digest(caller: Caller) -> None:
    job = made(caller)
    before = report(caller, job, also="agreement")
    caller.vote(job, ("e1", "ben", "Escalate"))
    assert report(caller, job, also="agreement")["digest"] != before["digest"]


def test_an_empty_job_has_reasons_for_all_it_cannot_say(caller: Caller) -> None:
    told = report(caller, caller.make_job(), also=["agreement", "confidence", "models"], promised_error_rate=0.05)
    assert told["agreement"]["overall"]["nominal_alpha"]["reason"]
    assert told["confidence"]["expected_calibration_error"]["reason"]
    assert told["confidence"]["promise"]["reason"]
    assert told["models"]["mcnemar_p_value"]["reason"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"also": "everything"}, "also"),
        ({"promised_error_rate": "0"}, "promised_error_rate"),
        ({"promised_error_rate": "1"}, "promised_error_rate"),
        ({"promised_error_rate": "nan"}, "promised_error_rate"),
        ({"first_model": "old"}, "second_model"),
        ({"second_model": "old"}, "first_model"),
        ({"first_model": "old", "second_model": "old"}, "second_model"),
    ],
    ids=str,
)
def test_what_cannot_be_told_is_refused(caller: Caller, query: dict[str, str], named: str) -> None:
    answer = caller.client.post(f"/api/v2/jobs/{caller.make_job()}/report", params=query)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:2] == ["query", named]


def test_a_model_that_is_not_there_is_not_found(caller: Caller) -> None:
    job = made(caller)
    answer = caller.client.post(f"/api/v2/jobs/{job}/report", params={"first_model": "old", "second_model": "nobody"})
    assert answer.status_code == 404
    assert answer.json() == {"error": "Model not found", "details": f"Model 'nobody' not found for job '{job}'"}
