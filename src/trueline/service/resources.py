"""Jobs as resources: the form in which management clients read, make, change and delete them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from trueline.catalog.records import Grouping
from trueline.service.errors import ConflictError, InvalidRequestError
from trueline.service.jobs import check_description, check_job_labels, check_new

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trueline.catalog.records import Job
    from trueline.service.jobs import Jobs

CATEGORIES: Final = {
    Grouping.BUCKET: "Decision intelligence",
    Grouping.EVENT: "Event centric decision intelligence",
}
"""What clients call the groupings."""

DEFAULT_LABELS: Final = ("Escalate", "Drop", "Investigate")
"""Of a job that is made without labels, as the official client documents it."""

MAX_SETTINGS_BYTES: Final = 64 * 1024
"""Of the advanced settings of a job, written as JSON."""


@dataclass(frozen=True, slots=True)
class JobResource:
    """A job as a client wants it; None, and what is left out, is to stay as it is."""

    name: str
    """What the request calls it."""
    title: str
    category: str
    job_id: int | None = None
    description: str | None = None
    decision_points: Sequence[str] | None = None
    labels: Sequence[str] | None = None
    label_colors: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Advanced settings but for the labels, as given."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of resources: the name in the request, and the job."""

    created: list[tuple[str, Job]]
    updated: list[tuple[str, Job]]


class Resources:
    """The jobs of one Trueline as resources."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._one_at_a_time = threading.Lock()

    def properties(self, job: Job) -> dict[str, Any]:
        """What a client reads of a job. Handed back as it is, it changes nothing."""
        labels = [{"name": label, "hex_color": job.label_colors.get(label)} for label in job.labels]
        return {
            "title": job.title,
            "id": job.id,
            "description": job.description,
            "category": CATEGORIES[job.grouping],
            "decision_points": job.decision_points,
            "advanced_settings": {"custom_labels": labels, "auto_retrain": None, **job.advanced_settings},
            "pipeline_integrations": [],
        }

    def write(self, wanted: Sequence[JobResource], *, overwrite: bool) -> Written:
        """Make the jobs that are not there and, if that is wanted, change the others. All are checked before any is.

        Raises:
            InvalidRequestError: naming the part that is wrong.
            ConflictError: a job is there and not to be overwritten, or what cannot change in it is to.
        """
        with self._one_at_a_time:
            there = [self._jobs.titled(each.title) for each in wanted]
            for position, (each, job) in enumerate(zip(wanted, there, strict=True)):
                if any(each.title == other.title for other in wanted[:position]):
                    raise InvalidRequestError(_at(each, "title"), f"two resources are titled {each.title!r}")
                try:
                    _check(each, job, overwrite=overwrite)
                except InvalidRequestError as error:
                    raise InvalidRequestError(_at(each, *error.location[1:]), str(error)) from None
            written = Written([], [])
            for each, job in zip(wanted, there, strict=True):
                if job is None:
                    written.created.append((each.name, self._create(each)))
                else:
                    written.updated.append((each.name, self._change(each, job)))
            return written

    def _create(self, wanted: JobResource) -> Job:
        return self._jobs.create(
            title=wanted.title,
            labels=wanted.labels or DEFAULT_LABELS,
            grouping=_grouping(wanted),
            decision_points=wanted.decision_points or (),
            description=wanted.description or "",
            label_colors=wanted.label_colors,
            advanced_settings=wanted.settings,
        )

    def _change(self, wanted: JobResource, job: Job) -> Job:
        return self._jobs.change(
            job.id,
            labels=wanted.labels,
            description=wanted.description,
            label_colors={**job.label_colors, **wanted.label_colors},
            advanced_settings={**job.advanced_settings, **wanted.settings},
        )


def _at(wanted: JobResource, *part: str | int) -> tuple[str | int, ...]:
    return ("body", "resources", wanted.name, "properties", *part)


def _grouping(wanted: JobResource) -> Grouping:
    for grouping, category in CATEGORIES.items():
        if category == wanted.category:
            return grouping
    known = " and ".join(repr(category) for category in CATEGORIES.values())
    raise InvalidRequestError(("body", "category"), f"there are jobs of the categories {known} here")


def _check(wanted: JobResource, job: Job | None, *, overwrite: bool) -> None:
    grouping = _grouping(wanted)
    settings = dict(wanted.settings)
    if job is None:
        if wanted.job_id is not None:
            raise InvalidRequestError(("body", "id"), "a job that is made gets its id here: leave it out")
        _check_new(wanted)
    else:
        if not overwrite:
            raise ConflictError(f"there is a job titled {job.title!r} already: overwrite=true would change it")
        _check_changes(wanted, job, grouping)
        settings = {**job.advanced_settings, **settings}
    if len(msgspec.json.encode(settings)) > MAX_SETTINGS_BYTES:
        raise InvalidRequestError(
            ("body", "advanced_settings"), f"advanced_settings have up to {MAX_SETTINGS_BYTES} bytes"
        )


def _check_new(wanted: JobResource) -> None:
    check_new(
        title=wanted.title,
        labels=wanted.labels or DEFAULT_LABELS,
        decision_points=wanted.decision_points or (),
        description=wanted.description or "",
    )


def _check_changes(wanted: JobResource, job: Job, grouping: Grouping) -> None:
    """Refuse what contradicts the events and votes that are there already."""
    if wanted.job_id not in {None, job.id}:
        raise ConflictError(f"the job titled {job.title!r} has the id {job.id}, not {wanted.job_id}")
    if grouping is not job.grouping:
        raise ConflictError(f"the category of the job {job.title!r} cannot change: it is {CATEGORIES[job.grouping]!r}")
    if wanted.decision_points is not None and tuple(wanted.decision_points) != job.decision_points:
        raise ConflictError(
            f"the decision points of the job {job.title!r} cannot change: they are {', '.join(job.decision_points)}"
        )
    if wanted.labels is not None:
        taken_away = [label for label in job.labels if label not in wanted.labels]
        if taken_away:
            raise ConflictError(f"label {taken_away[0]!r} of the job {job.title!r} cannot be taken away")
        check_job_labels(wanted.labels)
    if wanted.description is not None:
        check_description(wanted.description)
