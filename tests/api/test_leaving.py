"""A client that leaves before it is answered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from api.caller import Caller
    from trueline.ledger.engine import Engine
    from trueline.service.workspace import Workspace

LONG = "SELECT sum(sipHash64(number, 'left alone')) FROM numbers(1000000000000)"
RUNNING = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sum(sipHash64(number, \\'left%'"


def comes_to(engine: Engine, running: int) -> bool:
    """Whether so many long queries run, soon."""
    deadline = time.monotonic() + 20
    while engine.rows(RUNNING) != [(running,)]:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_its_query_is_stopped_in_the_engine(
    caller: Caller, server: str, admin_key: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = workspace._ledger.engine  # noqa: SLF001 - its processes tell what goes on
    job = caller.make_job()
    ended: list[BaseException] = []

    def ask_long(*_: object, **__: object) -> Any:  # noqa: ANN401 - never answers
        try:
            return engine.rows(LONG)
        except BaseException as error:
            ended.append(error)
            raise

    monkeypatch.setattr(workspace.reports, "of", ask_long)
    monkeypatch.setattr(workspace, "settings", workspace.settings.model_copy(update={"query_seconds": 600.0}))
    monkeypatch.setattr(engine, "_query_seconds", 600.0)
    path = f"/api/v2/jobs/{job}/report"
    headers = {"X-Arcanna-Api-Key": admin_key}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server}{path}", json={}, headers=headers, timeout=3)
    assert comes_to(engine, 0)
    assert [str(error) for error in ended] == ["the query was given up, as nobody waited for it any more"]
    monkeypatch.undo()
    assert caller.client.post(path, json={}).status_code == 200
