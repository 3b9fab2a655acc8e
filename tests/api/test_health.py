"""Whether the process is up and its stores answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trueline.catalog.errors import CatalogError, StoreFull
from trueline.ledger.errors import LedgerError, LedgerFullError

if TYPE_CHECKING:
    import httpx

    from api.caller import Caller
    from trueline.service.workspace import Workspace


def test_health_is_shown_to_anybody(anonymous: httpx.Client) -> None:
    for path in ("/healthz", "/readyz"):
        answer = anonymous.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (LedgerError("the ledger could not carry out a statement"), "ledger: "),
        (CatalogError("sqlite3.OperationalError"), "catalog: "),
        (LedgerFullError(), "ledger: the disk that the ledger is on is full"),
        (StoreFull(), "catalog: the disk that the catalog is on is full"),
    ],
)
def test_a_store_that_does_not_answer_is_named(
    error: Exception, reason: str, anonymous: httpx.Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(workspace, "ping", fail)
    answer = anonymous.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reason"].startswith(reason)
    assert "sqlite3" not in answer.text
    assert anonymous.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/health", "/api/v1/health/"])
def test_v1_health_says_whether_the_key_is_valid_and_is_always_200(
    path: str, caller: Caller, anonymous: httpx.Client
) -> None:
    assert caller.client.get(path).json() == {"status": True}
    for key in ({}, {"X-Arcanna-Api-Key": ""}, {"X-Arcanna-Api-Key": "trl_nonsense"}):
        answer = anonymous.get(path, headers=key)
        assert (answer.status_code, answer.text) == (200, '{"status":false}')


@pytest.mark.parametrize("path", ["/api/v2/health", "/api/v2/health/"])
def test_v2_health_has_its_three_texts(path: str, caller: Caller) -> None:
    answer = caller.client.get(path)
    assert (answer.status_code, answer.text) == (200, '{"status":"OK","reason":"","reason_details":""}')


def test_v2_health_names_the_store_that_does_not_answer(
    caller: Caller, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise CatalogError("sqlite3.OperationalError")

    monkeypatch.setattr(workspace, "ping", fail)
    answer = caller.client.get("/api/v2/health")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "NOK",
        "reason": "the catalog is not ready",
        "reason_details": "it does not answer or cannot be written",
    }


def test_requests_are_counted_by_route_and_status(caller: Caller, anonymous: httpx.Client) -> None:
    line = 'trueline_http_requests_total{method="PATCH",route="/api/v2/jobs/{job:path}",status="422"}'

    def counted() -> float:
        found = [each for each in anonymous.get("/metrics").text.splitlines() if each.startswith(line)]
        return float(found[0].split()[-1]) if found else 0.0

    job = caller.make_job()
    before = counted()
    for _ in range(3):
        caller.client.patch(f"/api/v2/jobs/{job}", json={"min_votes": 0})
    assert counted() == before + 3
