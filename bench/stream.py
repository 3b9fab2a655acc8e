"""A year of alerts made from a seed: the same ones for every contender, however often they are read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

Grouping = Literal["event", "bucket"]

LABELS: Final = ("Drop", "Investigate", "Escalate", "Contain")
MODELS: Final = ("triage-1.0", "triage-1.1", "triage-2.0", "triage-2.1")
UNDECIDED: Final = "Undecided"
YEAR_BEGINS: Final = 1_735_689_600  # 2025-01-01T00:00:00Z
SECONDS: Final = 365 * 86_400

_DECIDED: Final = (0.85, 0.10, 0.04, 0.01)
_EVENTS_A_BUCKET: Final = 50
_TAIL: Final = 0.65  # of a Zipf law over 200,000 buckets: the largest has half a hundredth of all events
_VOTED: Final = 0.02
_BLOCK: Final = 50_000

_RULES: Final = [
    f"{source}: {what} {number}"
    for source in ("Suricata", "Wazuh", "Defender", "Okta", "Zeek")
    for what in ("suspicious login", "rare process", "policy violation", "beaconing", "port scan", "data upload")
    for number in range(1, 11)
]
_PROCESSES: Final = [
    "C:\\\\Windows\\\\System32\\\\svchost.exe -k netsvcs -p -s Schedule",
    "C:\\\\Windows\\\\System32\\\\WindowsPowerShell\\\\v1.0\\\\powershell.exe -NoProfile -EncodedCommand",
    "/usr/sbin/sshd -D -R",
    "/usr/bin/python3 /opt/agent/collect.py --interval",
    "C:\\\\Program Files\\\\Office\\\\WINWORD.EXE /n",
    "/usr/bin/curl -s -o /dev/null --max-time",
    "C:\\\\Windows\\\\explorer.exe /factory",
    "/bin/sh -c run-parts /etc/cron.hourly --verbose",
]
_CODES: Final = ("4624", '"4624"', "4625", '"4625"', "4688", '"4688"', '"T1059.001"', '"T1110"', "5140", '"sysmon-3"')
"""Of `event.code`: a number here, a text there."""


@dataclass(frozen=True, slots=True)
class Block:
    """Events one after the other in time, one element each in every array and list."""

    first: int
    """The number of the first one in the whole stream."""
    event_id: list[str]
    micros: NDArray[np.int64]
    """``@timestamp``, microseconds since 1970."""
    bucket: NDArray[np.int64]
    """The bucket's number; its id is `bucket_id` of that."""
    decision: NDArray[np.int64]
    """The place in `LABELS`."""
    confidence: NDArray[np.int64]
    model: NDArray[np.int64]
    """The place in `MODELS`."""
    document: list[str]
    """JSON, in ASCII."""


@dataclass(frozen=True, slots=True)
class StreamVote:
    """A vote on an event, or on a bucket, by its number."""

    subject: int
    analyst: str
    label: str


def bucket_id(number: int) -> str:
    """The id of a bucket."""
    return f"bucket-{number:06d}"


