"""No key, nothing kept of one and nothing people wrote with their votes in a log line or an error.

Requests of every route and method, with keys wherever a client may put them by mistake: to a server whose stores fail
and quote all that they were given, then to one as it is. Last, how long wrong keys take.
"""

from __future__ import annotations

import json
import random
import sqlite3
import string
import sys
import time
import zlib
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scipy.stats import rankdata

from gate import BrokenError, Gate
from processes import served, trueline
from trueline.catalog.engine import sqlite_dsn
from trueline.catalog.store import Catalog
from trueline.service.keys import KeyRing
from wire import Answer, Wire, part

if TYPE_CHECKING:
    from collections.abc import Callable

LABELS: Final = ["Drop", "Investigate", "Escalate"]
TALKATIVE: Final = Path(__file__).parent / "talkative.py"
_OK, _FIRST_ERROR, _FIRST_FAULT, _NOT_HERE = 200, 400, 500, 501
_SEEN_OF_A_KEY: Final = 16
"""So many letters of its random part in a row are a key told in part."""
_FAILING_SHARE: Final = 0.25
_NOTING_SHARE: Final = 0.25
"""So many requests go to routes that take notes, beside those that do by chance: among all routes they are few."""
_LEAST_NOTED: Final = 1 / 200
"""Of all requests: so many notes must be acknowledged for it to show something that none was told."""
_LEAST_EFFECT: Final = 0.05
"""Of a rank test: how far from 1/2 the chance may be that a key of which more is right takes longer."""
_SURE: Final = 6
"""Standard deviations beyond which chance does not explain it, where few are timed."""


@dataclass
class Secrets:
    """What must be nowhere."""

    own: list[str]
    """Keys that are in headers alone, the secret, and what is kept of keys: on no disk and in no answer."""
    sent: list[str]
    """Keys that are sent all over the place, and a word of every free text: in no error and no log line."""

    def find(self, text: bytes, *, all_of_them: bool) -> str | None:
        """The first secret in a text, shortened."""
        looked_for = self.own + self.sent if all_of_them else self.own
        return next((each[:6] + "..." for each in looked_for if each.encode() in text), None)


