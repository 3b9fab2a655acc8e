"""No write is under way while stillness is held, and no write waits for long."""

from __future__ import annotations

import threading
import time

import pytest

from trueline.service import stillness
from trueline.service.errors import NotStillError
from trueline.service.stillness import Stillness


def run(work: object) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)  # type: ignore[arg-type]
    thread.start()
    return thread


def test_a_write_waits_until_it_is_over() -> None:
    of = Stillness()
    wrote = threading.Event()

    def write() -> None:
        with of.broken():
            wrote.set()

    with of.held():
        writer = run(write)
        assert not wrote.wait(0.2)
    assert wrote.wait(10)
    writer.join()


def test_it_waits_for_the_write_under_way_and_a_write_within_that_one_does_not_wait() -> None:
    of = Stillness()
    begun, wanted, held = threading.Event(), threading.Event(), threading.Event()

    def write() -> None:
        with of.broken():
            begun.set()
            assert wanted.wait(10)
            time.sleep(0.1)
            with of.broken():  # as the derived consensus is written within the write of votes
                assert not held.is_set()

    writer = run(write)
    assert begun.wait(10)
    wanted.set()
    with of.held():
        held.set()
        assert not writer.is_alive() or of._under_way == 0  # noqa: SLF001 - the thread may be ending
    writer.join()


def test_a_long_write_holds_the_others_up_for_moments_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stillness, "PATIENCE", 0.1)
    of = Stillness()
    begun, end, held = threading.Event(), threading.Event(), threading.Event()

    def write_long() -> None:
        with of.broken():
            begun.set()
            assert end.wait(30)

    def hold() -> None:
        with of.held():
            held.set()

    threads = [run(write_long)]
    assert begun.wait(10)
    threads.append(run(hold))
    for _ in range(3):
        time.sleep(0.05)
        with of.broken():  # gets its turn, though the long write is still under way
            assert not held.is_set()
    end.set()
    assert held.wait(10)
    for each in threads:
        each.join()


def test_who_wants_it_beside_a_write_without_end_is_told_so_and_other_writes_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"PATIENCE": 0.01, "LAST_PATIENCE": 0.05, "ATTEMPTS": 3}.items():
        monkeypatch.setattr(stillness, name, value)
    of = Stillness()
    begun, end, told, wrote = (threading.Event() for _ in range(4))

    def write_long() -> None:
        with of.broken():
            begun.set()
            assert end.wait(30)

    def hold() -> None:
        with pytest.raises(NotStillError, match="nothing was backed up"), of.held():
            pass
        told.set()

    def write() -> None:
        with of.broken():
            wrote.set()

    threads = [run(write_long)]
    assert begun.wait(10)
    threads.append(run(hold))
    assert told.wait(10)
    threads.append(run(write))
    assert wrote.wait(10)
    end.set()
    for each in threads:
        each.join()
    with of.held():
        pass


def test_what_fails_while_it_is_held_or_written_lets_go() -> None:
    of = Stillness()
    with pytest.raises(RuntimeError), of.held():
        raise RuntimeError
    with pytest.raises(RuntimeError), of.broken():
        raise RuntimeError
    with of.held():
        pass
