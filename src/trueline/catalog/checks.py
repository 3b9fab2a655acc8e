"""What every database can keep faithfully, asked before a record is written.

SQLite and PostgreSQL differ in what they refuse: a NUL in a text, a text too long for an index, a number that
is none. Asking here makes both refuse the same, with the same words.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trueline.catalog.records import Costs, Job, Key, Model

MAX_ID = 2**63 - 1
MAX_TRAINING = 2**64 - 1
MAX_NAME_LENGTH = 500
"""Characters: four bytes each still fit PostgreSQL's limit of 2,704 bytes for what an index holds."""

MAX_TEXT_LENGTH = 10_000
MAX_COST = 1e12
"""Of one event: sums over more events than there will ever be stay finite."""


def is_name(text: str) -> bool:
    """Tell whether a text can be a title, name or id: 1 to 500 characters, valid Unicode, no NUL."""
    return 0 < len(text) <= MAX_NAME_LENGTH and "\0" not in text and not _has_lone_surrogate(text)


def is_text(text: str) -> bool:
    """Tell whether a text for people can be kept: up to 10,000 characters, valid Unicode, no NUL."""
    return len(text) <= MAX_TEXT_LENGTH and "\0" not in text and not _has_lone_surrogate(text)


def check_job(job: Job) -> None:
    """Raise ValueError for a job that not every database can keep."""
    _name("the job's title", job.title)
    _within("the job's id", job.id, 1, MAX_ID)
    _within("min_votes", job.min_votes, 1, MAX_ID)
    _within("consensus_min_votes", job.consensus_min_votes, 1, MAX_ID)
    _within("minutes_per_alert", job.minutes_per_alert, 0, MAX_COST)
    _within("low_confidence_below", job.low_confidence_below, 0, 100)
    _moment("created_at", job.created_at)
    _text("the description", job.description)
    _text("what is said of the last training", job.last_train_error)
    _name("the time zone", job.time_zone)
    if job.headline_label is not None and job.headline_label not in job.labels:
        raise ValueError(f"the headline label must be one of the job's labels, not {job.headline_label!r}")
    if job.cost_matrix is not None:
        _costs(job.cost_matrix, job.labels)
    for name in ("last_train_started_at", "last_train_finished_at"):
        moment = getattr(job, name)
        if moment is not None:
            _moment(name, moment)


def check_model(model: Model) -> None:
    """Raise ValueError for a model that not every database can keep."""
    _name("the model's id", model.id)
    _within("the job's id", model.job_id, 1, MAX_ID)
    _within("the id of the training", model.training, 0, MAX_TRAINING)
    _name("the digest of the request", model.request_digest)
    _moment("trained_at", model.trained_at)
    _moment("recorded_at", model.recorded_at)


def check_key(key: Key) -> None:
    """Raise ValueError for a key that not every database can keep."""
    _name("the key's id", key.id)
    _name("the key's name", key.name)
    _name("the key's digest", key.digest)
    _moment("created_at", key.created_at)
    for name, moment in (("expires_at", key.expires_at), ("revoked_at", key.revoked_at)):
        if moment is not None:
            _moment(name, moment)


def _costs(costs: Costs, labels: Sequence[str]) -> None:
    _name("the unit of costs", costs["unit"])
    if costs["per_error"] is not None:
        _within("per_error", costs["per_error"], 0, MAX_COST)
    for truth, row in costs["cells"].items():
        for decision, cost in row.items():
            unknown = next((label for label in (truth, decision) if label not in labels), None)
            if unknown is not None:
                raise ValueError(f"there is a cost for {unknown!r}, which is not one of the job's labels")
            _within(f"the cost of {truth!r} decided {decision!r}", cost, 0, MAX_COST)


def _name(what: str, text: str) -> None:
    if not is_name(text):
        raise ValueError(f"{what} must have 1 to {MAX_NAME_LENGTH} characters, all of them valid and none NUL")


def _text(what: str, text: str) -> None:
    if not is_text(text):
        raise ValueError(f"{what} must have up to {MAX_TEXT_LENGTH} characters, all of them valid and none NUL")


def _within(what: str, number: float, least: float, most: float) -> None:
    if not (math.isfinite(number) and least <= number <= most):
        raise ValueError(f"{what} must be from {least} to {most}, not {number}")


def _moment(what: str, moment: datetime) -> None:
    if moment.utcoffset() is None:
        raise ValueError(f"{what} must say its time zone")


def _has_lone_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
