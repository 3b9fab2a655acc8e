"""What is idle, what is put off, and for how long."""

from __future__ import annotations

import pytest

from trueline.ledger.recency import PATIENCE, Recency


class Clock:
    """Stands still until it is told to go on."""

    now = 5_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("trueline.ledger.recency.time", clock)
    return clock


@pytest.fixture
def recency() -> Recency[tuple[int, str]]:
    return Recency()


A, B, OTHER = (1, "a"), (1, "b"), (2, "a")


def test_what_was_not_asked_for_in_a_while_is_idle(recency: Recency[tuple[int, str]], clock: Clock) -> None:
    assert recency.is_idle(A)
    recency.ask(A)
    clock.now += PATIENCE - 1
    recency.ask(B)
    assert not recency.is_idle(A)
    clock.now += 1
    assert recency.is_idle(A)
    assert not recency.is_idle(B)
    assert sorted([B, A, OTHER], key=recency.last) == [OTHER, A, B]


def test_what_is_put_off_is_so_for_as_long(recency: Recency[tuple[int, str]], clock: Clock) -> None:
    recency.put_off([A, B])
    clock.now += PATIENCE - 1
    assert recency.is_put_off(A)
    assert not recency.is_put_off(OTHER)
    recency.put_off([B])
    clock.now += 1
    assert not recency.is_put_off(A)
    assert recency.is_put_off(B)


def test_what_is_forgotten_stays_put_off_and_what_is_gone_does_not(
    recency: Recency[tuple[int, str]], clock: Clock
) -> None:
    for each in (A, B, OTHER):
        recency.ask(each)
    recency.put_off([A, B, OTHER])
    clock.now += 1
    recency.forget(A)
    assert recency.is_idle(A)
    assert recency.is_put_off(A)
    recency.forget_all(lambda each: each[0] == 1)
    assert [recency.is_put_off(each) for each in (A, B, OTHER)] == [False, False, True]
    assert [recency.is_idle(each) for each in (A, B, OTHER)] == [True, True, False]
