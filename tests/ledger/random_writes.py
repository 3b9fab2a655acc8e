"""Writes at random to one job, as requests would, for what is held against a recount after each of them."""

from __future__ import annotations

import contextlib
import json
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from trueline.instants import parse_micros
from trueline.ledger.conditions import JobShape
from trueline.ledger.errors import LedgerError
from trueline.ledger.population import Population
from trueline.metrics.consensus import REVIEW_REASONS
from trueline.service.errors import InvalidRequestError, NothingToLearnError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace

LABELS = ["Drop", "Investigate", "Escalate"]
WRITES = [
    *("events", "events", "events", "votes", "votes", "votes", "votes on buckets", "override"),
    *("decision", "training", "training", "min_votes", "rebuilt", "failed", "failed"),
]


FAILING = ["events", "replaced", "votes", "consensus", "knowledge_base", "audit_draws"]
"""How the tables begin whose rows may not come, or come and are not said to."""


class Writer:
    """Writes at random to one job, as requests would."""

    def __init__(self, workspace: Workspace, ledger: Ledger, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
        self.choose = random.Random(f"{job.grouping}1")  # noqa: S311 - test data
        self.choose_beside = random.Random(f"beside {job.grouping}")  # noqa: S311 - what does not decide what is counted
        self._choose_value = random.Random(f"value {job.grouping}")  # noqa: S311 - likewise
        self._choose_number = random.Random(f"number {job.grouping}")  # noqa: S311 - likewise
        self._choose_reason = random.Random(f"reason {job.grouping}")  # noqa: S311 - likewise
        self._workspace = workspace
        self._ledger = ledger
        self._job = job
        self._monkeypatch = monkeypatch
        self._sent: set[str] = set()
        self._buckets: set[str] = set()

    def write(self, kind: str) -> None:
        """Write once."""
        choose, workspace, job = self.choose, self._workspace, self._job
        known = sorted(self._sent)
        match kind:
            case "events":
                events = [self._event() for _ in range(choose.randint(1, 6))]
                assert not workspace.ingest.bulk(job, packed(*events)).rejected
                self._sent |= {event["event_id"] for event in events}
                self._buckets |= {event["bucket_id"] for event in events}
            case "votes" if known:
                self._give(*({"event_id": choose.choice(known)} for _ in range(choose.randint(1, 4))))
            case "votes on buckets" if job.grouping == "bucket":
                self._give(*({"bucket_id": each} for each in sorted(self._buckets)))
            case "override" if known:
                self._give({"event_id": choose.choice(known), "override": True})
            case "decision" if known:
                workspace.ingest.decide(
                    job,
                    choose.choice(known),
                    label=choose.choice(LABELS),
                    confidence=self.choose_beside.choice([None, 0, 5, 64, 100]),
                )
            case "training":
                self._train(known)
            case "min_votes":
                workspace.jobs.change(job.id, min_votes=choose.randint(1, 2))
            case "rebuilt":
                assert not workspace.jobs.rebuild(job.id).corrected
            case "failed" if known:
                self._fail(choose.choice(FAILING), arrived=self.choose_beside.random() < 0.5)

    def _give(self, *on: dict[str, Any]) -> None:
        lines = packed(*({**each, **self._vote()} for each in on))
        assert not self._workspace.feedback.bulk(self._job, lines).rejected

    def _train(self, known: list[str]) -> None:
        choose, beside = self.choose, self.choose_beside
        if beside.random() < 0.2:
            with contextlib.suppress(NothingToLearnError):
                self._workspace.training.train(self._job)
            return
        members = [{"event_id": each, "label": choose.choice(LABELS)} for each in known if choose.random() < 0.5]
        self._workspace.training.register(
            self._job,
            training_set=members if choose.random() < 0.5 else None,
            trained_at=f"2025-01-0{beside.randint(1, 9)}" if beside.random() < 0.3 else None,
            activate=beside.random() < 0.8,
        )

    def _fail(self, at: str, *, arrived: bool) -> None:
        """Write until that fails where rows come to a table of such a name, before they do or after."""
        with self._monkeypatch.context() as patched:
            patched.setattr(self._ledger.engine, "insert", failing(self._ledger.engine.insert, at, arrived=arrived))
            with pytest.raises(LedgerError, match="cut short"):
                self._write_often_to(at)

    def _write_often_to(self, at: str) -> None:
        for _ in range(50):
            match at:
                case "knowledge_base":
                    member = {"event_id": self.choose.choice(sorted(self._sent)), "label": self.choose.choice(LABELS)}
                    self._workspace.training.register(self._job, training_set=[member])
                case "audit_draws":
                    self.audit()
                    self.write("events")
                case _:
                    self._workspace.ingest.bulk(self._job, packed(self._event(voted=True)))

    def audit(self) -> None:
        """Draw one of each decision, where there is any."""
        for decision in LABELS:
            with contextlib.suppress(InvalidRequestError):
                self._workspace.audits.draw(self._job, decision, 1, str(self.choose_beside.random()))

    def _event(self, *, voted: bool = False) -> dict[str, Any]:
        choose = self.choose
        name = str(choose.randint(1, 30))
        at = datetime(2024, 12, 31, 22, tzinfo=UTC) + timedelta(minutes=choose.randint(0, 7 * 60))
        event: dict[str, Any] = {"event_id": name, "timestamp": at.isoformat(), "bucket_id": choose.choice("xyz")}
        event |= {"raw_body": {"v": self._number(choose.random()), **self._values()}}
        if choose.random() < 0.8:
            event["decision"] = {
                "label": choose.choice(LABELS),
                "confidence": self.choose_beside.choice([None, 0, 9.5, 60, 99, 100]),
            }
        return event | ({"votes": [self._vote()]} if voted or choose.random() < 0.3 else {})

    def _number(self, number: float) -> float | None:
        """Mostly that one; sometimes a short one, or none."""
        return self._choose_number.choice([number, number, number, 0.25, -3, 2**40, None])

    def _values(self) -> dict[str, Any]:
        """At a path that holds anything, and at one that few events have, which may appear late."""
        of_any_kind = [1, 2, 2.5, "1", "two", "three 3", True, ["two", 1], {"in": 1}, None, 0.0, "t" * 600]
        values = {"of.any.kind": self._choose_value.choice(of_any_kind)}
        return values | ({"sparse": self._choose_value.choice("xyz")} if self._choose_value.random() < 0.1 else {})

    def _vote(self) -> dict[str, Any]:
        choose, beside = self.choose, self.choose_beside
        label = choose.choice([*LABELS, None])
        vote: dict[str, Any] = {
            "analyst": choose.choice("abc"),
            "label": label,
            "at": f"2025-01-0{choose.randint(1, 9)}",
        }
        vote |= {"review_probability": beside.choice([0.25, 0.5, 1])} if beside.random() < 0.4 else {}
        reason = self._choose_reason
        return vote | ({"review_reason": reason.choice(REVIEW_REASONS)} if reason.random() < 0.4 else {})


def failing(insert: Callable[[str, Any], None], at: str, *, arrived: bool = False) -> Callable[[str, Any], None]:
    """An insert that fails where it is about a table of such a name, before the rows are there or after."""

    def cut_short(table: str, rows: Any) -> None:  # noqa: ANN401 - a table of any shape
        if not table.startswith(at):
            insert(table, rows)
            return
        if arrived:
            insert(table, rows)
        raise LedgerError("cut short")

    return cut_short


def packed(*lines: dict[str, Any]) -> list[bytes]:
    return [json.dumps(line).encode() for line in lines]


def population(workspace: Workspace, job: Job, start: str | None, end: str | None) -> Population:
    active = next((model for model in workspace.training.models(job) if model.active), None)
    return Population(
        job.id,
        JobShape(job.labels, job.grouping == "bucket", job.low_confidence_below),
        None if active is None else active.training,
        None if start is None else parse_micros(start),
        None if end is None else parse_micros(end),
        (),
    )
