"""What a job answers, held against the oracle: its numbers, and each event with its document, decided or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gate import BrokenError
from oracle import differences
from plain_values import Moment, iso
from wire import asked

if TYPE_CHECKING:
    from writing import Job

QUESTIONS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"truth": "explicit"},
    {"start": "2025-01-01T01:00:00Z", "end": "2025-01-01T03:30:00Z"},
    {"filters": [{"field": "arcanna.consensus", "operator": "exists"}]},
    {"filters": [{"field": "n", "operator": "gt", "value": 0.5}]},
    {"filters": [{"field": "arcanna.knowledge_base_state", "operator": "is one of", "value": ["new", "retrain"]}]},
)
ANSWERS: Final = len(QUESTIONS) + 1
"""That are compared of a job at a time."""
_MOST: Final = 1_000
"""Events that a job of the gates may have, so that one page has all of them."""
_SHOWN: Final = ("result_label", "result", "previous_result", "consensus", "bucket_id", "confidence_score")


def compare(address: str, key: str, job: Job, *, rebuild: bool = True) -> int:
    """Ask all questions and for all events, and hold the answers against the oracle's; how many there were."""
    for question in QUESTIONS:
        query = f"job_id={job.id}&truth={question.get('truth', 'implicit')}"
        query += "".join(f"&{bound}_datetime={question[bound]}" for bound in ("start", "end") if bound in question)
        answer = asked(address, key, "POST", f"/api/v2/metrics/job?{query}", {"filters": question.get("filters", [])})
        if wrong := differences(answer, job.told.metrics(**question)):
            raise BrokenError(f"job {job.id}, {question}: {'; '.join(wrong[:5])}")
    if wrong := wrong_events(asked(address, key, "POST", "/api/v2/events/query", listing(job)), job):
        raise BrokenError(f"job {job.id}: {'; '.join(wrong[:5])}")
    if not rebuild:
        return ANSWERS
    rebuilt = asked(address, key, "POST", f"/api/v2/jobs/{job.id}/rebuild", None)
    if rebuilt["corrected"]:
        raise BrokenError(f"job {job.id}: what is kept beside events and votes differed from a recount: {rebuilt}")
    return ANSWERS


def listing(job: Job) -> dict[str, Any]:
    """The body that asks for all of them."""
    return {"job_ids": job.id, "size": _MOST}


def wrong_events(answer: dict[str, Any], job: Job) -> list[str]:
    """What is wrong with the answer: events that are missing, foreign or there twice, and what differs of the rest."""
    latest = {sent.event_id: sent for sent in job.told.sent}
    found = {each["event_id"]: each for each in answer["events"]}
    if set(found) != set(latest) or not answer["total_count"] == len(answer["events"]) == len(latest):
        missing, foreign = sorted(set(latest) - set(found)), sorted(set(found) - set(latest))
        return [
            f"{answer['total_count']} events instead of {len(latest)}; missing {missing[:5]}, foreign {foreign[:5]}"
        ]
    return [
        f"{name}: {wrong}" for name in latest for wrong in differences(_told_of(found[name]), _expected_of(job, name))
    ]


def _told_of(event: dict[str, Any]) -> dict[str, Any]:
    own = event["arcanna"]
    return {
        "raw_event": event["raw_event"],
        "@timestamp": own["@timestamp"],
        **{name: own[name] for name in _SHOWN},
        "state": own["bucket_state"] or own["knowledge_base_state"],
    }


def _expected_of(job: Job, name: str) -> dict[str, Any]:
    latest = [sent for sent in job.told.sent if sent.event_id == name][-1]
    own = job.told.own_fields(latest)
    moment = own["@timestamp"]
    return {
        "raw_event": latest.document,
        "@timestamp": iso(moment.micros) if isinstance(moment, Moment) else None,
        **{name: own[f"arcanna.{name}"] for name in _SHOWN},
        "state": job.told.state(latest.bucket),
    }
