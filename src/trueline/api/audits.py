"""Audits: planned, drawn, told."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - FastAPI resolves it at run time

from trueline.api.access import Authenticated, Opened, job_for
from trueline.api.audit_schemas import AuditDrawBody, AuditDrawQuery, AuditPlanBody, AuditPlanQuery
from trueline.api.bodies import JsonRoute
from trueline.api.errors import answer
from trueline.api.threads import ask, write_to
from trueline.service.audits import AuditWindow

router = APIRouter(tags=["audits"], route_class=JsonRoute)


@router.post("/api/v2/jobs/{job:path}/audit/plan", response_model=AuditPlanBody)
async def plan_audit(job: str, body: AuditPlanQuery, opened: Opened, key: Authenticated) -> Response:
    """How many of each decision to review, to be able to say that at most such a share of them is wrong."""

    def question() -> Response:
        named = job_for(opened, key, "read:job_metrics", job)
        return answer(opened.audits.plan(named, body.bound, body.level, AuditWindow(**body.window())))

    return await ask(opened, key, question)


@router.post("/api/v2/jobs/{job:path}/audit/draws", response_model=AuditDrawBody)
async def draw_audit(job: str, body: AuditDrawQuery, opened: Opened, key: Authenticated) -> Response:
    """Draw events, or buckets, of a decision by chance, to be reviewed; the same request again is the same draw."""

    def draw() -> Response:
        named = job_for(opened, key, "execute:job_operations", job)
        window = AuditWindow(**body.window())
        return answer(opened.audits.draw(named, body.decision, body.count, body.seed, window))

    return await write_to(opened, job, draw)


@router.get("/api/v2/jobs/{job:path}/audit/draws/{draw}", response_model=AuditDrawBody)
def read_draw(job: str, draw: str, opened: Opened, key: Authenticated) -> Response:
    """A draw, and what of it is reviewed by now."""
    return answer(opened.audits.drawn(job_for(opened, key, "read:job_metrics", job), draw))
