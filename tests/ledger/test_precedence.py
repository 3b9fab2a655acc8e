"""Questions that somebody waits for go before what is read for later."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ledger.keeping import ask, kept, send
from ledger.random_writes import LABELS
from trueline.ledger import budget, kept_columns
from trueline.ledger.precedence import Precedence

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace


def test_who_is_in_no_hurry_waits_until_all_questions_are_answered() -> None:
    precedence, first, second, waits = Precedence(), threading.Event(), threading.Event(), threading.Event()
    taken, wait = threading.Barrier(3), precedence._idle.wait  # noqa: SLF001 - who waits shows it nowhere else

    def noted(timeout: float | None = None) -> bool:
        if timeout:  # else it only looks
            waits.set()
        return wait(timeout)

    def question(ends: threading.Event) -> None:
        with precedence.taken():
            taken.wait(30)
            ends.wait(30)

    precedence._idle.wait = noted  # type: ignore[method-assign]  # noqa: SLF001
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(question, each) for each in (first, second)]
        taken.wait(30)
        given = pool.submit(precedence.given, 300)
        assert waits.wait(30)
        first.set()
        asked[0].result(30)
        assert not precedence.given(0)
        assert not given.done()
        second.set()
        assert given.result(30)
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


@pytest.fixture
def questions(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many went before, by the name of the thread that asked."""
    counted, taken = Counter[str](), ledger.engine.precedence.taken

    def noted() -> AbstractContextManager[None]:
        counted[threading.current_thread().name] += 1
        return taken()

    monkeypatch.setattr(ledger.engine.precedence, "taken", noted)
    return counted


@pytest.mark.parametrize(
    ("how", "awaited"), [(lambda: budget.within(60), True), (budget.without, True), (budget.for_later, False)]
)
def test_a_query_goes_before_where_somebody_waits_for_its_answer(
    how: Callable[[], AbstractContextManager[None]], awaited: bool, ledger: Ledger, questions: Counter[str]
) -> None:
    with how():
        ledger.engine.rows("SELECT 1")
        ledger.engine.table("SELECT 1")
    assert questions[threading.current_thread().name] == 2 * awaited


@pytest.mark.usefixtures("columns")
def test_a_path_is_read_once_questions_are_answered(
    workspace: Workspace,
    ledger: Ledger,
    questions: Counter[str],
    fresh_title: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept_columns, "_PATIENCE", 300)
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
    assert not [name for name in questions if name.startswith("reads")]
