"""Questions that somebody waits for go before what is read for later."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ledger.keeping import ask, kept, send
from ledger.random_writes import LABELS
from trueline.ledger import budget, kept_columns
from trueline.ledger.errors import LedgerError
from trueline.ledger.precedence import Precedence

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace


def test_who_is_in_no_hurry_waits_until_all_questions_are_answered() -> None:
    precedence, first, second = Precedence(), threading.Event(), threading.Event()
    taken = threading.Barrier(3)

    def question(ends: threading.Event) -> None:
        with precedence.taken():
            taken.wait(60)
            ends.wait(60)

    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(question, each) for each in (first, second)]
        taken.wait(60)
        waits = pool.submit(precedence.given, 60)
        first.set()
        asked[0].result(60)
        assert not precedence.given(0)
        assert not waits.done()
        second.set()
        assert waits.result(60)
    assert precedence.given(0)


def test_nobody_waits_longer_than_they_have_patience() -> None:
    precedence = Precedence()
    with precedence.taken():
        assert not precedence.given(0.01)


def test_a_question_that_fails_is_over() -> None:
    precedence = Precedence()
    with pytest.raises(RuntimeError), precedence.taken():
        raise RuntimeError
    assert precedence.given(0)


@pytest.mark.parametrize("awaited", [True, False])
def test_a_query_goes_before_where_somebody_waits_for_its_answer(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, awaited: bool
) -> None:
    goes_before = list[bool]()
    drop = ledger.engine._drop_client  # noqa: SLF001 - called while a query that failed is under way

    def noted() -> None:
        goes_before.append(not ledger.engine.precedence.given(0))
        drop()

    monkeypatch.setattr(ledger.engine, "_drop_client", noted)
    for query in (ledger.engine.rows, ledger.engine.table):
        with pytest.raises(LedgerError), budget.within(60) if awaited else budget.without():
            query("SELECT nothing")
    assert goes_before == [awaited] * 2
    assert ledger.engine.precedence.given(0)


@pytest.mark.usefixtures("columns")
def test_a_path_is_read_once_questions_are_answered(
    workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_columns, "_PATIENCE", 60)
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS)
    send(workspace, job, {"a": 1})
    came, given = threading.Event(), ledger.engine.precedence.given

    def noted(seconds: float) -> bool:
        came.set()
        return given(seconds)

    monkeypatch.setattr(ledger.engine.precedence, "given", noted)
    with ledger.engine.precedence.taken():
        ask(workspace, job, {"field": "a", "operator": "exists"})
        read = workspace._filtering.put(job.id)  # noqa: SLF001 - what is kept shows itself by nothing but its speed
        assert came.wait(60)
        with pytest.raises(TimeoutError):
            read.result(0.3)
    read.result(60)
    assert kept(workspace, job) == ["a"]
