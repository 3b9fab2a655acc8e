"""A Trueline whose data folder this process has open."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from trueline.cli.trueline import BackupStream, JobRecord, ModelRecord, NoSuchJob, RebuiltRecord
from trueline.importers.workspace_sink import WorkspaceSink
from trueline.instants import format_instant
from trueline.service.audits import AuditWindow
from trueline.service.errors import JobNotFoundError
from trueline.service.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trueline.catalog.records import Job, Model
    from trueline.cli.trueline import Operation
    from trueline.service.workspace import Workspace


class LocalTrueline:
    """Works on the stores directly."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def jobs(self) -> list[JobRecord]:
        """All jobs, by id."""
        return [_record(job) for job in self._workspace.jobs.all()]

    def job(self, reference: str) -> JobRecord:
        """The job of that id or title."""
        return _record(self._job(reference))

    def create_job(self, title: str, labels: Sequence[str], given: Mapping[str, Any]) -> JobRecord:
        """Make a job."""
        return _record(self._workspace.jobs.create(title=title, labels=labels, **given))

    def change_job(self, reference: str, changes: Mapping[str, Any]) -> JobRecord:
        """Change what is named."""
        return _record(self._workspace.jobs.change(self._job(reference).id, **changes))

    def operate(self, reference: str, operation: Operation) -> None:
        """Start, stop or train a job."""
        job = self._job(reference)
        if operation == "train":
            self._workspace.training.train(job)
        elif operation == "start":
            self._workspace.jobs.start(job)
        else:
            self._workspace.jobs.stop(job)

    def delete_job(self, reference: str) -> None:
        """Take a job away for good."""
        self._workspace.jobs.delete(self._job(reference))

    def models(self, reference: str) -> list[ModelRecord]:
        """The models of a job, oldest first."""
        return [_model(model) for model in self._workspace.training.models(self._job(reference))]

    def register_model(self, reference: str, given: Mapping[str, Any]) -> ModelRecord:
        """Record a training."""
        return _model(self._workspace.training.register(self._job(reference), **given))

    def metrics(self, reference: str, asked: Mapping[str, str], filters: list[dict[str, Any]]) -> dict[str, Any]:
        """The body of the metrics route."""
        return self._workspace.metrics.job(self._job(reference).id, **asked, filters=filters)

    def report(self, reference: str, asked: Mapping[str, Any], filters: list[dict[str, Any]]) -> dict[str, Any]:
        """The body of the report route."""
        told = dict(asked)
        start, end = told.pop("start", None), told.pop("end", None)
        told["also"] = tuple(told.get("also", ()))
        return self._workspace.reports.of(self._job(reference), start, end, filters, Telling(**told))

    def audit_plan(self, reference: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The body of the route of that name."""
        given, window = _audited(asked)
        return self._workspace.audits.plan(self._job(reference), **given, window=window)

    def audit_draw(self, reference: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Likewise."""
        given, window = _audited(asked)
        return self._workspace.audits.draw(self._job(reference), **given, window=window)

    def audit_drawn(self, reference: str, draw: str) -> dict[str, Any]:
        """A draw, and what of it is reviewed by now."""
        return self._workspace.audits.drawn(self._job(reference), draw)

    def rebuild(self, reference: str) -> RebuiltRecord:
        """Derive anew what is derived."""
        rebuilt = self._workspace.jobs.rebuild(self._job(reference).id)
        return RebuiltRecord(rebuilt.subjects, rebuilt.corrected)

    @contextmanager
    def backup(self) -> Iterator[BackupStream]:
        """Of the stores."""
        with self._workspace.backups.take() as taken:
            yield BackupStream(taken.size, taken.chunks())

    def sink(self, job: JobRecord) -> WorkspaceSink:
        """Straight into the stores."""
        return WorkspaceSink(self._workspace.ingest, self._workspace.jobs.get(job.id))

    def _job(self, reference: str) -> Job:
        try:
            return self._workspace.jobs.get(reference)
        except JobNotFoundError:
            raise NoSuchJob(reference) from None


def _audited(asked: Mapping[str, Any]) -> tuple[dict[str, Any], AuditWindow]:
    given = dict(asked)
    window = AuditWindow(given.pop("start_datetime", None), given.pop("end_datetime", None), given.pop("filters", None))
    return given, window


def _record(job: Job) -> JobRecord:
    return JobRecord(
        id=job.id,
        title=job.title,
        labels=job.labels,
        grouping=job.grouping.value,
        decision_points=job.decision_points,
        minutes_per_alert=job.minutes_per_alert,
        min_votes=job.min_votes,
        low_confidence_below=job.low_confidence_below,
        cost_matrix=None if job.cost_matrix is None else dict(job.cost_matrix),
        time_zone=job.time_zone,
        labels_ordered=job.labels_ordered,
        headline_label=job.headline_label,
    )


def _model(model: Model) -> ModelRecord:
    return ModelRecord(model.id, format_instant(model.trained_at), model.active)