@dataclass
class Sending:
    """Makes requests up, and looks at the answers."""

    wire: Wire
    secrets: Secrets
    operations: list[tuple[str, str, list[str]]]
    """Method, path with its parameters in braces, and names of parameters of the query."""
    job: int
    keys: list[str]
    """To be put anywhere."""
    word: str
    """Of all free texts."""
    choose: random.Random
    statuses: Counter[int] = field(default_factory=Counter)
    """Of the requests that `send` sent, and of no other."""
    noted: int = 0
    """Votes with a note that were acknowledged."""

    @cached_property
    def noting(self) -> list[tuple[str, str, list[str]]]:
        """The operations that take notes."""
        return [each for each in self.operations if takes_notes(each[1])]

    def send(self, *, failing: bool) -> None:
        """Send one request.

        Raises:
            BrokenError: the answer tells a secret, or is a fault where nothing fails.
        """
        where = self.noting if self.choose.random() < _NOTING_SHARE else self.operations
        method, path, names = self.choose.choice(where)
        if self.choose.random() < 0.05:  # noqa: PLR2004
            method = self.choose.choice(["GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", self._key()[:20]])
        target = "/".join(part(self._reference(each)) if each.startswith("{") else each for each in path.split("/"))
        chosen = [name for name in names if self.choose.random() < 0.6]  # noqa: PLR2004
        if self.choose.random() < 0.2:  # noqa: PLR2004
            chosen.append("api_key")
        query = "&".join(f"{name}={part(self._reference(name))}" for name in chosen)
        body = None if method in {"GET", "DELETE"} else self._body(path)
        answer = self.wire.ask(
            method,
            f"{target}?{query}" if query else target,
            body,
            {"Authorization": f"Bearer {self._key()}", "Cookie": f"key={self._key()}"},
            key=self.choose.choice([*[""] * 12, None, self._key(), self._key()[:-1], f" {self._key()} x"]),
        )
        self.statuses[answer.status] += 1
        if body is not None:
            self.noted += notes_taken(path, body, self.word, answer)
        self.look(f"{method} {path}", answer, failing=failing)

    def look(self, what: str, answer: Answer, *, failing: bool) -> None:
        """Look for secrets in an answer.

        Raises:
            BrokenError: it tells one, or is a fault where nothing fails.
        """
        if answer.status >= _FIRST_FAULT and answer.status != _NOT_HERE and not failing:
            raise BrokenError(f"{what} answered {answer.status}: {answer.body[:300]!r}")
        is_error = answer.status >= _FIRST_ERROR or b'"rejected"' in answer.body[:100]
        if found := self.secrets.find(answer.whole, all_of_them=is_error):
            raise BrokenError(f"{what} answered {answer.status} and told {found}: {answer.body[:300]!r}")

    def _key(self) -> str:
        return self.choose.choice(self.keys)

    def _note(self) -> str:
        """A free text, as people write."""
        return self.choose.choice(
            [
                f"it's {self.word}",
                f'"{self.word}" she said; {self._key()}',
                f"{self.word}\n\\ {self.word}'",
                self.word * self.choose.choice([1, 1, 300]),
            ]
        )

    def _reference(self, name: str) -> str:
        """A part of a path, or a value of a query."""
        if "job" in name:
            return self.choose.choice([str(self.job)] * 5 + [self._key()])
        if "event" in name:
            return self.choose.choice(["e1", "e2", "e3", self._key()])
        return self.choose.choice([self._key(), "2025-01-01", "Drop", "implicit", "1"])

    def _body(self, path: str) -> bytes:
        choose = self.choose
        if path.endswith("/bulk"):
            of_votes = "votes" in path
            lines = [self._vote() if of_votes else self._event() for _ in range(choose.randint(1, 4))]
            return b"\n".join(self._spoilt(each) for each in lines)
        bodies: list[Any] = [
            {"feedback": choose.choice([*LABELS, self._key()]), "cortex_user": "ana", "closing_notes": self._note()},
            {"filters": [{"field": self._key(), "operator": choose.choice(["is", self._key()]), "value": self._key()}]},
            {"job_id": self.job, "raw_body": {"key": self._key(), self._key(): 1}},
            {"label": choose.choice(["Drop", self._key()]), "model_id": self._key()},
            {"title": self._key(), "labels": [self._key(), self._key()]},
            {"job_ids": self.job, "event_ids": [self._key()], "sort_by_column": self._key()},
            {"job_name": self._key(), self._key(): self._note()},
            {"trained_at": self._key(), "training_set": [{"event_id": "e1", "label": self._key()}]},
            [self._note(), self._key()],
            self._note(),
        ]
        if "feedback" in path:
            bodies = bodies[:1] * 5 + bodies
        return self._spoilt(choose.choice(bodies))

    def _vote(self) -> dict[str, Any]:
        choose = self.choose
        return {
            "event_id": choose.choice(["e1", "e2", "e3", self._key()]),
            "analyst": choose.choice(["ana", "ben", self._key()]),
            "label": choose.choice([*LABELS, self._key()]),
            "at": choose.choice(["2025-01-02", self._key()]),
            "note": choose.choice([self._note(), self._note(), [self._note()]]),
            **choose.choice([{}, {}, {"review_reason": self._note()}, {self._key(): 1}]),
        }

    def _event(self) -> dict[str, Any]:
        return {
            "event_id": self.choose.choice(["e1", "e2", "e3", self._key()]),
            "raw_body": {"key": self._key(), self._key(): self._key()},
            "votes": [{name: value for name, value in self._vote().items() if name != "event_id"}],
        }

    def _spoilt(self, body: object) -> bytes:
        """A body as JSON, now and then none."""
        written = json.dumps(body).encode()
        kind = self.choose.random()
        if kind < 0.1:  # noqa: PLR2004
            return written[: self.choose.randrange(len(written))]
        return written.replace(b":", b" ", 1) if kind < 0.15 else written  # noqa: PLR2004


def takes_notes(path: str) -> bool:
    """Whether a route keeps a note with a vote."""
    return path.endswith("/bulk") or (path.startswith("/api/v1/") and path.endswith("/feedback"))


def notes_taken(path: str, body: bytes, word: str, answer: Answer) -> int:
    """How many votes with a note an answer acknowledges; a line is taken as a whole, and has the word nowhere else."""
    if answer.status != _OK or not takes_notes(path):
        return 0
    if not path.endswith("/bulk"):
        return int(word.encode() in body)
    refused = {each["line"] for each in answer.json["rejected"]}
    return sum(word.encode() in line for number, line in enumerate(body.split(b"\n"), 1) if number not in refused)