class Stream:
    """So many alerts over the year 2025, with decisions, and votes on two in a hundred of the subjects."""

    def __init__(self, rows: int, seed: int = 20_251_101) -> None:
        self.rows = rows
        self.buckets = max(rows // _EVENTS_A_BUCKET, 20)
        self.seed = seed

    def __len__(self) -> int:
        return self.rows

    def blocks(self) -> Iterator[Block]:
        """All events in the order of time. Needs about 6 microseconds an event."""
        for first in range(0, self.rows, _BLOCK):
            yield self._block(first, min(_BLOCK, self.rows - first))

    @cached_property
    def largest_bucket(self) -> int:
        """The number of the bucket with the most events."""
        return int(self._order[0])

    def left_out(self, grouping: Grouping) -> int:
        """The subject that nobody has voted on yet: the largest bucket, or the first event."""
        return 0 if grouping == "event" else self.largest_bucket

    def event_id(self, number: int) -> str:
        """The id of an event, by its number."""
        return self._event_ids(number, 1)[0]

    def votes(self, grouping: Grouping) -> tuple[list[StreamVote], list[StreamVote]]:
        """The votes before the training and those after it, in their order; at most one an analyst and subject."""
        subjects = self.rows if grouping == "event" else self.buckets
        random = self._random(1, 0 if grouping == "event" else 1)
        chosen = random.choice(subjects, max(int(subjects * _VOTED), 4), replace=False)
        chosen = chosen[chosen != self.left_out(grouping)]
        given: list[StreamVote] = []
        later: list[StreamVote] = []
        for subject, label, analysts, dissents, late in zip(
            chosen.tolist(),
            random.choice(len(LABELS), len(chosen), p=_DECIDED).tolist(),
            random.integers(1, 4, len(chosen)).tolist(),
            random.random(len(chosen)).tolist(),
            random.random(len(chosen)).tolist(),
            strict=True,
        ):
            for analyst in range(analysts):
                # one in ten subjects has a dissenter: of two analysts that is a tie
                says = label + 1 if dissents < 0.1 and analyst == 1 else label  # noqa: PLR2004
                vote = StreamVote(subject, f"analyst {analyst}", LABELS[says % len(LABELS)])
                (later if late < 0.1 and analyst == analysts - 1 else given).append(vote)  # noqa: PLR2004
        return given, later

    def _block(self, first: int, size: int) -> Block:
        random = self._random(2, first)
        micros = self._micros((first + np.sort(random.random(size)) * size) / self.rows)
        bucket = self._order[np.searchsorted(self._cumulated, random.random(size))]
        decision = random.choice(len(LABELS), size, p=_DECIDED)
        event_id = self._event_ids(first, size)
        return Block(
            first,
            event_id,
            micros,
            bucket,
            decision,
            random.integers(20, 101, size),
            np.minimum((micros - YEAR_BEGINS * 1_000_000) * len(MODELS) // (SECONDS * 1_000_000), len(MODELS) - 1),
            self._documents(random, event_id, micros, bucket),
        )

    def _event_ids(self, first: int, size: int) -> list[str]:
        # seeds lie further apart than any stream is long, so that two streams share no event
        numbers = np.arange(first, first + size, dtype=np.uint64) + np.uint64(self.seed << 32)
        return [f"{key:016x}" for key in _mixed(numbers).tolist()]

    def _documents(
        self, random: np.random.Generator, event_id: list[str], micros: NDArray[np.int64], bucket: NDArray[np.int64]
    ) -> list[str]:
        size = len(event_id)
        times = np.datetime_as_string(micros.astype("datetime64[us]")).tolist()
        numbers = [
            random.integers(0, bound, size).tolist() for bound in (1000, 65_536, 1024, 65_536, 1_000_000, 2**32, 5000)
        ]
        chosen = random.choice(len(_CODES), size).tolist()
        process = random.integers(0, len(_PROCESSES), size).tolist()
        sparse = random.random(size).tolist()
        return [
            _DOCUMENT
            % (
                time, key, severity % 5, risk / 10, _CODES[code], _RULES[of % len(_RULES)], of % len(_RULES),
                of % 4000, "windows" if of % 3 else "linux", of % 200, of % 251, port, other % 16, other % 251,
                target, traffic, of % 5000, of % 7, _PROCESSES[command], pid, traffic % 32_768,
                "tls" if other % 3 else "dns", token, severity,
                _sparse(share, token),
            )
            for time, key, of, code, command, share, risk, port, other, target, traffic, token, severity, pid in zip(
                times, event_id, bucket.tolist(), chosen, process, sparse, *numbers, numbers[5], strict=True
            )
        ]  # fmt: skip

    def _micros(self, quantiles: NDArray[np.float64]) -> NDArray[np.int64]:
        seconds = np.interp(quantiles, self._elapsed, np.arange(len(self._elapsed)) * 3600.0)
        micros: NDArray[np.int64] = (seconds * 1e6).astype(np.int64) + YEAR_BEGINS * 1_000_000
        return micros

    @cached_property
    def _elapsed(self) -> NDArray[np.float64]:
        """What share of the events has happened by each hour: by day there are three times as many as by night."""
        weights = 2 + np.sin((np.arange(SECONDS // 3600) % 24 - 8) * np.pi / 12)
        shares: NDArray[np.float64] = np.concatenate([[0.0], np.cumsum(weights)]) / weights.sum()
        return shares

    @cached_property
    def _cumulated(self) -> NDArray[np.float64]:
        sizes = np.arange(1, self.buckets + 1) ** -_TAIL
        shares: NDArray[np.float64] = np.cumsum(sizes) / sizes.sum()
        shares[-1] = 1.0
        return shares

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """The buckets' numbers, the largest bucket's first."""
        return self._random(3).permutation(self.buckets)

    def _random(self, *of: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64([self.seed, *of]))


def consensus(votes: list[StreamVote]) -> dict[int, str]:
    """What the votes on each subject come to: the label with most of them, or `UNDECIDED` where two have as many."""
    given: dict[int, Counter[str]] = {}
    for vote in votes:
        given.setdefault(vote.subject, Counter())[vote.label] += 1
    found = {}
    for subject, counted in given.items():
        first, *others = counted.most_common(2)
        found[subject] = UNDECIDED if others and others[0][1] == first[1] else first[0]
    return found


_DOCUMENT: Final = (
    '{"@timestamp":"%sZ","event":{"id":"%s","kind":"alert","category":"intrusion","dataset":"siem.alerts","severity":%d,"risk_score":%.1f,"code":%s},'
    '"rule":{"name":"%s","id":%d},"host":{"name":"host-%04d","os":{"family":"%s"}},'
    '"source":{"ip":"10.1.%d.%d","port":%d},"destination":{"ip":"192.168.%d.%d","port":%d,"bytes":%d},'
    '"user":{"name":"user%04d","domain":"corp%d.example"},"process":{"command_line":"%s %d","pid":%d},'
    '"network":{"protocol":"%s"},"observer":{"vendor":"sensor","token":%d,"sequence":%d}%s}'
)


def _sparse(share: float, token: int) -> str:
    """Members that few documents have."""
    if share < 0.03:  # noqa: PLR2004
        return f',"threat":{{"indicator":{{"type":"domain-name","confidence":{token % 100}}}}}'
    if share < 0.15:  # noqa: PLR2004
        return f',"file":{{"name":"invoice-{token % 1000}.pdf","size":{token % 100_000}}}'
    if share < 0.20:  # noqa: PLR2004
        return f',"tags":["external","vip-{token % 9}"]'
    return ""


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finalizer: different numbers stay different, and look like nothing at all."""
    mixed = numbers * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
