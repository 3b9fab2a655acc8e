"""The definitions once more, written as plainly as possible: what the product's answers are held against.

Everything that arrives is kept in lists in its order, and every question is answered from scratch. Nothing is
shared with the product and nothing is fast. Times are ISO texts outside and microseconds since 1970 inside.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plain_values import (
    NEGATIONS,
    Moment,
    RefusedError,
    check_filter,
    instant,
    iso,
    matches,
    moment_of,
    reach,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNDECIDED = "Undecided"
DAY = 86_400_000_000


@dataclass
class JobTerms:
    """What a job lays down; the tests change it when they change the job."""

    labels: Sequence[str]
    by_bucket: bool = False
    decision_points: Sequence[str] = ()
    minutes_per_alert: float = 10.0
    min_votes: int = 1
    low_confidence_below: float = 60.0


@dataclass(frozen=True)
class Sent:
    """One sending of an event."""

    event_id: str
    document: dict[str, object]
    timestamp: int
    arrived_at: int
    bucket: str


@dataclass(frozen=True)
class Decision:
    """One decision on an event."""

    event_id: str
    label: str
    confidence: float | None
    model_id: str | None
    outlier: bool | None
    decided_at: int


@dataclass(frozen=True)
class Vote:
    """One vote, withdrawal or override on a subject."""

    subject: str
    analyst: str
    label: str | None
    at: int
    override: bool
    arrived_at: int = field(compare=False)


@dataclass(frozen=True)
class Training:
    """One model: what it learned from, and whether each label came from a consensus."""

    model_id: str
    trained_at: int
    learned: Mapping[str, tuple[str, bool]]


@dataclass
class Oracle:
    """A job and all that was told about it."""

    job: JobTerms
    sent: list[Sent] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    votes: list[Vote] = field(default_factory=list)
    trainings: list[Training] = field(default_factory=list)
    active: str | None = None

    # What arrives

    def event(
        self,
        event_id: str,
        document: dict[str, object],
        *,
        arrived_at: int,
        timestamp: str | None = None,
        bucket_id: str | None = None,
    ) -> bool:
        """Take in an event; False where the line is refused for its time."""
        arrived_at = next((s.arrived_at for s in self.sent if s.event_id == event_id), arrived_at)
        given = timestamp if timestamp is not None else document.get("@timestamp")
        happened = arrived_at if given is None else instant(given)
        if happened is None:
            return False
        values = [list(reach(document, point)) for point in self.job.decision_points]
        bucket = bucket_id if bucket_id is not None else json.dumps(values, sort_keys=True)
        subject = bucket if self.job.by_bucket else event_id
        self.sent.append(Sent(event_id, document, happened, arrived_at, subject))
        return True

    def decide(  # noqa: PLR0913 - the parts of a decision
        self,
        event_id: str,
        label: str,
        *,
        arrived_at: int,
        decided_at: str | None = None,
        confidence: float | None = None,
        model_id: str | None = None,
        outlier: bool | None = None,
    ) -> None:
        """Take in a decision; the very same again changes nothing."""
        of_event = self.decisions_on(event_id)
        at = moment_of(decided_at) if decided_at is not None else arrived_at
        if decided_at is None and of_event:
            at = of_event[-1].decided_at  # equal to the one in force in all else: the very same
            if Decision(event_id, label, confidence, model_id, outlier, at) != of_event[-1]:
                at = arrived_at
        decision = Decision(event_id, label, confidence, model_id, outlier, at)
        if decision not in self.decisions:
            self.decisions.append(decision)

    def vote(  # noqa: PLR0913 - the parts of a vote
        self,
        analyst: str,
        label: str | None,
        *,
        arrived_at: int,
        event_id: str | None = None,
        bucket_id: str | None = None,
        at: str | None = None,
        override: bool = False,
    ) -> None:
        """Take in a vote on an event or a bucket; the very same again changes nothing."""
        subject = bucket_id if event_id is None else self.subject_of(event_id)
        assert subject is not None
        given_at = moment_of(at) if at is not None else arrived_at
        vote = Vote(subject, analyst, label, given_at, override, arrived_at)
        if vote not in self.votes:
            self.votes.append(vote)

    def train(
        self,
        model_id: str,
        *,
        arrived_at: int,
        trained_at: str | None = None,
        activate: bool = True,
        training_set: Sequence[Mapping[str, str]] | None = None,
    ) -> None:
        """Record a training on the consensus so far, or on the set handed over."""
        moment = moment_of(trained_at) if trained_at is not None else arrived_at
        learned: dict[str, tuple[str, bool]] = {}
        for vote in self.votes if training_set is None else []:
            consensus, _ = self.consensus(vote.subject, until=moment)
            if consensus not in {None, UNDECIDED}:
                learned[vote.subject] = (str(consensus), True)
        for entry in training_set or []:
            subject = entry["bucket_id"] if "bucket_id" in entry else self.subject_of(entry["event_id"])
            learned[subject] = (entry["label"], False)
        self.trainings.append(Training(model_id, moment, learned))
        self.active = model_id if activate else self.active

    # What follows from it

    def subject_of(self, event_id: str) -> str:
        """Return what votes on the event are about."""
        buckets = [sent.bucket for sent in self.sent if sent.event_id == event_id]
        return buckets[-1] if self.job.by_bucket else event_id

    def decisions_on(self, event_id: str) -> list[Decision]:
        """Return the decisions on an event, the one in force last."""
        return sorted((d for d in self.decisions if d.event_id == event_id), key=lambda d: d.decided_at)

    def consensus(self, subject: str, until: int | None = None) -> tuple[str | None, int]:
        """Return the consensus and when it became what it is, going through the votes in their order."""
        latest: dict[str, str | None] = {}
        override: str | None = None
        consensus: str | None = None
        changed_at = 0
        for vote in sorted((v for v in self.votes if v.subject == subject), key=lambda v: v.at):
            if until is not None and vote.at > until:
                break
            if vote.override:
                override = vote.label
            else:
                latest[vote.analyst] = vote.label
            standing = [label for label in latest.values() if label is not None]
            now = override if override is not None else majority(standing, self.job.min_votes)
            if now != consensus:
                consensus, changed_at = now, vote.at
        return consensus, changed_at

    def learned(self) -> Mapping[str, tuple[str, bool]]:
        """Return the knowledge base of the active model."""
        return next((t.learned for t in self.trainings if t.model_id == self.active), {})

    def changed(self, subject: str) -> bool:
        """Tell whether the subject is in the knowledge base and its consensus no longer what was learned."""
        if subject not in self.learned():
            return False
        label, from_consensus = self.learned()[subject]
        consensus, _ = self.consensus(subject)
        return from_consensus if consensus is None else consensus != label

    def state(self, subject: str) -> str:
        """Return the state of a subject against the active model."""
        if subject in self.learned():
            return "retrain" if self.changed(subject) else "in_knowledge_base"
        return "new" if self.consensus(subject)[0] is None else "pending"

    def own_fields(self, event: Sent) -> dict[str, object]:
        """Return the fields that every event has beside its document; None where one has no value."""
        decisions = self.decisions_on(event.event_id)
        decision = decisions[-1] if decisions else Decision(event.event_id, "", None, None, None, 0)
        consensus, _ = self.consensus(event.bucket)
        votes = [vote.arrived_at for vote in self.votes if vote.subject == event.bucket]
        state = self.state(event.bucket)
        classes = [f"class_{self.job.labels.index(d.label)}" for d in decisions]
        low = decision.confidence is not None and decision.confidence < self.job.low_confidence_below
        attention: dict[str, object] = {
            "attention.low_confidence_score.attention_required": low,
            "attention.undecided_consensus.attention_required": consensus == UNDECIDED,
        }
        fields = {
            "@timestamp": Moment(event.timestamp),
            "timestamp_inference": Moment(event.arrived_at),
            "arcanna.result_label": decision.label if decisions else None,
            "arcanna.result": classes[-1] if classes else None,
            "arcanna.previous_result": classes[-2] if len(classes) > 1 else None,
            "arcanna.consensus": consensus,
            "arcanna.bucket_id": event.bucket,
            "arcanna.bucket_state": state if self.job.by_bucket else None,
            "arcanna.knowledge_base_state": None if self.job.by_bucket else state,
            "arcanna.confidence_score": decision.confidence,
            "arcanna.outlier_flag": decision.outlier,
            "arcanna.model.path": decision.model_id,
            "arcanna.original_id": event.event_id,
            "arcanna.pipeline_status": "OK" if decisions else "pending_inference",
            "arcanna.last_compute_consensus_timestamp": Moment(max(votes)) if votes else None,
            **attention,
            **{f"arcanna.{name}": value for name, value in attention.items()},
        }
        return fields | {f"{name}.keyword": value for name, value in fields.items()}

    def passes(self, event: Sent, question: Mapping[str, object]) -> bool:
        """Tell whether an event passes one filter."""
        name, operator = str(question["field"]), str(question["operator"])
        own = self.own_fields(event)
        values = [own[name]] if name in own else list(reach(event.document, name))
        there = [value for value in values if value is not None]
        met = any(matches(value, NEGATIONS.get(operator, operator), question.get("value")) for value in there)
        return met != (operator in NEGATIONS)

    # The question

    def bounds(self, start: str | None, end: str | None) -> tuple[int | None, int | None]:
        """Return the first moment of a window and the first after it."""
        since = None if start is None else moment_of(start)
        before = None if end is None else moment_of(end) + (DAY if len(end) == len("2025-01-01") else 0)
        if since is not None and before is not None and since >= before:
            raise RefusedError("the start is not before the end")
        return since, before

    def population(
        self,
        start: str | None = None,
        end: str | None = None,
        filters: Sequence[Mapping[str, object]] | None = None,
    ) -> list[Sent]:
        """Return the decided events of a window that pass every filter."""
        since, before = self.bounds(start, end)
        for question in filters or []:
            check_filter(question)
        decided = {d.event_id for d in self.decisions}
        return [
            event
            for event in {sent.event_id: sent for sent in self.sent}.values()
            if event.event_id in decided
            and (since is None or event.timestamp >= since)
            and (before is None or event.timestamp < before)
            and all(self.passes(event, question) for question in filters or [])
        ]

    def metrics(
        self,
        start: str | None = None,
        end: str | None = None,
        filters: Sequence[Mapping[str, object]] | None = None,
        truth: str = "implicit",
    ) -> dict[str, object]:
        """Return the whole documented body."""
        since, before = self.bounds(start, end)
        population = self.population(start, end, filters)
        matrix = [[0] * len(self.job.labels) for _ in self.job.labels]
        for event in population:
            decision = self.decisions_on(event.event_id)[-1].label
            consensus, _ = self.consensus(event.bucket)
            fact = decision if consensus is None and truth == "implicit" else consensus
            if fact is not None and fact != UNDECIDED:
                matrix[self.job.labels.index(fact)][self.job.labels.index(decision)] += 1
        changed = [event for event in population if self.changed(event.bucket)]
        newest = sorted(changed, key=lambda e: (-self.consensus(e.bucket)[1], -e.timestamp, e.event_id))
        per_bucket = Counter(event.bucket for event in changed if self.job.by_bucket)
        times = sorted(event.timestamp for event in population)
        first, last = (times[0], times[-1]) if times else (None, None)
        total = sum(map(sum, matrix))
        right = sum(matrix[i][i] for i in range(len(matrix)))
        per_label = [one_against_rest(matrix, i) for i in range(len(matrix))]
        occurring = [scores for scores in per_label if scores["true_negatives"] < total]

        def mean(name: str) -> float | None:
            return sum(scores[name] for scores in occurring) / len(occurring) if occurring else None

        return {
            "confusion_matrix": matrix,
            "overall_accuracy": right / total if total else None,
            "overall_f1_score": mean("f1_score"),
            "overall_recall": mean("recall"),
            "overall_precision": mean("precision"),
            "metrics_per_decision": dict(zip(self.job.labels, per_label, strict=True)),
            "start_time": iso(first if since is None else since),
            "end_time": iso(last if before is None else before),
            "time_saved_minutes": self.job.minutes_per_alert * right,
            "active_model_id": self.active,
            "all_model_ids": [t.model_id for t in sorted(self.trainings, key=lambda t: t.trained_at)],
            "total_events": len(population),
            "total_events_in_knowledge_base": sum(event.bucket in self.learned() for event in population),
            "total_events_with_consensus": sum(
                self.consensus(event.bucket)[0] not in {None, UNDECIDED} for event in population
            ),
            "changed_consensus_after_training": {
                "total_events": len(changed),
                "top_events_ids": [event.event_id for event in newest[:10]],
                "top_buckets_ids": sorted(per_bucket, key=lambda bucket: (-per_bucket[bucket], bucket))[:10],
            },
        }


def majority(labels: Sequence[str], min_votes: int) -> str | None:
    """Return the label with strictly more votes than any other, Undecided without one, None without votes."""
    if not labels:
        return None
    ranked = [*Counter(labels).most_common(), ("", 0)]
    return ranked[0][0] if len(labels) >= min_votes and ranked[0][1] > ranked[1][1] else UNDECIDED


def one_against_rest(matrix: Sequence[Sequence[int]], i: int) -> dict[str, float]:
    """Return the scores of one label."""
    hits = matrix[i][i]
    called, true = sum(row[i] for row in matrix), sum(matrix[i])
    precision = hits / called if called else 0.0
    recall = hits / true if true else 0.0
    return {
        "precision": precision,
        "recall": recall,
        "f1_score": 2 * hits / (called + true) if called + true else 0.0,
        "true_positives": hits,
        "true_negatives": sum(map(sum, matrix)) - called - true + hits,
        "false_positives": called - hits,
        "false_negatives": true - hits,
    }


def differences(answer: object, wanted: object, place: str = "") -> list[str]:
    """Return where an answer differs: keys in order, integers exactly, fractions within 1e-12."""
    if isinstance(answer, dict) and isinstance(wanted, dict):
        if list(answer) != list(wanted):
            return [f"{place}: keys {list(answer)} instead of {list(wanted)}"]
        return [line for key in wanted for line in differences(answer[key], wanted[key], f"{place}/{key}")]
    if isinstance(wanted, int | float) and isinstance(answer, float):
        return [] if abs(answer - wanted) <= 1e-12 else [f"{place}: {answer!r} instead of {wanted!r}"]
    same_type = isinstance(answer, type(wanted))
    return [] if same_type and answer == wanted else [f"{place}: {answer!r} instead of {wanted!r}"]