def check_noted(noted: int, requests: int) -> None:
    """Check that free text got in at all.

    Raises:
        BrokenError: hardly any did, so that nothing is shown of it.
    """
    if noted < max(1, requests * _LEAST_NOTED):
        raise BrokenError(f"of {requests} requests no more than {noted} votes with a note were taken: nothing is shown")


def _operations(described: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    """Every method of every path of the app's description but those that would end what others need."""
    return [
        (method.upper(), path, [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"])
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if not path.endswith("/stop")
    ]


def conceal(folder: Path, count: int, seed: int) -> str:
    """Send so many requests; see the module. The figures.

    Raises:
        BrokenError: a secret was told.
    """
    choose = random.Random(seed)  # noqa: S311 - test data
    data = folder / "data"
    made = [trueline("keys", "create", f"gate {n}", "--data", str(data), folder=folder).strip() for n in range(3)]
    mine, sent, revoked = made
    trueline("keys", "revoke", revoked.split("_")[1], "--data", str(data), folder=folder)
    with closing(sqlite3.connect(data / "catalog.sqlite3")) as catalog:
        digests = [digest for (digest,) in catalog.execute("SELECT digest FROM keys")]
    keys = [sent, revoked, _well_formed("trl_" + "a" * 12 + "_" + "b" * 43)]
    word = "".join(choose.choices(string.ascii_lowercase, k=18))
    secrets = Secrets(
        [_random_part(mine), *digests, (data / "secret").read_text(encoding="ascii").strip()],
        [*map(_random_part, keys), word],
    )
    failing = round(count * _FAILING_SHARE)
    statuses: Counter[int] = Counter()
    logged = noted = 0
    talkative = [sys.executable, str(TALKATIVE), str(data)]
    for command, requests in ((talkative, failing), (None, count - failing)):
        with served(data, command=command) as (address, _), closing(Wire(address, mine)) as wire:
            sending = Sending(wire, secrets, _operations(wire.ask("GET", "/openapi.json").json), 0, keys, word, choose)
            sending.job = _new_job(wire)
            if command is not None:
                (folder / "fail").touch()
            for _ in range(requests):
                sending.send(failing=command is not None)
            (folder / "fail").unlink(missing_ok=True)
            sending.look("GET /metrics", Answer(_FIRST_ERROR, [], wire.ask("GET", "/metrics").body), failing=False)
            if command is None:
                slowest = compare_times(_over_the_wire(wire), mine, max(count // 10, 50), choose)
        statuses += sending.statuses
        noted += sending.noted
        logged += _look_through(folder, secrets)
    check_noted(noted, count)
    faults = sum(of for status, of in statuses.items() if status >= _FIRST_FAULT and status != _NOT_HERE)
    if not faults:
        raise BrokenError("the stores were to fail and did not: nothing is shown")
    with Catalog.open(sqlite_dsn(folder / "keys.sqlite3")) as catalog:
        within = compare_times(*_within(catalog, choose), max(count // 2, 300), choose)
    answers = ", ".join(f"{of} x {status}" for status, of in sorted(statuses.items()))
    return (
        f"{answers}; {noted} votes with a note taken; {logged} log lines and all files looked through, nothing told; a "
        f"wrong key takes longer for what is right of it with a chance of {slowest:.3f} over HTTP and {within:.3f} "
        "within the server (1/2: no longer)"
    )


def _look_through(folder: Path, secrets: Secrets) -> int:
    """Look for secrets in the log, and in all files but those that have to have them; how many lines were logged.

    Raises:
        BrokenError: there are some.
    """
    data = folder / "data"
    log = (folder / "server.log").read_bytes().splitlines()
    for line in log:
        if found := secrets.find(line, all_of_them=True):
            raise BrokenError(f"the log told {found}: {line[:500]!r}")
        json.loads(line)  # nothing gets in beside our own lines
    own_key, *digests, secret = secrets.own
    in_database = Secrets([own_key, secret], secrets.sent[-1:])
    for file in data.rglob("*"):
        if not file.is_file() or file == data / "secret":
            continue
        # votes and documents are kept by the engine, as they were sent; hashes of keys by the catalog
        kept = file.is_relative_to(data / "ledger" / "store")
        looked_for = in_database if file.name.startswith("catalog.") else Secrets([own_key, *digests, secret], [])
        if found := looked_for.find(file.read_bytes(), all_of_them=not kept):
            raise BrokenError(f"{file.relative_to(folder)} has {found}")
        if not kept and secrets.sent[-1].encode() in file.read_bytes():
            raise BrokenError(f"{file.relative_to(folder)} has what people wrote")
    if tables := [each.name for each in (data / "ledger" / "metadata").rglob("*_log*")]:
        raise BrokenError(f"the engine keeps a log of its own: {tables}")
    return len(log)


def _new_job(wire: Wire) -> int:
    made = wire.ask("POST", "/api/v2/jobs", {"title": f"job {time.monotonic_ns()}", "labels": LABELS}).json
    decision = {"label": "Drop", "decided_at": "2025-01-01"}
    lines = [{"event_id": f"e{n}", "raw_body": {"n": n}, "decision": decision} for n in (1, 2, 3)]
    wire.ask("POST", f"/api/v2/jobs/{made['job_id']}/events/bulk", "\n".join(map(json.dumps, lines)).encode())
    return int(made["job_id"])


def compare_times(answer: Callable[[str], None], key: str, each: int, choose: random.Random) -> float:
    """Time wrong keys of which 0, 8, 16 and all letters but one are right, in turn; the chance farthest from 1/2.

    Raises:
        BrokenError: what is right of a key can be told from how long it takes.
    """
    body = key.rpartition("_")[0]
    kinds = [
        lambda: _partly_right(body, 4),
        lambda: _partly_right(body, 8),
        lambda: _partly_right(body, 16),
        lambda: _partly_right(body, len(body) - 1),
    ]
    times: list[list[int]] = [[] for _ in kinds]
    for _ in range(each):
        for kind in choose.sample(range(len(kinds)), len(kinds)):
            wrong = kinds[kind]()
            began = time.perf_counter_ns()
            answer(wrong)
            times[kind].append(time.perf_counter_ns() - began)
    farthest = max((_longer(times[0], other) for other in times[1:]), key=lambda chance: abs(chance - 0.5))
    by_chance = (1 / (6 * each)) ** 0.5
    if abs(farthest - 0.5) > max(_LEAST_EFFECT, _SURE * by_chance):
        raise BrokenError(f"a wrong key of which more is right takes longer with a chance of {farthest:.3f}")
    return farthest


def _longer(some: list[int], others: list[int]) -> float:
    """The chance that one of the others is longer, a tie counted half (Mann and Whitney)."""
    ranks = rankdata(some + others)
    return float((ranks[len(some) :].sum() - len(others) * (len(others) + 1) / 2) / (len(some) * len(others)))


def _over_the_wire(wire: Wire) -> Callable[[str], None]:
    def answer(key: str) -> None:
        if wire.ask("GET", "/api/v2/token/scopes", key=key).status != 401:  # noqa: PLR2004
            raise BrokenError("a wrong key was taken")

    return answer


def _within(catalog: Catalog, choose: random.Random) -> tuple[Callable[[str], None], str]:
    """The keys of a catalog of their own, without a network between, and one of them that is right."""
    ring = KeyRing(catalog, b"a secret")
    key = choose.choice([ring.create(f"key {n}", ["write:events"]) for n in range(20)])

    def answer(wrong: str) -> None:
        if ring.authenticate(wrong) is not None:
            raise BrokenError("a wrong key was taken")

    return answer, key


def _partly_right(body: str, size: int) -> str:
    """A key of the right form, of which the first letters are right and the next is not."""
    wrong = "".join(
        letter if letter == "_" else random.choice("abcdefghijklmnopqrstuvwxyz".replace(letter, ""))  # noqa: S311
        for letter in body[size:]
    )
    return _well_formed(body[:size] + wrong)


def _well_formed(body: str) -> str:
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def _random_part(key: str) -> str:
    return key.split("_")[2][:_SEEN_OF_A_KEY]


GATE: Final = Gate(
    name="concealed",
    promise="no key, nothing kept of one and no vote's free text in a log line or an error; wrong keys take alike",
    full=10_000,
    unit="requests",
    run=conceal,
)
