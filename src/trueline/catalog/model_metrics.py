"""The metrics of models as they were last computed: the one derived thing that is kept, as it says of when it is."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists, insert, select

from trueline.catalog.checks import MAX_ID, is_name
from trueline.catalog.engine import asking, writing
from trueline.catalog.errors import NoSuchModel
from trueline.catalog.records import ModelMetrics, RecomputeStatus
from trueline.catalog.tables import model_metrics, models

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Engine, Row


class ModelMetricsRecords:
    """One record a model whose metrics were ever asked for. For many threads at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, job_id: int, model_id: str) -> ModelMetrics | None:
        """The record of a model; None where there is none yet."""
        if not (1 <= job_id <= MAX_ID and is_name(model_id)):
            return None
        with asking(self._engine) as connection:
            return _read(connection, job_id, model_id)

    def queued(self) -> list[ModelMetrics]:
        """Those whose computation was asked for and did not end, the longest waiting first."""
        query = select(model_metrics).where(model_metrics.c.status == RecomputeStatus.QUEUED)
        with asking(self._engine) as connection:
            found = [_record(row) for row in connection.execute(query)]
        return sorted(found, key=lambda each: (each.requested_at, each.job_id, each.model_id))

    def queue(self, job_id: int, model_id: str, at: datetime) -> ModelMetrics:
        """Take in that a computation is asked for; what was computed last stays.

        Raises:
            NoSuchModel: the job has no such model.
        """
        return self._change(job_id, model_id, at, status=RecomputeStatus.QUEUED, requested_at=at)

    def complete(self, job_id: int, model_id: str, at: datetime, counts: Any) -> ModelMetrics:  # noqa: ANN401 - any JSON
        """Keep what was computed in a computation that began at a moment.

        Raises:
            NoSuchModel: the job has no such model.
        """
        return self._change(job_id, model_id, at, status=RecomputeStatus.COMPLETED, computed_at=at, counts=counts)

    def fail(self, job_id: int, model_id: str, at: datetime) -> ModelMetrics:
        """Take in that a computation failed; what was computed last stays.

        Raises:
            NoSuchModel: the job has no such model.
        """
        return self._change(job_id, model_id, at, status=RecomputeStatus.FAILED)

    def _change(self, job_id: int, model_id: str, at: datetime, **changes: Any) -> ModelMetrics:  # noqa: ANN401
        if at.utcoffset() is None:
            raise ValueError("the moment must say its time zone")
        with writing(self._engine) as connection:
            if not connection.scalar(select(exists().where(models.c.job_id == job_id, models.c.id == model_id))):
                raise NoSuchModel(job_id, model_id)
            found = _read(connection, job_id, model_id)
            record = replace(found or ModelMetrics(job_id, model_id, RecomputeStatus.QUEUED, at), **changes)
            if found is not None:
                connection.execute(
                    delete(model_metrics).where(model_metrics.c.job_id == job_id, model_metrics.c.model_id == model_id)
                )
            connection.execute(insert(model_metrics).values(asdict(record)))
        return record


def _read(connection: Connection, job_id: int, model_id: str) -> ModelMetrics | None:
    row = connection.execute(
        select(model_metrics).where(model_metrics.c.job_id == job_id, model_metrics.c.model_id == model_id)
    ).one_or_none()
    return None if row is None else _record(row)


def _record(row: Row[Any]) -> ModelMetrics:
    values = row._asdict()
    values["status"] = RecomputeStatus(values["status"])
    return ModelMetrics(**values)
