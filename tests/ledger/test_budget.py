"""The queries of one request share its time."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from trueline.ledger import budget
from trueline.ledger.budget import Asker
from trueline.ledger.errors import QueryGivenUpError, QueryTimeoutError

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine

LONG = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"


def test_without_a_budget_a_query_has_its_own_time() -> None:
    assert budget.left(7.0) == 7.0


def test_what_earlier_queries_took_later_ones_lack() -> None:
    with budget.within(0.5):
        first = budget.left(30.0)
        time.sleep(0.1)
        assert budget.left(30.0) <= first - 0.1
        assert budget.left(0.01) == 0.01
    assert budget.left(30.0) == 30.0


def test_when_it_is_over_nothing_more_is_asked() -> None:
    with budget.within(0.001):
        time.sleep(0.01)
        with pytest.raises(QueryTimeoutError):
            budget.left(30.0)


def test_a_start_takes_as_long_as_it_takes(engine: Engine) -> None:
    with budget.without():
        assert budget.left(0.01) == 0.0
        assert engine.rows("SELECT sleep(0.2)") == [(0,)]


@pytest.mark.parametrize("way", ["rows", "table"])
def test_the_engine_stops_a_query_when_the_budget_of_its_request_is_over(way: str, engine: Engine) -> None:
    began = time.monotonic()
    with budget.within(0.3):
        engine.rows("SELECT sleep(0.2)")
        with pytest.raises(QueryTimeoutError, match="time budget"):
            getattr(engine, way)(LONG)
    assert time.monotonic() - began < 10
    assert engine.rows("SELECT query FROM system.processes WHERE query LIKE 'SELECT sum(sipHash64%'") == []


def test_the_processor_is_free_once_a_query_is_stopped(engine: Engine) -> None:
    with budget.within(0.2), pytest.raises(QueryTimeoutError):
        engine.rows(LONG)
    before, began = time.process_time(), time.monotonic()
    time.sleep(0.5)
    assert time.process_time() - before < 0.5 * (time.monotonic() - began)


@pytest.mark.parametrize("way", ["rows", "table"])
def test_the_engine_stops_a_query_when_who_asked_has_left_and_begins_no_other(way: str, engine: Engine) -> None:
    asker, stays = Asker(), Asker()

    def leave() -> None:
        while not engine.rows("SELECT 1 FROM system.processes WHERE query LIKE 'SELECT sum(sipHash64%'"):
            time.sleep(0.05)
        engine.give_up(stays)
        assert engine.rows("SELECT 1 FROM system.processes WHERE query LIKE 'SELECT sum(sipHash64%'")
        engine.give_up(asker)

    leaving = threading.Thread(target=leave)
    with budget.within(60, asker):
        leaving.start()
        with pytest.raises(QueryGivenUpError):
            getattr(engine, way)(LONG)
        leaving.join()
        with pytest.raises(QueryGivenUpError):
            getattr(engine, way)("SELECT 1")
        with budget.without():  # as what is made for all who ask
            assert engine.rows("SELECT 1") == [(1,)]
