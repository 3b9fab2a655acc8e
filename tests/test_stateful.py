"""Any sequence of events, decisions, votes and trainings gives the numbers that the oracle gives."""

from __future__ import annotations

import itertools
import json
import os
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

import counted_plainly as plainly
from drawn import (
    BUCKETS,
    DOCUMENTS,
    EVENTS,
    FIRST_ARRIVAL,
    LABELS,
    LATER_LABEL,
    TIMES,
    decision_parts,
    filters,
    labels,
    times,
    vote_parts,
    windows,
)
from oracle import JobTerms, Oracle, differences
from plain_values import RefusedError, reach
from trueline.ledger.decision_pairs import Sides
from trueline.service.errors import TruelineError
from trueline.service.question import Question

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from trueline.catalog.records import Job
    from trueline.service.workspace import Workspace

LONG = os.environ.get("TRUELINE_TEST_LONG") == "1"
EXAMPLES = 250 if LONG else 25
STEPS = 25

SCORES = [
    "confusion_matrix",
    "overall_accuracy",
    "overall_f1_score",
    "overall_recall",
    "overall_precision",
    "metrics_per_decision",
]


def alike(found: Sequence[object], wanted: AbstractSet[object]) -> None:
    """Tell whether a list has just these, each once."""
    assert (set(found), len(found)) == (wanted, len(wanted))


def times_given(line: Mapping[str, object]) -> bool:
    """Tell whether a line says of all in it when it happened, so that sending it again says nothing new."""
    votes = line.get("votes", [])
    decision = line.get("decision", {"decided_at": ""})
    assert isinstance(votes, list)
    assert isinstance(decision, dict)
    return "decided_at" in decision and all(vote["at"] is not None for vote in votes)


