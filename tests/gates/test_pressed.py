"""A server under pressure: the gate at a small count, and that it would tell if a promise were broken."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import pressed_clients
import pressed_flood
import pressed_questions
from gate import BrokenError, NotRunError
from pressed_clients import slow_clients
from pressed_flood import BY_DEFAULT, Flood, Room, flood
from pressed_questions import ASKING, CROWDING, WAITED, Asked, LongQuestion, long_question, slow_questions
from pressing import STOPPED, Client
from processes import served, trueline
from trueline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BUDGET = 1.0
QUESTION = LongQuestion("/", [], 5.0, 10_000, 1)
SHORT_OF_MEMORY = {"error": "the ledger is short of memory for this"}


def key_for(folder: Path, name: str) -> str:
    return trueline("keys", "create", name, "--data", str(folder / "data"), folder=folder).strip()


@pytest.fixture
def key(tmp_path: Path) -> str:
    return key_for(tmp_path, "gate")


class Long(NamedTuple):
    """What `slow_questions` is given."""

    folder: Path
    question: LongQuestion
    budget: float
    key: str
    another: str


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Long:
    """A store with a question that takes long; whoever asks it changes nothing."""
    folder = tmp_path_factory.mktemp("long")
    key, another = key_for(folder, "gate"), key_for(folder, "another")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pressed_questions, "MOST_TIMES", 2)  # of documents; then more filters, which are made sooner
        question = long_question(folder, 40_000, BUDGET, key)
    return Long(folder, question, BUDGET, key, another)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each client asks once, and an answer may be late on a slow day: what is not stopped is many times as late."""
    monkeypatch.setattr(pressed_questions, "TIMES", dict.fromkeys((ASKING, CROWDING), 1))
    monkeypatch.setattr(pressed_questions, "OVERRUN_SECONDS", 4 * BUDGET)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """The figures of the gate, shown in the end."""
    figures: list[str] = []
    yield figures
    with capsys.disabled():
        print(f"\npressed: {'; '.join(figures)}")  # noqa: T201


def test_a_flood_is_answered_429_and_what_was_taken_is_there(tmp_path: Path, key: str, told: list[str]) -> None:
    told.append(flood(tmp_path, 2.0, key))


def test_the_room_by_default_is_that_of_the_settings() -> None:
    defaults = Settings(data=Path())
    assert Room(defaults.max_waiting_bytes, defaults.max_body_bytes) == BY_DEFAULT
    assert BY_DEFAULT.settings() == {}


@pytest.mark.parametrize(
    ("room", "copies", "broken"),
    [
        (pressed_flood.LITTLE, 0, r"the flood took [0-9]+ MiB"),
        (Room(2**30, 2**21), 10, r"nothing was refused of bulk requests and single events"),
    ],
)
def test_a_flood_that_is_not_refused_or_takes_too_much_memory_is_noticed(  # noqa: PLR0913, PLR0917
    room: Room, copies: int, broken: str, tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pressed_flood, "_COPIES", copies)
    monkeypatch.setattr(pressed_flood, "_COPIES_TO_READ", copies)
    monkeypatch.setattr(pressed_flood, "_BESIDE_BODIES", copies * 2**30)
    monkeypatch.setattr(pressed_flood, "SENDERS", 2)
    monkeypatch.setattr(pressed_flood, "ALONE", 1)
    monkeypatch.setattr(pressed_flood, "_REFUSED_SECONDS", 0)
    with pytest.raises(BrokenError, match=broken):
        flood(tmp_path, 0.2, key, room)


@pytest.mark.parametrize(
    ("answer", "broken"),
    [
        ((429, {}, ""), "was answered 429"),
        ((429, {}, "0"), "was answered 429"),
        ((503, SHORT_OF_MEMORY, "1"), "was answered 503"),
        ((429, {}, "1"), "who sends single events was refused"),
    ],
)
def test_a_refusal_that_does_not_say_when_to_try_again_or_that_never_ends_is_noticed(
    answer: tuple[int, Any, str], broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "sent", lambda *_: answer)
    monkeypatch.setattr(pressed_flood, "_DRAINED_SECONDS", 0)
    with pytest.raises(BrokenError, match=broken):
        Flood("http://127.0.0.1:1", "", 0.0).press("single events", "/api/v1/events", bytes)


