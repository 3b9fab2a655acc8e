"""Jobs and their models."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - FastAPI resolves it at run time

from trueline.api.access import Authenticated, Opened, job_for, jobs_for, may
from trueline.api.bodies import JsonRoute
from trueline.api.errors import ForbiddenError, answer
from trueline.api.schemas import JobBody, JobChange, JobCreate, ModelBody, ModelCreate, RebuiltBody
from trueline.api.threads import write_to
from trueline.instants import format_instant

if TYPE_CHECKING:
    from trueline.catalog.records import Job, Model
    from trueline.service.writing import Rebuilt

router = APIRouter(tags=["jobs"], route_class=JsonRoute)


@router.post("/api/v2/jobs", status_code=201, response_model=JobBody)
def create_job(body: JobCreate, opened: Opened, key: Authenticated) -> Response:
    """Make a job. A key that is limited to certain jobs makes none."""
    may(key, "write:resources")
    if key.jobs is not None:
        raise ForbiddenError("write:resources")
    return answer(_job(opened.jobs.create(**body.model_dump())), 201)


@router.get("/api/v2/jobs", response_model=list[JobBody])
def list_jobs(opened: Opened, key: Authenticated) -> Response:
    """The jobs that the key may read."""
    return answer([_job(job) for job in jobs_for(opened, key, "read:resources")])


@router.get("/api/v2/jobs/{job:path}/models", response_model=list[ModelBody])
def list_models(job: str, opened: Opened, key: Authenticated) -> Response:
    """The models of a job, oldest first."""
    named = job_for(opened, key, "read:resources", job)
    return answer([_model(model) for model in opened.training.models(named)])


@router.post("/api/v2/jobs/{job:path}/models", status_code=201, response_model=ModelBody)
async def register_model(job: str, body: ModelCreate, opened: Opened, key: Authenticated) -> Response:
    """Register a training done elsewhere, with the set it learned from, or every consensus at that moment."""

    def register() -> Model:
        named = job_for(opened, key, "execute:job_operations", job)
        return opened.training.register(named, **body.model_dump())

    return answer(_model(await write_to(opened, job, register)), 201)


@router.post("/api/v2/jobs/{job:path}/rebuild", response_model=RebuiltBody)
async def rebuild_job(job: str, opened: Opened, key: Authenticated) -> Response:
    """Derive all that is kept beside events and votes anew from them; says what had been wrong, if anything."""

    def rebuild() -> Rebuilt:
        return opened.jobs.rebuild(job_for(opened, key, "execute:job_operations", job).id)

    return answer(asdict(await write_to(opened, job, rebuild)))


# last, since a title may hold slashes
@router.get("/api/v2/jobs/{job:path}", response_model=JobBody)
def read_job(job: str, opened: Opened, key: Authenticated) -> Response:
    """One job, by id or exact title, and how many distinct paths its documents have."""
    named = job_for(opened, key, "read:resources", job)
    return answer(_job(named) | {"document_paths": opened.fields.breadth(named)})


@router.patch("/api/v2/jobs/{job:path}", response_model=JobBody)
async def change_job(job: str, body: JobChange, opened: Opened, key: Authenticated) -> Response:
    """Change what may change in a job; a change of min_votes is in every consensus when it answers."""

    def change() -> Job:
        named = job_for(opened, key, "write:resources", job)
        return opened.jobs.change(named.id, **body.model_dump(exclude_unset=True))

    return answer(_job(await write_to(opened, job, change)))


def _job(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "title": job.title,
        "labels": job.labels,
        "grouping": job.grouping,
        "decision_points": job.decision_points,
        "minutes_per_alert": job.minutes_per_alert,
        "min_votes": job.min_votes,
        "low_confidence_below": job.low_confidence_below,
        "created_at": format_instant(job.created_at),
        "status": job.status,
        "description": job.description,
        "cost_matrix": job.cost_matrix,
        "time_zone": job.time_zone,
        "labels_ordered": job.labels_ordered,
        "headline_label": job.headline_label,
    }


def _model(model: Model) -> dict[str, Any]:
    return {
        "job_id": model.job_id,
        "model_id": model.id,
        "trained_at": format_instant(model.trained_at),
        "active": model.active,
    }
