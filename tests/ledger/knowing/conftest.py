"""A job that is large, and what is known in memory of its event keys."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from ledger.knowing.sending import events

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.ledger.known_keys import KnownKeys
    from trueline.ledger.store import Ledger
    from trueline.service.lines import BulkAnswer
    from trueline.service.workspace import Workspace


@pytest.fixture
def known(known_keys: KnownKeys, monkeypatch: pytest.MonkeyPatch) -> KnownKeys:
    """As of jobs that are large, and requests that have many events."""
    monkeypatch.setattr(known_keys, "worth_knowing", 10)
    monkeypatch.setattr(known_keys, "many", 5)
    return known_keys


@pytest.fixture
def looked_up(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often the engine was asked for how many keys of events."""
    counted: Counter[int] = Counter()
    whole = ledger.events._lookup.rows  # noqa: SLF001

    def rows(sql: str, keys: list[int], **more: int) -> object:
        if "event_key IN" in sql and len(keys):
            counted[len(keys)] += 1
        return whole(sql, keys, **more)

    monkeypatch.setattr(ledger.events._lookup, "rows", rows)  # noqa: SLF001
    return counted


@pytest.fixture
def job(workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    return workspace.jobs.create(title=fresh_title(), labels=["A", "B"])


@pytest.fixture
def send(workspace: Workspace, job: Job) -> Callable[[int, int], BulkAnswer]:
    def bulk(first: int, size: int) -> BulkAnswer:
        answer = workspace.ingest.bulk(job, events(first, size))
        workspace._knowing.wait()  # noqa: SLF001
        return answer

    return bulk