@pytest.mark.parametrize("found", [(260, 263), (260, 265), (259, 264)])
def test_an_event_that_was_lost_or_is_there_twice_is_noticed(
    found: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = Flood("http://127.0.0.1:1", "", 0.0)
    sent.taken.update({"bulk requests": 10, "single events": 4})
    sent.answered.update({("bulk requests", 429): 1, ("single events", 429): 1})
    monkeypatch.setattr(Client, "well", lambda *_: {"total_events": found[0], "total_count": found[1]})
    with Client("http://127.0.0.1:1", "") as client:
        with pytest.raises(BrokenError, match="264 events were acknowledged, 260 of them decided; there are"):
            sent.check(client, [1], 250)
        monkeypatch.setattr(Client, "well", lambda *_: {"total_events": 260, "total_count": 264})
        sent.check(client, [1], 250)


def test_long_questions_are_stopped_in_the_engine(long: Long, told: list[str]) -> None:
    told.append(slow_questions(*long))


@pytest.mark.parametrize(
    ("path", "clients", "slow"),
    [
        ("feedback", ASKING, "a vote took .* beside 4 that ask"),
        ("/report", CROWDING, "a report took .* beside 8 that ask"),
    ],
)
def test_others_that_wait_for_long_questions_are_noticed(
    path: str, clients: int, slow: str, long: Long, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held_up(client: Client, method: str, to: str, body: object = None) -> tuple[int, Any, str]:
        if asking and path in to:
            time.sleep(BUDGET)
        if is_long := "nowhere" in str(body):
            asking.append(1)
        try:
            return ask(client, method, to, body)
        finally:
            if is_long:
                asking.pop()

    asking: list[int] = []
    ask = Client.sent
    monkeypatch.setattr(Client, "sent", held_up)
    monkeypatch.setattr(pressed_questions, "TIMES", {clients: 1})
    monkeypatch.setattr(pressed_questions, "QUIET_SECONDS", 0.5)
    with pytest.raises(BrokenError, match=slow):
        slow_questions(*long, tries=1)


def test_questions_that_go_on_after_their_answer_are_noticed(long: Long, monkeypatch: pytest.MonkeyPatch) -> None:
    used = iter([0.0, 1.9])
    monkeypatch.setattr(pressed_questions, "TIMES", {ASKING: 1})
    monkeypatch.setattr(pressed_questions, "QUIET_SECONDS", 0.5)
    monkeypatch.setattr(pressed_questions, "_processor", lambda *_: next(used))
    with pytest.raises(BrokenError, match="used 190% of a core: questions go on"):
        slow_questions(*long, tries=1)


@pytest.mark.parametrize(
    ("clients", "answer"),
    [
        (ASKING, (200, {"total_events": 10_000}, "")),
        (ASKING, (503, SHORT_OF_MEMORY, "1")),
        (ASKING, (503, {"error": "The catalog does not answer"}, "1")),
        (ASKING, (503, {"error": STOPPED}, "")),
        (ASKING, (500, {"error": STOPPED}, "1")),
        (ASKING, (429, {"error": WAITED}, "1")),  # their turn comes at once
        (CROWDING, (429, {"error": "More arrives than can be written: try again later"}, "1")),
        (CROWDING, (429, {"error": WAITED}, "")),
    ],
)
def test_an_answer_that_is_not_the_one_of_the_budget_is_noticed(
    clients: int, answer: tuple[int, dict[str, Any], str]
) -> None:
    asked = Asked(QUESTION, BUDGET, clients)
    with pytest.raises(BrokenError, match=f"takes 5.0 s was answered {answer[0]} after 1.10 s"):
        asked.take(*answer, 1.1)


@pytest.mark.parametrize("clients", [ASKING, CROWDING])
def test_an_answer_long_after_the_budget_is_noticed(clients: int) -> None:
    asked = Asked(QUESTION, BUDGET, clients)
    asked.take(503, {"error": STOPPED}, "1", asked.most_seconds)
    assert asked.late() == []
    asked.take(503, {"error": STOPPED}, "1", asked.most_seconds + 0.1)
    assert f"of {clients} that asked at once one was answered after" in asked.late()[0]


def test_a_question_that_is_answered_after_all_is_noticed(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pressed_questions, "LONG", 0)
    question = long_question(tmp_path, 250, 30.0, key)
    with pytest.raises(BrokenError, match="was answered 200"):
        slow_questions(tmp_path, question, 30.0, key, key)


def test_a_question_that_does_not_take_long_shows_nothing(tmp_path: Path, key: str) -> None:
    with pytest.raises(NotRunError, match="would have to take 3 times the budget of 30 s"):
        long_question(tmp_path, 250, 30.0, key)


def test_slow_clients_are_answered_408_and_change_nothing(tmp_path: Path, key: str, told: list[str]) -> None:
    told.append(slow_clients(tmp_path, 60, 1.0, key))


def test_idle_connections_that_are_closed_are_noticed(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impatient(data: Path, settings: Mapping[str, str]) -> Any:  # noqa: ANN401 - a context
        return served(data, {**settings, "TRUELINE_IDLE_SECONDS": "1"})

    monkeypatch.setattr(pressed_clients, "served", impatient)
    with pytest.raises(BrokenError, match=r"6 idle connections that ask in the end got \{0: 6\}"):
        slow_clients(tmp_path, 6, 1.0, key, tries=1)


def test_others_that_wait_for_slow_clients_are_noticed(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sent(client: Client, *request: Any) -> tuple[int, Any, str]:  # noqa: ANN401 - as it is there
        if beside:
            time.sleep(0.5)
        return ask(client, *request)

    def connected(slow: pressed_clients.SlowClients) -> Any:  # noqa: ANN401 - a context
        beside.append(slow)
        return keep(slow)

    def answers(slow: pressed_clients.SlowClients, seconds: float) -> dict[int, int]:
        beside.clear()
        return wait(slow, seconds)

    beside: list[pressed_clients.SlowClients] = []
    ask, keep, wait = Client.sent, pressed_clients.SlowClients.connected, pressed_clients.SlowClients.answers
    monkeypatch.setattr(Client, "sent", sent)
    monkeypatch.setattr(pressed_clients.SlowClients, "connected", connected)
    monkeypatch.setattr(pressed_clients.SlowClients, "answers", answers)
    with pytest.raises(BrokenError, match="beside slow clients"):
        slow_clients(tmp_path, 6, 1.0, key, tries=1)
