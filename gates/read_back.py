"""All events of a job as they are listed, with documents and own fields, held against the oracle's: decided or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from oracle import differences
from plain_values import Moment, iso

if TYPE_CHECKING:
    from killed import Job

_MOST: Final = 1_000
"""Events that a job of the gates may have, so that one page has all of them."""
_SHOWN: Final = ("result_label", "result", "previous_result", "consensus", "bucket_id", "confidence_score")


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
