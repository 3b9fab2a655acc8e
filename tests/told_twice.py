"""Jobs with much voting and deciding, told to the product and to the oracle alike."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from oracle import JobTerms, Oracle
from trueline.service.question import Question

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trueline.catalog.records import Job
    from trueline.ledger.population import Population
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace

LABELS = ["Drop", "Investigate", "Escalate"]
ANALYSTS = ["ana", "ben", "cleo", "dan"]
CONFIDENCES = [0, 0.29, 57.43, 59.9, 60, 99.99, 100]
HOSTS = ["web", "mail", "vpn"]
ARRIVED = 1_767_225_600_000_000


class ToldTwice:
    """One job in the product, and the same in the oracle."""

    def __init__(self, workspace: Workspace, title: str, *, by_bucket: bool, min_votes: int = 1) -> None:
        self.workspace = workspace
        self.oracle = Oracle(JobTerms(LABELS, by_bucket, [], min_votes=min_votes))
        self.job: Job = workspace.jobs.create(
            title=title, labels=LABELS, grouping="bucket" if by_bucket else "event", min_votes=min_votes
        )
        self._arrived = ARRIVED

    @property
    def ledger(self) -> Ledger:
        return self.workspace._ledger  # noqa: SLF001

    def population(
        self,
        start: str | None = None,
        end: str | None = None,
        filters: Sequence[Mapping[str, object]] | None = None,
    ) -> Population:
        active = self.workspace._catalog.active_model(self.job.id)  # noqa: SLF001
        question = Question.read(start, end, filters, "explicit")
        return question.population(self.job, None if active is None else active.training)

    def send(self, *lines: Mapping[str, object]) -> None:
        """Events, each with at most one decision."""
        answer = self.workspace.ingest.bulk(self.job, [json.dumps(line).encode() for line in lines])
        assert answer.rejected == []
        for line in lines:
            event_id, body, bucket = str(line["event_id"]), line["raw_body"], line.get("bucket_id")
            assert isinstance(body, dict)
            assert self.oracle.event(
                event_id,
                body,
                arrived_at=self._arrival(),
                timestamp=str(line["timestamp"]),
                bucket_id=None if bucket is None else str(bucket),
            )
            decision = line.get("decision")
            if isinstance(decision, dict):
                self.oracle.decide(event_id, **decision, arrived_at=self._arrival())

    def vote(self, *votes: Mapping[str, object]) -> None:
        answer = self.workspace.feedback.bulk(self.job, [json.dumps(vote).encode() for vote in votes])
        assert answer.rejected == []
        for vote in votes:
            self.oracle.vote(**vote, arrived_at=self._arrival())  # type: ignore[arg-type]

    def train(self, model_id: str) -> None:
        self.workspace.training.register(self.job, model_id=model_id)
        self.oracle.train(model_id, arrived_at=self._arrival())

    def _arrival(self) -> int:
        self._arrived += 1
        return self._arrived


def much(workspace: Workspace, title: str, *, by_bucket: bool, seed: int) -> ToldTwice:
    """120 events, most decided and half of them again, by other models too, and some sent again into other buckets.

    Votes are changed, withdrawn, given late, overridden, given before a training and after it.
    """
    draw = random.Random(seed)  # noqa: S311
    told = ToldTwice(workspace, title, by_bucket=by_bucket, min_votes=draw.randint(1, 2))
    names = [f"e{number:03d}" for number in range(120)]

    def line(name: str) -> dict[str, object]:
        moment = f"2025-01-{draw.randint(1, 4):02d}T{draw.choice(['00:00:00', '12:30:00', '23:59:59.999999'])}Z"
        made: dict[str, object] = {
            "event_id": name,
            "timestamp": moment,
            "raw_body": {"host": draw.choice(HOSTS)},
        }
        if by_bucket:
            made["bucket_id"] = f"b{draw.randint(0, 24)}"
        if draw.random() < 0.9:
            decision: dict[str, object] = {
                "label": draw.choice(LABELS),
                "decided_at": f"2025-02-{draw.randint(1, 28):02d}T00:00:00Z",
            }
            if draw.random() < 0.9:
                decision["confidence"] = draw.choice(CONFIDENCES)
            if draw.random() < 0.9:
                decision["model_id"] = draw.choice(["first", "second"])
            made["decision"] = decision
        return made

    def votes(size: int) -> list[dict[str, object]]:
        return [
            {
                "event_id": draw.choice(names[:60]),
                "analyst": draw.choice(ANALYSTS),
                "label": draw.choice([*LABELS, *LABELS, None]),
                "at": f"2025-03-{draw.randint(1, 9):02d}T00:00:00Z",
                "override": draw.random() < 0.05,
            }
            for _ in range(size)
        ]

    told.send(*map(line, names))
    told.vote(*votes(120))
    told.train("first")
    for _ in range(3):
        told.send(*map(line, draw.sample(names, 40)))
        told.vote(*votes(40))
    return told
