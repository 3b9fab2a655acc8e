"""Jobs: made, read, changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from trueline.catalog.checks import MAX_COST, MAX_TEXT_LENGTH, is_name, is_text
from trueline.catalog.errors import JobIdDeleted, JobIdTaken, NoSuchJob, TitleTaken
from trueline.catalog.records import Grouping, Job, Status
from trueline.labels import check_labels
from trueline.service.errors import ConflictError, InvalidRequestError, JobNotFoundError
from trueline.service.job_settings import Unchanged, check_cost_matrix, check_headline_label, check_time_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trueline.catalog.records import JobChanges
    from trueline.catalog.store import Catalog
    from trueline.service.writing import Rebuilt, Writing

MAX_TITLE_LENGTH = 200
MAX_JOB_ID = 2**63 - 1
MAX_DECISION_POINTS = 64
MAX_MIN_VOTES = 1_000
DEFAULT_MINUTES_PER_ALERT = 10.0
DEFAULT_LOW_CONFIDENCE_BELOW = 60.0
_PERCENT = 100


class Jobs:
    """The jobs of one Trueline."""

    def __init__(self, catalog: Catalog, writing: Writing) -> None:
        self._catalog = catalog
        self._writing = writing

    def create(  # noqa: PLR0913 - a job has that many parts
        self,
        *,
        title: str,
        labels: Sequence[str],
        grouping: str = "event",
        decision_points: Sequence[str] = (),
        minutes_per_alert: float = DEFAULT_MINUTES_PER_ALERT,
        min_votes: int = 1,
        low_confidence_below: float = DEFAULT_LOW_CONFIDENCE_BELOW,
        description: str = "",
        label_colors: Mapping[str, str] | None = None,
        advanced_settings: Mapping[str, Any] | None = None,
        cost_matrix: object = None,
        time_zone: str = "UTC",
        labels_ordered: bool = False,
        headline_label: str | None = None,
        job_id: int | None = None,
    ) -> Job:
        """Make a job; without a `job_id` it gets the next free one.

        Raises:
            InvalidRequestError: naming the part that is wrong.
            ConflictError: the title or the id is taken.
        """
        if job_id is not None and not 1 <= job_id <= MAX_JOB_ID:
            raise InvalidRequestError(("body", "job_id"), f"job_id must be between 1 and {MAX_JOB_ID}")
        check_new(title=title, labels=labels, decision_points=decision_points, description=description)
        try:
            return self._catalog.add_job(
                job_id=job_id,
                title=title,
                labels=labels,
                grouping=_grouping(grouping),
                decision_points=decision_points,
                minutes_per_alert=_minutes(minutes_per_alert),
                min_votes=_min_votes(min_votes),
                low_confidence_below=_percent(low_confidence_below),
                description=description,
                label_colors=label_colors,
                advanced_settings=advanced_settings,
                cost_matrix=check_cost_matrix(cost_matrix, labels),
                time_zone=check_time_zone(time_zone),
                labels_ordered=labels_ordered,
                headline_label=check_headline_label(headline_label, labels),
            )
        except TitleTaken as error:
            raise ConflictError(f"there is a job titled {title!r} already") from error
        except JobIdTaken as error:
            raise ConflictError(f"there is a job {job_id} already") from error
        except JobIdDeleted as error:
            raise ConflictError(str(error)) from error
        except ValueError as error:
            raise InvalidRequestError(("body",), str(error)) from None

    def titled(self, title: str) -> Job | None:
        """The job of exactly that title; None: there is none."""
        return self._catalog.job_by_title(title)

    def get(self, reference: int | str) -> Job:
        """The job of that id (a number or its text) or exact title.

        Raises:
            JobNotFoundError: there is none.
        """
        job: Job | None = None
        text = str(reference)
        if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_JOB_ID)):
            job = self._catalog.job_by_id(int(text))
        if job is None and isinstance(reference, str):
            job = self._catalog.job_by_title(reference)
        if job is None:
            raise JobNotFoundError
        return job

    def all(self) -> list[Job]:
        """Every job, by id."""
        return self._catalog.jobs()

    def change(  # noqa: PLR0913 - a job has that many parts
        self,
        reference: int | str,
        *,
        title: str | None = None,
        labels: Sequence[str] | None = None,
        minutes_per_alert: float | None = None,
        min_votes: int | None = None,
        low_confidence_below: float | None = None,
        description: str | None = None,
        label_colors: Mapping[str, str] | None = None,
        advanced_settings: Mapping[str, Any] | None = None,
        cost_matrix: object = Unchanged.UNCHANGED,
        time_zone: str | None = None,
        labels_ordered: bool | None = None,
        headline_label: str | Unchanged | None = Unchanged.UNCHANGED,
    ) -> Job:
        """Change what may change in a job; labels may be added and put in another order, none left out.

        None leaves a part as it is, but sets cost_matrix and headline_label back to their defaults.

        Raises:
            JobNotFoundError: there is no such job.
            InvalidRequestError: naming the part that is wrong.
            ConflictError: the title is taken.
        """
        given: dict[str, Any] = {
            "title": title,
            "labels": labels,
            "minutes_per_alert": minutes_per_alert,
            "min_votes": min_votes,
            "low_confidence_below": low_confidence_below,
            "description": description,
            "label_colors": label_colors,
            "advanced_settings": advanced_settings,
            "time_zone": time_zone,
            "labels_ordered": labels_ordered,
        }
        with self._writing.on(self.get(reference).id) as job:
            changes = {name: _CHECKS[name](value) for name, value in given.items() if value is not None}
            missing = [label for label in job.labels if label not in changes.get("labels", job.labels)]
            if missing:
                raise InvalidRequestError(("body", "labels"), f"label {missing[0]!r} cannot be taken away")
            labels = changes.get("labels", job.labels)
            if not isinstance(cost_matrix, Unchanged):
                changes["cost_matrix"] = check_cost_matrix(cost_matrix, labels)
            if not isinstance(headline_label, Unchanged):
                changes["headline_label"] = check_headline_label(headline_label, labels)
            try:
                changed = self._catalog.change_job(job.id, **cast("JobChanges", changes))
            except TitleTaken as error:
                raise ConflictError(f"there is a job titled {title!r} already") from error
            except ValueError as error:
                raise InvalidRequestError(("body",), str(error)) from None
            if changed.min_votes != changed.consensus_min_votes:
                self._writing.derive_all(changed)
            return changed

    def start(self, job: Job) -> Job:
        """Have a job take in events; one that does already goes on doing so."""
        return self._set_status(job, Status.ENABLED)

    def stop(self, job: Job) -> Job:
        """Have a job refuse events from now on; decisions, votes, trainings and questions go on."""
        return self._set_status(job, Status.DISABLED)

    def _set_status(self, job: Job, status: Status) -> Job:
        try:
            return self._catalog.change_job(job.id, status=status)
        except NoSuchJob:
            raise JobNotFoundError from None

    def delete(self, job: Job) -> None:
        """Take a job away for good, with its events, votes, consensus, knowledge bases and models.

        Its id is never given again.

        Raises:
            JobNotFoundError: somebody else has deleted it.
        """
        self._writing.delete(job.id)

    def rebuild(self, reference: int | str) -> Rebuilt:
        """Derive all that is kept of a job beside events and votes anew from them.

        Raises:
            JobNotFoundError: there is no such job.
        """
        return self._writing.rebuild(self.get(reference).id)


def check_new(*, title: str, labels: Sequence[str], decision_points: Sequence[str], description: str) -> None:
    """Check the texts of a job that is to be made.

    Raises:
        InvalidRequestError: naming the part that is wrong.
    """
    _title(title)
    check_job_labels(labels)
    _decision_points(decision_points)
    check_description(description)


def check_description(description: str) -> str:
    """Refuse a description that not every store can keep.

    Raises:
        InvalidRequestError: it is too long, or has a NUL or a lone surrogate.
    """
    if not is_text(description):
        raise InvalidRequestError(
            ("body", "description"),
            f"description must have up to {MAX_TEXT_LENGTH} characters, all of them valid and none NUL",
        )
    return description


def _title(title: str) -> str:
    if not title.strip() or len(title) > MAX_TITLE_LENGTH or not is_name(title):
        raise InvalidRequestError(
            ("body", "title"), f"title must have 1 to {MAX_TITLE_LENGTH} characters, all of them valid and none NUL"
        )
    if title.endswith("/"):
        raise InvalidRequestError(
            ("body", "title"), "title must not end with a slash: paths with and without are alike"
        )
    if title.isascii() and title.isdigit():
        raise InvalidRequestError(("body", "title"), "title must not be a number: jobs are named by id or title")
    return title


def check_job_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Give the labels if a job may have them.

    Raises:
        InvalidRequestError: it may not, or they cannot be shown.
    """
    _check_text("labels", labels)
    try:
        return check_labels(labels)
    except ValueError as error:
        raise InvalidRequestError(("body", "labels"), str(error)) from None


def _decision_points(paths: Sequence[str]) -> tuple[str, ...]:
    _check_text("decision_points", paths)
    if len(paths) > MAX_DECISION_POINTS or len(set(paths)) < len(paths):
        raise InvalidRequestError(
            ("body", "decision_points"), f"decision_points are up to {MAX_DECISION_POINTS} different field paths"
        )
    return tuple(paths)


def _check_text(name: str, texts: Sequence[str]) -> None:
    """Refuse a lone surrogate, which the stores could keep but no answer could show."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        raise InvalidRequestError(("body", name), f"{name} hold a lone surrogate, which is no text") from None


def _grouping(grouping: str) -> Grouping:
    try:
        return Grouping(grouping)
    except ValueError:
        raise InvalidRequestError(("body", "grouping"), "grouping is 'event' or 'bucket'") from None


def _minutes(minutes: float) -> float:
    if not 0 <= minutes <= MAX_COST:
        raise InvalidRequestError(
            ("body", "minutes_per_alert"), f"minutes_per_alert must be between 0 and {MAX_COST:.0e}"
        )
    return float(minutes)


def _min_votes(votes: int) -> int:
    if not 1 <= votes <= MAX_MIN_VOTES:
        raise InvalidRequestError(("body", "min_votes"), f"min_votes must be between 1 and {MAX_MIN_VOTES}")
    return votes


def _percent(percent: float) -> float:
    if not 0 <= percent <= _PERCENT:
        raise InvalidRequestError(("body", "low_confidence_below"), "low_confidence_below must be between 0 and 100")
    return float(percent)


_CHECKS: Final[dict[str, Callable[[Any], Any]]] = {
    "title": _title,
    "labels": check_job_labels,
    "minutes_per_alert": _minutes,
    "min_votes": _min_votes,
    "low_confidence_below": _percent,
    "description": check_description,
    "label_colors": dict,
    "advanced_settings": dict,
    "time_zone": check_time_zone,
    "labels_ordered": bool,
}
"""What makes a value that is to be changed one that is kept."""
