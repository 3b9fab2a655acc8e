"""A server under pressure: the gate at a small count, and that it would tell if a promise were broken."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

import pressed
from gate import BrokenError
from pressed import Client, flood, slow_clients, slow_questions
from processes import trueline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def key(tmp_path: Path) -> str:
    return trueline("keys", "create", "gate", "--data", str(tmp_path / "data"), folder=tmp_path).strip()


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """The figures of the gate, shown in the end."""
    figures: list[str] = []
    yield figures
    with capsys.disabled():
        print(f"\npressed: {'; '.join(figures)}")  # noqa: T201


def test_a_flood_is_answered_429_and_what_was_taken_is_there(tmp_path: Path, key: str, told: list[str]) -> None:
    told.append(flood(tmp_path, 2.0, key))


@pytest.mark.parametrize(
    ("memory", "broken"), [(1, r"the flood took [0-9]+ MiB"), (2**40, r"nothing was refused: \{200: [0-9]+\}")]
)
def test_a_flood_that_is_not_refused_or_takes_too_much_memory_is_noticed(
    memory: int, broken: str, tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pressed, "MOST_MEMORY", memory)
    monkeypatch.setattr(pressed, "ROOM", 2**30)
    monkeypatch.setattr(pressed, "FLOODING", 2)
    with pytest.raises(BrokenError, match=broken):
        flood(tmp_path, 0.2, key)


def test_long_questions_are_stopped_in_the_engine(tmp_path: Path, key: str, told: list[str]) -> None:
    told.append(slow_questions(tmp_path, 10_000, 0.5, key))


def test_others_that_wait_for_long_questions_are_noticed(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held_up(*request: Any) -> tuple[int, Any, str]:  # noqa: ANN401 - as it is there
        if asking and "filters" not in str(request):
            time.sleep(0.5)
        if is_long := "nowhere" in str(request):
            asking.append(1)
        try:
            return ask(*request)
        finally:
            if is_long:
                asking.pop()

    asking: list[int] = []
    ask = Client.sent
    monkeypatch.setattr(Client, "sent", held_up)
    with pytest.raises(BrokenError, match="beside slow questions"):
        slow_questions(tmp_path, 10_000, 0.5, key, tries=1)


def test_questions_that_go_on_after_their_answer_are_noticed(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = iter([0.0, 1.9])
    monkeypatch.setattr(pressed, "_processor", lambda *_: next(used))
    with pytest.raises(BrokenError, match="used 190% of a core: questions go on"):
        slow_questions(tmp_path, 10_000, 0.5, key, tries=1)


def test_a_long_question_that_is_answered_after_all_is_noticed(tmp_path: Path, key: str) -> None:
    with pytest.raises(BrokenError, match="was answered 200"):
        slow_questions(tmp_path, 250, 30.0, key)


def test_slow_clients_are_answered_408_and_change_nothing(tmp_path: Path, key: str, told: list[str]) -> None:
    told.append(slow_clients(tmp_path, 60, 1.0, key))


def test_others_that_wait_for_slow_clients_are_noticed(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sent(client: Client, *request: Any) -> tuple[int, Any, str]:  # noqa: ANN401 - as it is there
        if beside:
            time.sleep(0.5)
        return ask(client, *request)

    def connected(slow: pressed.SlowClients) -> Any:  # noqa: ANN401 - a context
        beside.append(slow)
        return keep(slow)

    def answers(slow: pressed.SlowClients, seconds: float) -> dict[int, int]:
        beside.clear()
        return wait(slow, seconds)

    beside: list[pressed.SlowClients] = []
    ask, keep, wait = Client.sent, pressed.SlowClients.connected, pressed.SlowClients.answers
    monkeypatch.setattr(Client, "sent", sent)
    monkeypatch.setattr(pressed.SlowClients, "connected", connected)
    monkeypatch.setattr(pressed.SlowClients, "answers", answers)
    with pytest.raises(BrokenError, match="beside slow clients"):
        slow_clients(tmp_path, 6, 1.0, key, tries=1)