class AnySequence(RuleBasedStateMachine):
    """One job, told the same things as an oracle."""

    workspace: ClassVar[Workspace]
    titles: ClassVar[Iterator[int]] = itertools.count()

    @initialize(
        by_bucket=st.booleans(),
        buckets_sent=st.booleans(),
        min_votes=st.integers(1, 2),
        minutes=st.sampled_from([10.0, 2.5]),
        first=st.lists(labels, min_size=3, max_size=4),
    )
    def create(self, *, by_bucket: bool, buckets_sent: bool, min_votes: int, minutes: float, first: list[str]) -> None:
        points = ["host.name"] if by_bucket else []
        self.buckets_sent = buckets_sent
        self.terms = JobTerms(list(LABELS), by_bucket, points, minutes, min_votes)
        self.oracle = Oracle(self.terms)
        self.arrived_at = FIRST_ARRIVAL
        # the first two are those that decisions name
        self.models = itertools.chain(["first", "second"], (f"model {number}" for number in itertools.count()))
        self.given: list[dict[str, object]] = []
        self.job: Job = self.workspace.jobs.create(
            title=f"{type(self).__name__} {next(self.titles)}",
            labels=LABELS,
            grouping="bucket" if by_bucket else "event",
            decision_points=points,
            minutes_per_alert=minutes,
            min_votes=min_votes,
        )

        self.send([self.first_line(number, label) for number, label in enumerate(first)])

    def first_line(self, number: int, label: str) -> dict[str, object]:
        line = {"event_id": EVENTS[number], "timestamp": TIMES[number], "raw_body": DOCUMENTS[number]}
        bucket = {"bucket_id": BUCKETS[number % 2]} if self.terms.by_bucket and self.buckets_sent else {}
        return {**line, **bucket, "decision": {"label": label, "decided_at": TIMES[1]}}

    def arrival(self) -> int:
        """Return the time of the next arrival: no two things arrive at once."""
        self.arrived_at += 1
        return self.arrived_at

    @property
    def known_events(self) -> list[str]:
        return sorted({sent.event_id for sent in self.oracle.sent})

    @property
    def known_buckets(self) -> list[str]:
        latest = {sent.event_id: sent.bucket for sent in self.oracle.sent}  # an event left its earlier buckets
        return sorted(set(latest.values())) if self.terms.by_bucket and self.buckets_sent else []

    def told(self, lines: Sequence[Mapping[str, object]]) -> list[bytes]:
        return [json.dumps(line).encode() for line in lines]

    # What arrives

    @rule(data=st.data(), size=st.integers(1, 4))
    def ingest(self, data: st.DataObject, size: int) -> None:
        """Send events, with decisions and votes, some of them again, with a bad line among them at times."""
        lines: list[dict[str, object]] = []
        for _ in range(size):
            line: dict[str, object] = {"event_id": data.draw(st.sampled_from(EVENTS))}
            line["raw_body"] = document = data.draw(st.sampled_from(DOCUMENTS))
            if "@timestamp" not in document or data.draw(st.booleans()):
                line["timestamp"] = data.draw(times)
            if self.terms.by_bucket and self.buckets_sent:
                line["bucket_id"] = data.draw(st.sampled_from(BUCKETS))
            if data.draw(st.integers(0, 3)):
                line["decision"] = data.draw(decision_parts)
            if not data.draw(st.integers(0, 3)):
                line["votes"] = data.draw(st.lists(vote_parts, min_size=1, max_size=2))
            lines.append(line)
        bad = data.draw(
            st.sampled_from(
                [
                    None,
                    None,
                    b"{",
                    b'{"event_id": "e0", "raw_body": {"@timestamp": "yesterday"}}',
                    b'{"event_id": "e0", "raw_body": {}, "decision": {"label": "Maybe"}}',
                    b'{"event_id": "e0", "raw_body": {}, "votes": [{"analyst": "ana", "label": "Maybe"}]}',
                ]
            )
        )
        place = data.draw(st.integers(0, size))
        sent = self.send(lines, None if bad is None else (place, bad))
        if data.draw(st.booleans()) and all(times_given(line) for line in lines):
            again = self.workspace.ingest.bulk(self.job, sent)
            assert (again.accepted, again.replaced) == (size, size)

    def send(self, lines: list[dict[str, object]], bad: tuple[int, bytes] | None = None) -> list[bytes]:
        seen = set(self.known_events)
        replaced = 0
        for line in lines:
            replaced += line["event_id"] in seen
            seen.add(str(line["event_id"]))
        sent = self.told(lines)
        if bad is not None:
            sent.insert(*bad)
        answer = self.workspace.ingest.bulk(self.job, sent)
        assert (answer.accepted, answer.replaced) == (len(lines), replaced)
        assert [rejection.line for rejection in answer.rejected] == ([] if bad is None else [bad[0] + 1])
        for line in lines:
            self.oracle_takes(line)
        return sent

    def oracle_takes(self, line: Mapping[str, object]) -> None:
        event_id, document = str(line["event_id"]), line["raw_body"]
        assert isinstance(document, dict)
        timestamp, bucket_id = line.get("timestamp"), line.get("bucket_id")
        assert self.oracle.event(
            event_id,
            document,
            timestamp=None if timestamp is None else str(timestamp),
            bucket_id=None if bucket_id is None else str(bucket_id),
            arrived_at=self.arrival(),
        )
        decision, votes = line.get("decision"), line.get("votes", [])
        if isinstance(decision, dict):
            self.oracle.decide(event_id, **decision, arrived_at=self.arrival())
        assert isinstance(votes, list)
        for vote in votes:
            self.oracle.vote(**vote, event_id=event_id, arrived_at=self.arrival())

    @precondition(lambda self: self.known_events)
    @rule(data=st.data(), decision=decision_parts)
    def decide(self, data: st.DataObject, decision: dict[str, object]) -> None:
        event_id = data.draw(st.sampled_from(self.known_events))
        self.workspace.ingest.decide(self.job, event_id, **decision)  # type: ignore[arg-type]
        self.oracle.decide(event_id, **decision, arrived_at=self.arrival())  # type: ignore[arg-type]

    @precondition(lambda self: any(self.oracle.decisions_on(event_id) for event_id in self.known_events))
    @rule(data=st.data())
    def decide_the_very_same(self, data: st.DataObject) -> None:
        """Send the decision in force again, with its time or without: nothing changes."""
        decided = sorted({decision.event_id for decision in self.oracle.decisions})
        event_id = data.draw(st.sampled_from(decided))
        last = self.oracle.decisions_on(event_id)[-1]
        self.workspace.ingest.decide(
            self.job,
            event_id,
            label=last.label,
            confidence=last.confidence,
            model_id=last.model_id,
            outlier=last.outlier,
        )

    @precondition(lambda self: self.known_events)
    @rule(data=st.data(), votes=st.lists(vote_parts, min_size=1, max_size=6))
    def vote(self, data: st.DataObject, votes: list[dict[str, object]]) -> None:
        """Vote, change a vote, withdraw one; late, too."""
        about = [data.draw(st.sampled_from(self.subjects)) for _ in range(2)]
        self.give([{**data.draw(st.sampled_from(about)), **parts} for parts in votes])

    @precondition(lambda self: self.known_events)
    @rule(data=st.data(), votes=st.lists(vote_parts, min_size=1, max_size=3))
    def override(self, data: st.DataObject, votes: list[dict[str, object]]) -> None:
        """Settle a subject, settle it otherwise, withdraw that."""
        subject = data.draw(st.sampled_from(self.subjects))
        self.give([{**subject, **parts, "override": True} for parts in votes])

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def vote_the_very_same(self, data: st.DataObject) -> None:
        """Give a vote again that was given at a certain time: nothing changes, unless its event moved on.

        Rather one that its giver changed in the same microsecond: then the order of arrival is at stake.
        """
        changed = [
            line
            for number, line in enumerate(self.given)
            if any({**line, "label": ""} == {**later, "label": ""} for later in self.given[number + 1 :])
        ]
        self.give([data.draw(st.sampled_from(changed or self.given))])

    @property
    def subjects(self) -> list[dict[str, object]]:
        subjects: list[dict[str, object]] = [{"event_id": event_id} for event_id in self.known_events]
        return subjects + [{"bucket_id": bucket_id} for bucket_id in self.known_buckets]

    def give(self, lines: list[dict[str, object]]) -> None:
        answer = self.workspace.feedback.bulk(self.job, self.told(lines))
        assert (answer.accepted, answer.rejected) == (len(lines), [])
        for line in lines:
            self.oracle.vote(**line, arrived_at=self.arrival())  # type: ignore[arg-type]
        self.given += [line for line in lines if line["at"] is not None]
        self.agree(None, None, [], "implicit")

    @rule(
        data=st.data(),
        activate=st.sampled_from([True, True, False]),
        trained_at=st.sampled_from([*TIMES, None, None]),
        handed_over=st.sampled_from([False, False, True]),
    )
    def train(self, data: st.DataObject, *, activate: bool, trained_at: str | None, handed_over: bool) -> None:
        training_set: list[dict[str, str]] | None = None
        if handed_over:
            subjects = [("event_id", event_id) for event_id in self.known_events]
            if not self.terms.by_bucket:
                subjects += [("event_id", "e0"), ("event_id", "e5")]
            elif self.buckets_sent:
                subjects += [("bucket_id", bucket_id) for bucket_id in BUCKETS]
            drawn = data.draw(st.lists(st.sampled_from(subjects), max_size=5)) if subjects else []
            training_set = [{named: subject, "label": data.draw(labels)} for named, subject in drawn]
        model_id = next(self.models)
        for _ in range(data.draw(st.integers(1, 2)) if trained_at is not None else 1):  # once more changes nothing
            model = self.workspace.training.register(
                self.job,
                model_id=model_id,
                trained_at=trained_at,
                activate=activate,
                training_set=training_set,
            )
            assert model.id == model_id
        self.oracle.train(
            model_id,
            trained_at=trained_at,
            activate=activate,
            training_set=training_set,
            arrived_at=self.arrival(),
        )
        self.agree(None, None, [], "explicit")

    @rule(min_votes=st.integers(1, 3))
    def change_min_votes(self, min_votes: int) -> None:
        self.job = self.workspace.jobs.change(self.job.id, min_votes=min_votes)
        self.terms.min_votes = min_votes
        self.agree(None, None, [], "explicit")

    @rule(low_confidence_below=st.sampled_from([0.0, 59.9, 60.0, 100.0]), minutes=st.sampled_from([0.5, 10.0]))
    def change_terms(self, low_confidence_below: float, minutes: float) -> None:
        self.job = self.workspace.jobs.change(
            self.job.id, low_confidence_below=low_confidence_below, minutes_per_alert=minutes
        )
        self.terms.low_confidence_below, self.terms.minutes_per_alert = low_confidence_below, minutes

    @precondition(lambda self: LATER_LABEL not in self.terms.labels)
    @rule()
    def add_a_label(self) -> None:
        self.terms.labels = [*LABELS, LATER_LABEL]
        self.job = self.workspace.jobs.change(self.job.id, labels=self.terms.labels)

    # What is asked

    @rule(
        window=windows,
        questions=st.lists(filters(), max_size=2),
        truth=st.sampled_from(["implicit", "explicit"]),
    )
    def ask(self, window: tuple[str | None, str | None], questions: list[dict[str, object]], truth: str) -> None:
        if self.terms.by_bucket and not self.buckets_sent:
            questions = [question for question in questions if question["field"] != "arcanna.bucket_id"]
        self.agree(*window, questions, truth)

    @rule(questions=st.lists(filters(), min_size=1, max_size=1))
    def ask_both_ways(self, questions: list[dict[str, object]]) -> None:
        self.ask((None, None), questions, "implicit")
        self.ask((None, None), questions, "explicit")

    @precondition(lambda self: self.oracle.trainings)
    @rule(data=st.data(), truth=st.sampled_from(["implicit", "explicit"]))
    def ask_about_a_model(self, data: st.DataObject, truth: str) -> None:
        """Its metrics are those of the events it decided, and its knowledge base is what was learned."""
        training = data.draw(st.sampled_from(self.oracle.trainings))
        of_models = self.workspace.model_metrics
        model = of_models.model(self.job, training.model_id)
        of_models.recompute(model).result()
        answer = of_models.report(self.job, model, truth)
        of_model = {"field": "arcanna.model.path", "operator": "is", "value": training.model_id}
        wanted = self.oracle.metrics(filters=[of_model], truth=truth)
        assert not differences({name: answer[name] for name in SCORES}, {name: wanted[name] for name in SCORES})
        decided = [event for event in self.oracle.population() if event.bucket in training.learned]
        counts = {
            label: {
                "alerts_count": sum(training.learned[event.bucket][0] == label for event in decided),
                "buckets_count": sum(learned == label for learned, _ in training.learned.values()),
            }
            for label in self.terms.labels
        }
        assert answer["kb_count_per_decision"] == counts
        assert (answer["events_in_kb"], answer["buckets_in_kb"]) == (len(decided), len(training.learned))
        assert (answer["is_recomputing_metrics"], answer["recompute_status"]) == (False, "completed")

    @rule(
        window=windows,
        questions=st.lists(filters(), max_size=1),
        truth=st.sampled_from(["implicit", "explicit"]),
        interval=st.sampled_from(["1h", "1d", "7d", None]),
    )
    def ask_over_time(
        self,
        window: tuple[str | None, str | None],
        questions: list[dict[str, object]],
        truth: str,
        interval: str | None,
    ) -> None:
        """New data and knowledge base, overall and per model, in all and in each interval, are populations as any."""
        if self.terms.by_bucket and not self.buckets_sent:
            questions = [question for question in questions if question["field"] != "arcanna.bucket_id"]
        asked: dict[str, object] = {"filters": questions, "truth": truth}
        try:
            whole = self.oracle.metrics(*window, questions, truth)
        except RefusedError:
            with pytest.raises(TruelineError):
                self.workspace.internal_metrics.of([self.job], start=window[0], end=window[1], **asked)  # type: ignore[arg-type]
            return
        (told,) = self.workspace.internal_metrics.of(
            [self.job],
            interval=interval,
            start=window[0],
            end=window[1],
            **asked,  # type: ignore[arg-type]
        )
        assert (told["start_time"], told["end_time"]) == (whole["start_time"], whole["end_time"])
        of_models = told["evaluation_metrics"]["per_model"]
        models: list[tuple[str | None, dict[str, object]]] = [(None, told["evaluation_metrics"]["overall"])]
        for model, split in [*models, *of_models.items()]:
            for name, operator in (("knowledge_base", "is one of"), ("new_data", "is not one of")):
                part: list[Mapping[str, object]] = [*questions]
                field = "arcanna.bucket_state" if self.terms.by_bucket else "arcanna.knowledge_base_state"
                part.append({"field": field, "operator": operator, "value": ["in_knowledge_base", "retrain"]})
                if model is not None:
                    part.append({"field": "arcanna.model.path", "operator": "is", "value": model})
                self.agree_over_time(split[name], window, part, truth, daily=interval == "1d")
                points = told["decision_point_statistics"]
                points = points["overall"] if model is None else points["per_model"][model]
                self.agree_on_decision_points(points[name], window, part)

    @rule(
        window=windows,
        questions=st.lists(filters(), max_size=1),
        sides=st.sampled_from([(None, None), ("first", "second"), ("second", "first")]),
    )
    def ask_about_people(
        self,
        window: tuple[str | None, str | None],
        questions: list[dict[str, object]],
        sides: tuple[str | None, str | None],
    ) -> None:
        """Votes, confidences and decisions by two models are counted as the lists of the oracle have them."""
        if self.terms.by_bucket and not self.buckets_sent:
            questions = [question for question in questions if question["field"] != "arcanna.bucket_id"]
        try:
            wanted = self.oracle.population(*window, questions)
        except RefusedError:
            return
        ledger = self.workspace._ledger  # noqa: SLF001
        active = self.workspace._catalog.active_model(self.job.id)  # noqa: SLF001
        question = Question.read(*window, questions, "explicit")
        population = question.population(self.job, None if active is None else active.training)
        alike(ledger.vote_patterns.patterns(population), plainly.vote_patterns(self.oracle, wanted))
        alike(ledger.confidences.counts(population), plainly.confidence_counts(self.oracle, wanted))
        two = Sides(*sides)
        alike(ledger.decision_pairs.pairs(population, two), plainly.decision_pairs(self.oracle, wanted, *sides))
        subjects = plainly.paired_subjects(self.oracle, wanted, *sides)
        if self.terms.by_bucket:
            alike(ledger.decision_pairs.subjects(population, two), subjects)
        flipped = plainly.flipped(self.oracle, wanted, *sides)
        found = ledger.decision_pairs.flipped(population, two, list(flipped), 2)
        assert found == {kind: events[:2] for kind, events in flipped.items()}

    def agree_over_time(
        self,
        series: Mapping[str, object],
        window: tuple[str | None, str | None],
        questions: Sequence[Mapping[str, object]],
        truth: str,
        *,
        daily: bool,
    ) -> None:
        names = [*SCORES, "time_saved_minutes", "total_events", "total_events_with_consensus"]
        total, intervals = series["total"], series["intervals"]
        assert isinstance(total, dict)
        assert isinstance(intervals, list)
        wanted = self.oracle.metrics(*window, questions, truth)
        assert not differences({name: total[name] for name in names}, {name: wanted[name] for name in names})
        assert total["total_events_changed_after_training"] == self.oracle_changed(wanted)
        for before, after in itertools.pairwise(intervals):
            assert before["end_time"] == after["start_time"]
        if intervals:
            matrices = [each["confusion_matrix"] for each in intervals]
            added = [[sum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*matrices, strict=True)]
            assert added == total["confusion_matrix"]
        else:
            assert total["total_events"] == 0
        for each in intervals if daily else ():
            wanted = self.oracle.metrics(each["start_time"], each["end_time"], questions, truth)
            assert not differences({name: each[name] for name in names}, {name: wanted[name] for name in names})

    @staticmethod
    def oracle_changed(wanted: Mapping[str, object]) -> object:
        changed = wanted["changed_consensus_after_training"]
        assert isinstance(changed, dict)
        return changed["total_events"]

    def agree_on_decision_points(
        self,
        told: Mapping[str, object],
        window: tuple[str | None, str | None],
        questions: Sequence[Mapping[str, object]],
    ) -> None:
        assert list(told) == list(self.terms.decision_points)
        for path in told:
            events = self.oracle.population(*window, questions)
            there = [e for e in events if self.oracle.passes(e, {"field": path, "operator": "exists"})]
            values = {json.dumps(list(reach(event.document, path))) for event in there}
            missing = len(events) - len(there)
            assert told[path] == {
                "total_events": len(events),
                "distinct_values": len(values),
                "missing_events": missing,
                "missing_share": missing / len(events) if events else None,
            }

    def agree(self, start: str | None, end: str | None, questions: list[dict[str, object]], truth: str) -> None:
        try:
            wanted = self.oracle.metrics(start, end, questions, truth)
        except RefusedError:
            with pytest.raises(TruelineError):
                self.workspace.metrics.job(self.job.id, start, end, questions, truth)
            return
        answer = self.workspace.metrics.job(self.job.id, start, end, questions, truth)
        if self.terms.by_bucket and not self.buckets_sent:  # how the values are hashed is the product's own affair
            for body in (wanted, answer):
                changed = body["changed_consensus_after_training"]
                assert isinstance(changed, dict)
                changed["top_buckets_ids"] = len(changed["top_buckets_ids"])
        assert not differences(answer, wanted), f"{start} {end} {questions} {truth}"

    def teardown(self) -> None:
        if hasattr(self, "oracle"):
            self.agree(None, None, [], "implicit")
            self.agree(None, None, [], "explicit")


def test_any_sequence_gives_the_oracles_numbers(workspace: Workspace) -> None:
    AnySequence.workspace = workspace
    run_state_machine_as_test(
        AnySequence,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )
