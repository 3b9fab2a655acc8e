"""Jobs with all that the report depends on, in the product and in the oracle alike, and the oracle's counts of them."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from oracle import JobTerms, Oracle, Sent
from plain_values import reach, text
from trueline.instants import parse_micros
from trueline.metrics.consensus import REVIEW_REASONS
from trueline.metrics.reviews import Mass, ReviewCount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from trueline.catalog.records import Job
    from trueline.service.workspace import Workspace

_Said = TypeVar("_Said", float, str)

LABELS = ["Drop", "Investigate", "Escalate"]
HOSTS: list[object] = ["a", "b", 5, "5", 5.5, True, None, [], ["a", "b"], ["b"], {"x": 1}]


@dataclass
class ReviewedJob:
    """A job, its oracle, and what was said along with votes: probabilities and reasons by subject, analyst, arrival."""

    job: Job
    oracle: Oracle
    said: dict[tuple[str, str, int], float] = field(default_factory=dict)
    reasons: dict[tuple[str, str, int], str] = field(default_factory=dict)
    drawn: dict[tuple[str, str], float] = field(default_factory=dict)
    """The probabilities of subjects that were drawn for one audit, among those of a decision."""

    def probability(self, subject: str, decision: str) -> float | None:
        """The latest one said by anybody whose vote stands, else that of the draw."""
        return self._latest(subject, self.said) or self.drawn.get((subject, decision))

    def reason(self, subject: str, decision: str) -> str:
        """Likewise of why it was reviewed."""
        return self._latest(subject, self.reasons) or ("audit" if (subject, decision) in self.drawn else "")

    def _latest(self, subject: str, said: Mapping[tuple[str, str, int], _Said]) -> _Said | None:
        votes = sorted((v for v in self.oracle.votes if v.subject == subject), key=lambda v: (v.at, v.arrived_at))
        last = {(v.override, "" if v.override else v.analyst): v for v in votes}
        told = [
            said[subject, v.analyst, v.arrived_at]
            for v in votes
            if (subject, v.analyst, v.arrived_at) in said
            and last[v.override, "" if v.override else v.analyst].label is not None
        ]
        return told[-1] if told else None

    def counts(self, events: Iterable[Sent]) -> Counter[ReviewCount]:
        """The events one by one, gathered by subject and decision, and what is alike counted."""
        subjects: dict[tuple[str, str], list[int | None]] = {}
        for event in events:
            decision = self.oracle.decisions_on(event.event_id)[-1]
            band = None if decision.confidence is None else min(int(decision.confidence // 10), 9)
            subjects.setdefault((event.bucket, decision.label), []).append(band)
        alike: dict[tuple[str, str | None, int | None, float | None, str], Mass] = {}
        for (subject, decision_label), bands in subjects.items():
            known = [band for band in bands if band is not None]
            consensus = self.oracle.consensus(subject)[0]
            how: tuple[float | None, str] = (None, "")
            if consensus is not None:
                how = self.probability(subject, decision_label), self.reason(subject, decision_label)
            kind = decision_label, consensus, min(known, default=None), *how
            alike[kind] = alike.get(kind, Mass()) + Mass(len(bands), 1, len(bands) ** 2)
        return Counter(
            ReviewCount(decision, consensus, mass, band, probability, reason)
            for (decision, consensus, band, probability, reason), mass in alike.items()
        )


def draw(workspace: Workspace, made: ReviewedJob, size: int) -> None:
    """Draw so many subjects of the first label for an audit, the only one of the job."""
    drawn = workspace.audits.draw(made.job, LABELS[0], size, "drawn")
    made.drawn = {(each["id"], LABELS[0]): drawn["probability"] for each in drawn["drawn"]}


def host_of(event: Sent) -> str | None:
    """What groups by `host` tell an event by."""
    values = [
        text(value) for value in reach(event.document, "host") if value is not None and not isinstance(value, dict)
    ]
    if len(values) < 2:
        return values[0] if values else None
    return json.dumps(values, separators=(",", ":"))


def reviewed_job(
    workspace: Workspace, title: Callable[[], str], seed: int, grouping: str, sizes: tuple[int, int] = (36, 40)
) -> ReviewedJob:
    """A job with events sent again, decided again, without confidence, votes withdrawn, overridden, drawn by chance."""
    chance = random.Random(seed)  # noqa: S311 - of a test
    job = workspace.jobs.create(title=title(), labels=LABELS, grouping=grouping)
    made = ReviewedJob(job, Oracle(JobTerms(LABELS, by_bucket=grouping == "bucket")))
    events = [f"e{number}" for number in range(sizes[0])]
    bucket = {event: f"b{chance.randrange(sizes[0] // 4)}" for event in events}
    clock = iter(range(10**15, 10**15 + 10**6))
    for round_ in range(2):
        lines = []
        for event in events if round_ == 0 else chance.sample(events, sizes[0] // 3):
            document: dict[str, object] = {"host": chance.choice(HOSTS)}
            day = f"2025-03-{chance.randrange(28, 32)}T{chance.randrange(24):02}:30:00Z"
            line: dict[str, object] = {"event_id": event, "timestamp": day, "raw_body": document}
            made.oracle.event(event, document, arrived_at=next(clock), timestamp=day, bucket_id=bucket[event])
            if grouping == "bucket":
                line["bucket_id"] = bucket[event]
            if round_ or chance.random() < 0.9:
                decision = {
                    "label": chance.choices(LABELS, [6, 1, 2])[0],
                    "decided_at": f"2025-04-0{round_ + 1}",
                    "model_id": chance.choice(["m", "n"]),
                    "confidence": chance.choice([None, 0, 10, 29.9, 55, 99, 100]),
                }
                line["decision"] = decision
                made.oracle.decide(event, arrived_at=next(clock), **decision)  # type: ignore[arg-type]
            if round_ == 0 and chance.random() < 0.3:
                line["votes"] = [_vote(made, chance, event, clock, first=True)]
            lines.append(line)
        _taken(workspace.ingest.bulk(job, _lines(lines)).rejected)
    votes = [_vote(made, chance, chance.choice(events), clock) for _ in range(sizes[1])]
    _taken(workspace.feedback.bulk(job, _lines(votes)).rejected)
    return made


def _vote(
    made: ReviewedJob, chance: random.Random, event: str, clock: Iterable[int], *, first: bool = False
) -> dict[str, object]:
    arrived = next(iter(clock))
    beside = random.Random(arrived)  # noqa: S311 - of a test; apart, so that it decides nothing else
    analyst = chance.choice(["ana", "ben", "eve"])
    label = chance.choice(LABELS if first else [*LABELS, None])
    at = f"2025-05-0{chance.randrange(1, 9)}T0{chance.randrange(9)}:00:00.{arrived % 10**6:06}Z"
    line: dict[str, object] = {"analyst": analyst, "label": label, "at": at}
    override = not first and chance.random() < 0.1
    if override:
        line["override"] = True
    made.oracle.vote(analyst, label, arrived_at=arrived, event_id=event, at=at, override=override)
    if label is not None and chance.random() < 0.4:
        line["review_probability"] = chance.choice([0.02, 0.5, 1.0])
        made.said[made.oracle.subject_of(event), analyst, arrived] = line["review_probability"]  # type: ignore[assignment]
    if label is not None and beside.random() < 0.4:
        line["review_reason"] = made.reasons[made.oracle.subject_of(event), analyst, arrived] = beside.choice(
            REVIEW_REASONS
        )
    return line if first else line | {"event_id": event}


def _lines(lines: Sequence[Mapping[str, object]]) -> list[bytes]:
    return [json.dumps(line).encode() for line in lines]


def _taken(rejected: Sequence[object]) -> None:
    assert not rejected, rejected[:3]


def in_interval(event: Sent, bounds: Sequence[int]) -> int:
    """Where the interval of an event begins."""
    return max(bound for bound in bounds if bound <= event.timestamp)


DAYS = tuple(parse_micros(f"2025-03-{day}") for day in range(28, 32))
