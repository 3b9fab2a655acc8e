"""Asking about documents, and what is kept of them for that."""

# ruff: noqa: SLF001 - what is kept shows itself by nothing but its speed

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.random_writes import packed

if TYPE_CHECKING:
    from trueline.catalog.records import Job
    from trueline.service.workspace import Workspace


def ask(workspace: Workspace, job: Job, *filters: dict[str, Any]) -> dict[str, Any]:
    return workspace.metrics.job(job.id, filters=list(filters))


def kept(workspace: Workspace, job: Job) -> list[str]:
    """The paths that are kept of a job, once all is read that was wished for."""
    workspace._filtering.put(job.id).result()
    of_job = workspace._ledger.kept.columns._kept.get(job.id)
    return [] if of_job is None else sorted(of_job.paths)


def send(workspace: Workspace, job: Job, *documents: dict[str, Any], first: int = 0, name: str = "") -> None:
    """Send documents, as decided events."""
    lines = [
        {"event_id": f"{name}{number}", "raw_body": document, "decision": {"label": "Drop"}, "timestamp": "2025-01-01"}
        for number, document in enumerate(documents, first)
    ]
    assert not workspace.ingest.bulk(job, packed(*lines)).rejected
