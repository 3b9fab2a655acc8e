"""A Trueline behind a running server."""

from __future__ import annotations

from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from trueline.cli.sentences import Refused
from trueline.cli.trueline import BackupStream, JobRecord, ModelRecord, NoSuchJob, RebuiltRecord
from trueline.importers.http_sink import HttpSink, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import httpx

    from trueline.cli.trueline import Operation

_CHUNK = 1024 * 1024


class RemoteTrueline:
    """Works through the server's routes."""

    def __init__(self, client: httpx.Client) -> None:
        """``client`` knows the server's address and the key."""
        self._client = client

    def jobs(self) -> list[JobRecord]:
        """All jobs that the key may see, by id."""
        return [_record(job) for job in self._answer("GET", "/api/v2/jobs")]

    def job(self, reference: str) -> JobRecord:
        """The job of that id or title."""
        return _record(self._answer("GET", f"/api/v2/jobs/{quote(reference, safe='')}", reference))

    def create_job(self, title: str, labels: Sequence[str], given: Mapping[str, Any]) -> JobRecord:
        """Make a job."""
        return _record(self._answer("POST", "/api/v2/jobs", json={"title": title, "labels": list(labels), **given}))

    def change_job(self, reference: str, changes: Mapping[str, Any]) -> JobRecord:
        """Change what is named."""
        job = self.job(reference)
        return _record(self._answer("PATCH", f"/api/v2/jobs/{job.id}", reference, json=changes))

    def operate(self, reference: str, operation: Operation) -> None:
        """Start, stop or train a job."""
        self._answer("POST", f"/api/v2/jobs/{quote(reference, safe='')}/{operation}", reference)

    def delete_job(self, reference: str) -> None:
        """Take a job away for good."""
        job = self.job(reference)
        self._answer("DELETE", "/api/v2/resources", reference, params={"resource_type": "job", "id": job.id})

    def models(self, reference: str) -> list[ModelRecord]:
        """The models of a job, oldest first."""
        job = self.job(reference)
        return [_model(model) for model in self._answer("GET", f"/api/v2/jobs/{job.id}/models", reference)]

    def register_model(self, reference: str, given: Mapping[str, Any]) -> ModelRecord:
        """Record a training."""
        job = self.job(reference)
        return _model(self._answer("POST", f"/api/v2/jobs/{job.id}/models", reference, json=given))

    def metrics(self, reference: str, asked: Mapping[str, str], filters: list[dict[str, Any]]) -> dict[str, Any]:
        """The body of the metrics route."""
        names = {"start": "start_datetime", "end": "end_datetime", "truth": "truth"}
        query = {"job_id": reference, **{names[name]: value for name, value in asked.items()}}
        body: dict[str, Any] = self._answer(
            "POST",
            "/api/v2/metrics/job",
            reference,
            params=query,
            json={"filters": filters} if filters else {},
        )
        return body

    def report(self, reference: str, asked: Mapping[str, Any], filters: list[dict[str, Any]]) -> dict[str, Any]:
        """The body of the report route."""
        names = {"start": "start_datetime", "end": "end_datetime"}
        body: dict[str, Any] = self._answer(
            "POST",
            f"/api/v2/jobs/{quote(reference, safe='')}/report",
            reference,
            params={names.get(name, name): value for name, value in asked.items()},
            json={"filters": filters} if filters else {},
        )
        return body

    def audit_plan(self, reference: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The body of the route of that name."""
        return self._audit(reference, "POST", "plan", json=dict(asked))

    def audit_draw(self, reference: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Likewise."""
        return self._audit(reference, "POST", "draws", json=dict(asked))

    def audit_drawn(self, reference: str, draw: str) -> dict[str, Any]:
        """A draw, and what of it is reviewed by now."""
        return self._audit(reference, "GET", f"draws/{quote(draw, safe='')}")

    def rebuild(self, reference: str) -> RebuiltRecord:
        """Have the server derive anew what is derived."""
        job = self.job(reference)
        rebuilt = self._answer("POST", f"/api/v2/jobs/{job.id}/rebuild", reference)
        try:
            return RebuiltRecord(rebuilt["subjects"], rebuilt["corrected"])
        except (KeyError, TypeError):
            raise Refused("the server does not answer as a Trueline server does") from None

    @contextmanager
    def backup(self) -> Iterator[BackupStream]:
        """What the server sends."""
        with self._client.stream("POST", "/api/v2/backup") as response:
            if not response.is_success:
                response.read()
                raise Refused(refusal(response))
            announced = response.headers.get("Content-Length", "")
            if not announced.isdecimal():
                raise Refused(f"{self._client.base_url} does not answer as a Trueline server does")
            yield BackupStream(int(announced), response.iter_raw(_CHUNK))

    def sink(self, job: JobRecord) -> HttpSink:
        """The bulk route."""
        return HttpSink(self._client, job.id)

    def _audit(self, reference: str, method: str, path: str, **sent: Any) -> dict[str, Any]:  # noqa: ANN401 - what httpx takes
        job = self.job(reference)  # so that, of what is not found below, it is not the job
        body: dict[str, Any] = self._answer(method, f"/api/v2/jobs/{job.id}/audit/{path}", **sent)
        return body

    def _answer(
        self,
        method: str,
        path: str,
        reference: str | None = None,
        **sent: Any,  # noqa: ANN401 - what httpx takes
    ) -> Any:  # noqa: ANN401 - JSON
        response = self._client.request(method, path, **sent)
        if response.status_code == HTTPStatus.NOT_FOUND and reference is not None:
            raise NoSuchJob(reference)
        if not response.is_success:
            raise Refused(refusal(response))
        try:
            return response.json()
        except ValueError:
            raise Refused(f"{self._client.base_url} does not answer as a Trueline server does") from None


def _record(job: dict[str, Any]) -> JobRecord:
    try:
        return JobRecord(
            id=int(job["job_id"]),
            title=job["title"],
            labels=tuple(job["labels"]),
            grouping=job["grouping"],
            decision_points=tuple(job["decision_points"]),
            minutes_per_alert=job["minutes_per_alert"],
            min_votes=job["min_votes"],
            low_confidence_below=job["low_confidence_below"],
            cost_matrix=job["cost_matrix"],
            time_zone=job["time_zone"],
            labels_ordered=job["labels_ordered"],
            headline_label=job["headline_label"],
        )
    except (KeyError, TypeError, ValueError):
        raise Refused("the server does not describe a job as a Trueline server does") from None


def _model(model: dict[str, Any]) -> ModelRecord:
    try:
        return ModelRecord(model["model_id"], model["trained_at"], model["active"])
    except (KeyError, TypeError):
        raise Refused("the server does not describe a model as a Trueline server does") from None
