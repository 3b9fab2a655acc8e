"""What the tests of the ledger share."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from trueline.ledger.recency import Recency
from trueline.metrics.coded_rows import CodedRows
from trueline.metrics.selected_rows import RowsNow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trueline.ledger.engine import Engine
    from trueline.ledger.kept_columns import KeptColumns
    from trueline.ledger.known_keys import KnownKeys
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace


@pytest.fixture(scope="session")
def ledger(workspace: Workspace) -> Ledger:
    """The ledger of the workspace, which opens no other way than with it."""
    return workspace._ledger  # noqa: SLF001


@pytest.fixture(scope="session")
def engine(ledger: Ledger) -> Engine:
    """Its engine."""
    return ledger.engine


@pytest.fixture
def known_keys(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> KnownKeys:
    """The keys that are known, of no job yet: or the jobs of other tests take all the room."""
    monkeypatch.setattr(ledger.known_keys, "_known", {})
    monkeypatch.setattr(ledger.known_keys, "recency", Recency())
    return ledger.known_keys


@pytest.fixture
def columns(ledger: Ledger, known_keys: KnownKeys, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeptColumns]:
    """What is kept, also of jobs with few events, and read when `kept` has it read."""
    monkeypatch.setattr(known_keys, "worth_knowing", 0)
    monkeypatch.setattr(known_keys, "many", 1)
    monkeypatch.setattr(ledger.kept.columns, "worth_keeping", 0)
    monkeypatch.setattr(ledger.kept.columns, "wanted", None)
    yield ledger.kept.columns
    for job_id in list(ledger.kept.columns._kept):  # noqa: SLF001
        ledger.kept.columns.forget_for_good(job_id)


@pytest.fixture
def selections(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often an answer came from what is kept."""
    counted: Counter[str] = Counter()
    for rows, name in ((RowsNow, "select"), (CodedRows, "moments")):
        whole = getattr(rows, name)

        def noted(*asked: object, whole: Callable[..., object] = whole, name: str = name) -> object:
            counted[name] += 1
            return whole(*asked)

        monkeypatch.setattr(rows, name, noted)
    return counted
