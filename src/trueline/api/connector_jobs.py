"""Jobs as connectors know them: read with what has come of them, trained, started, stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - FastAPI resolves it at run time

from trueline.api.access import Authenticated, Opened, job_for, jobs_for
from trueline.api.bodies import JsonRoute
from trueline.api.connector_job_schemas import ConnectorJobBody, JobName, OperationBody, OperationV1Body
from trueline.api.errors import answer
from trueline.api.threads import write_to
from trueline.instants import format_instant
from trueline.service.errors import JobNotFoundError
from trueline.service.resources import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from trueline.catalog.records import Job, Key
    from trueline.service.workspace import Workspace

router = APIRouter(tags=["jobs"], route_class=JsonRoute)

_READ = "read:resources"
_OPERATE = "execute:job_operations"


@router.get("/api/v1/jobs", response_model=list[ConnectorJobBody])
def list_jobs(opened: Opened, key: Authenticated) -> Response:
    """The jobs that the key may read."""
    shown = []
    for job in jobs_for(opened, key, _READ):
        try:
            shown.append(_shown(opened, job))
        except JobNotFoundError:  # deleted since they were listed
            continue
    return answer(shown)


@router.post("/api/v1/jobs/get_by_name", response_model=ConnectorJobBody)
def read_job_by_name(body: JobName, opened: Opened, key: Authenticated) -> Response:
    """One job, by exact title."""
    return answer(_shown(opened, job_for(opened, key, _READ, body.job_name)))


@router.post("/api/v1/jobs/get_by_name/labels", response_model=list[str])
def read_labels_by_name(body: JobName, opened: Opened, key: Authenticated) -> Response:
    """The labels of one job, by exact title."""
    return answer(job_for(opened, key, _READ, body.job_name).labels)


@router.get("/api/v1/jobs/{job:path}/labels", response_model=list[str])
def read_labels(job: str, opened: Opened, key: Authenticated) -> Response:
    """The labels of a job, in their order."""
    return answer(job_for(opened, key, _READ, job).labels)


# last of those that read, since a title may hold slashes
@router.get("/api/v1/jobs/{job:path}", response_model=ConnectorJobBody)
def read_job(job: str, opened: Opened, key: Authenticated) -> Response:
    """One job, by id or exact title."""
    return answer(_shown(opened, job_for(opened, key, _READ, job)))


@router.post("/api/v1/jobs/{job:path}/train", response_model=OperationV1Body)
async def train_v1(job: str, opened: Opened, key: Authenticated) -> Response:
    """As under v2."""
    return await _operate_v1(opened, key, job, opened.training.train)


@router.post("/api/v1/jobs/{job:path}/start", response_model=OperationV1Body)
async def start_v1(job: str, opened: Opened, key: Authenticated) -> Response:
    """As under v2."""
    return await _operate_v1(opened, key, job, opened.jobs.start)


@router.post("/api/v1/jobs/{job:path}/stop", response_model=OperationV1Body)
async def stop_v1(job: str, opened: Opened, key: Authenticated) -> Response:
    """As under v2."""
    return await _operate_v1(opened, key, job, opened.jobs.stop)


@router.post("/api/v2/jobs/{job:path}/train", response_model=OperationBody)
async def train(job: str, opened: Opened, key: Authenticated) -> Response:
    """Record a training of every subject that has a consensus label now; its model is active when this answers.

    Refused while another one runs, and where there is nothing to learn from.
    """
    return await _operate(opened, key, job, opened.training.train)


@router.post("/api/v2/jobs/{job:path}/start", response_model=OperationBody)
async def start(job: str, opened: Opened, key: Authenticated) -> Response:
    """Have a job take in events again."""
    return await _operate(opened, key, job, opened.jobs.start)


@router.post("/api/v2/jobs/{job:path}/stop", response_model=OperationBody)
async def stop(job: str, opened: Opened, key: Authenticated) -> Response:
    """Have a job refuse new events from now on; decisions, votes, trainings and questions go on."""
    return await _operate(opened, key, job, opened.jobs.stop)


async def _operate_v1(opened: Workspace, key: Key, job: str, operation: Callable[[Job], object]) -> Response:
    await write_to(opened, job, lambda: operation(job_for(opened, key, _OPERATE, job)))
    return answer({"status": "OK", "error_message": ""})


async def _operate(opened: Workspace, key: Key, job: str, operation: Callable[[Job], object]) -> Response:
    await write_to(opened, job, lambda: operation(job_for(opened, key, _OPERATE, job)))
    return answer({"status": "OK", "reason": "", "reason_details": ""})


def _shown(opened: Workspace, job: Job) -> dict[str, Any]:
    activity = opened.activity.of(job)
    training = opened.training.last(job)
    return {
        "job_id": job.id,
        "category": CATEGORIES[job.grouping],
        "data_type": "JSON alerts",
        "title": job.title,
        "status": job.status,
        "retrain_state": training.state,
        "retrain_msg": training.message,
        "labels": job.labels,
        "features": job.decision_points,
        "processed_documents_count": activity.decided_events,
        "feedback_documents_count": activity.voted_events,
        "last_processed_timestamp": _moment(activity.last_decided_at),
        "last_feedback_timestamp": _moment(activity.last_vote_at),
        "last_train_start_timestamp": _moment(training.started_at),
        "last_train_finished_timestamp": _moment(training.finished_at),
        "invalid": False,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else format_instant(moment)
