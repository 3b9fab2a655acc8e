"""Events looked for, held against the oracle: which, in what order, with which own fields."""

from __future__ import annotations

import itertools
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from oracle import JobTerms, Oracle, Sent
from plain_values import Moment, iso, number, reach
from trueline.service.errors import EventNotFoundError, InvalidRequestError
from trueline.service.search import MAX_EVENTS, MAX_REACH, MAX_SIZE, Paging, Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trueline.catalog.records import Job
    from trueline.service.workspace import Workspace

LABELS = ["Drop", "Investigate", "Escalate"]
TIMES = [f"2025-01-0{day}T0{hour}:00:00Z" for day in (1, 2, 3) for hour in (0, 9)]
VALUES: list[object] = [
    *(5, 5.5, -3, 2**53 + 1, 2**70, 1e-9, "5", "a", "b", "ä", "\U0001f600", "", True, False, None, [], {}, {"k": 1}),
    *([1, 9], ["b", "a"], [True, "x", 3], [{}], [{"k": 2}], [[7], "z"], "2025-01-01", "2025-02-01T00:00:00Z"),
]
FIRST_ARRIVAL = 1_767_225_600_000_000
ARRIVALS = {"@timestamp.arrival", "timestamp_inference", "arcanna.last_compute_consensus_timestamp"}
QUESTIONS: list[dict[str, object]] = [
    {"field": "v", "operator": "exists"},
    {"field": "v", "operator": "is", "value": 5},
    {"field": "v", "operator": "not contains", "value": "a"},
    {"field": "v", "operator": "gte", "value": "2025-01-15"},
    {"field": "host.name", "operator": "is one of", "value": ["web", "mail"]},
    {"field": "nowhere", "operator": "not exists"},
    {"field": "arcanna.pipeline_status", "operator": "is", "value": "pending_inference"},
    {"field": "arcanna.result_label", "operator": "is not", "value": "Drop"},
    {"field": "arcanna.consensus", "operator": "exists"},
    {"field": "arcanna.consensus", "operator": "is not", "value": "Escalate"},
    {"field": "arcanna.knowledge_base_state", "operator": "is not", "value": "new"},
    {"field": "arcanna.bucket_state", "operator": "is one of", "value": ["pending", "retrain"]},
    {"field": "arcanna.confidence_score", "operator": "lt", "value": 60},
    {"field": "arcanna.last_compute_consensus_timestamp", "operator": "exists"},
    {"field": "arcanna.attention.undecided_consensus.attention_required", "operator": "is", "value": True},
]
SORTED_BY = [
    *("@timestamp", "timestamp_inference", "v", "v.k", "host.name", "only.numbers", "nowhere", "x" * 2_000),
    *("arcanna.result_label", "arcanna.result", "arcanna.consensus.keyword", "arcanna.bucket_state"),
    *("arcanna.confidence_score", "arcanna.outlier_flag", "arcanna.original_id", "arcanna.pipeline_status"),
    "attention.low_confidence_score.attention_required",
]


class World:
    """A job of the product and the oracle's like it."""

    def __init__(self, workspace: Workspace, *, by_bucket: bool) -> None:
        points = ["host.name", "only.numbers" if by_bucket else "v"]
        self.workspace = workspace
        self.job: Job = workspace.jobs.create(
            title=f"looked for, {'bucket' if by_bucket else 'event'}",
            labels=LABELS,
            grouping="bucket" if by_bucket else "event",
            decision_points=points,
        )
        self.oracle = Oracle(JobTerms(LABELS, by_bucket, points))
        self.documents: dict[str, dict[str, object]] = {}
        self.arrivals = itertools.count(FIRST_ARRIVAL)
        drawn = random.Random(4)  # noqa: S311 - of documents, always the same
        names = [f"e{place:03}" for place in range(70)]
        for at in range(0, len(names), 10):
            self.send(drawn, names[at : at + 10])
        self.send(drawn, drawn.sample(names, 20))  # again, with other documents and further decisions
        self.vote(drawn, drawn.sample(names, 25))
        workspace.training.register(self.job, model_id="first")
        self.oracle.train("first", arrived_at=next(self.arrivals))
        self.vote(drawn, drawn.sample(names, 25))
        self.send(drawn, drawn.sample(names, 5))

    def send(self, drawn: random.Random, names: list[str]) -> None:
        lines = []
        for name in names:
            document: dict[str, object] = {"v": drawn.choice(VALUES), "host": {"name": drawn.choice(["web", "mail"])}}
            if drawn.random() < 0.5:
                document |= {"host.name": "third", "only": {"numbers": drawn.randint(-5, 5)}}
            self.documents[name] = document
            timestamp = drawn.choice(TIMES)
            line: dict[str, Any] = {"event_id": name, "timestamp": timestamp, "raw_body": document}
            assert self.oracle.event(name, document, timestamp=timestamp, arrived_at=next(self.arrivals))
            if drawn.random() < 0.6:
                decision: dict[str, Any] = {"label": drawn.choice(LABELS), "decided_at": drawn.choice(TIMES)}
                decision |= {"confidence": drawn.choice([None, 10, 59.5, 60, 99]), "model_id": drawn.choice(["m", "n"])}
                decision |= {"outlier": drawn.choice([True, False, None])}
                line["decision"] = decision
                self.oracle.decide(name, **decision, arrived_at=next(self.arrivals))
            lines.append(json.dumps(line).encode())
        assert self.workspace.ingest.bulk(self.job, lines).rejected == []

    def vote(self, drawn: random.Random, names: list[str]) -> None:
        lines = []
        for name in names:
            vote: dict[str, Any] = {
                "analyst": drawn.choice(["ana", "ben"]),
                "label": drawn.choice(LABELS),
                "at": drawn.choice(TIMES),
            }
            lines.append(json.dumps({"event_id": name, **vote}).encode())
            self.oracle.vote(event_id=name, **vote, arrived_at=next(self.arrivals))
        assert self.workspace.feedback.bulk(self.job, lines).rejected == []

    @property
    def events(self) -> dict[str, Sent]:
        """The latest sending of each event."""
        return {sent.event_id: sent for sent in self.oracle.sent}

    def passing(self, *questions: Mapping[str, object]) -> set[str]:
        return {name for name, sent in self.events.items() if all(self.oracle.passes(sent, each) for each in questions)}

    def pages(self, wanted: Wanted, size: int, **paging: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - parts of Paging
        """Go through every page, and check that each is full, and the count that of all of them."""
        found: list[dict[str, Any]] = []
        for page in itertools.count():
            answer = self.workspace.search.query([self.job], wanted, Paging(size, page, **paging))
            found += answer["events"]
            if len(answer["events"]) < size:
                assert answer["total_count"] == len(found)
                return found
        raise AssertionError

    def sort_value(self, name: str, field: str, *, descending: bool) -> tuple[Any, ...]:
        """What the order of an event by a field depends on."""
        sent = self.events[name]
        own = self.oracle.own_fields(sent)
        values = [own[field]] if field in own else list(reach(sent.document, field))
        ranked = [_ranked(value) for value in values if value is not None and not isinstance(value, dict)]
        if not ranked:
            return (1,)
        return 0, (max if descending else min)(ranked)


def _ranked(value: object) -> tuple[Any, ...]:
    if isinstance(value, Moment):
        return 0, value.micros
    if isinstance(value, bool):
        return 2, value
    if isinstance(value, str):
        return 1, value.encode()
    read = number(value)
    assert read is not None
    return 0, float(read)


@pytest.fixture(scope="module", params=[False, True], ids=["event", "bucket"])
def world(request: pytest.FixtureRequest, workspace: Workspace) -> World:
    return World(workspace, by_bucket=request.param)


def names_of(events: list[dict[str, Any]]) -> list[str]:
    return [event["event_id"] for event in events]


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_a_filter_lets_through_what_it_should_decided_or_not(world: World, question: dict[str, object]) -> None:
    found = world.pages(Wanted([question]), 30)
    assert sorted(names_of(found)) == sorted(world.passing(question))


def test_all_filters_must_hold(world: World) -> None:
    asked = [QUESTIONS[0], QUESTIONS[7], QUESTIONS[8]]
    assert world.passing(*asked)
    assert set(names_of(world.pages(Wanted(asked), 30))) == world.passing(*asked)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("field", SORTED_BY, ids=lambda field: field[:40])
def test_pages_hold_every_event_once_in_the_order_asked_for(world: World, field: str, *, descending: bool) -> None:
    found = names_of(world.pages(Wanted(), 25, sort_by_column=field, descending=descending))
    assert sorted(found) == sorted(world.events)
    values = [world.sort_value(name, field, descending=descending) for name in found]
    there = [value for value in values if value != (1,)]
    assert values == sorted(there, reverse=descending) + [(1,)] * (len(values) - len(there))


def test_pages_of_any_size_say_the_same(world: World) -> None:
    (one_by_one, *others) = [names_of(world.pages(Wanted(), size, sort_by_column="v")) for size in (9, 23, 70, 71)]
    assert others == [one_by_one] * 3


@pytest.mark.parametrize("descending", [False, True])
def test_events_that_are_level_come_by_time(world: World, *, descending: bool) -> None:
    found = names_of(world.pages(Wanted(), 30, sort_by_column="nowhere", descending=descending))
    times = [world.events[name].timestamp for name in found]
    assert times == sorted(times, reverse=descending)


def test_an_order_by_a_state_holds_beside_a_filter_on_a_path(world: World) -> None:
    question = {"field": "only.numbers", "operator": "exists"}
    found = names_of(world.pages(Wanted([question]), 30, sort_by_column="arcanna.consensus", descending=False))
    values = [world.sort_value(name, "arcanna.consensus", descending=False) for name in found]
    assert set(found) == world.passing(question)
    assert values == sorted(values)


def test_an_order_by_a_path_holds_beside_a_filter_on_a_state(world: World) -> None:
    question = {"field": "arcanna.consensus", "operator": "exists"}
    found = names_of(world.pages(Wanted([question]), 30, sort_by_column="v", descending=False))
    values = [world.sort_value(name, "v", descending=False) for name in found]
    assert set(found) == world.passing(question)
    assert values == sorted(values)


def test_own_fields_are_those_that_filters_see(world: World) -> None:
    decided = 0
    for event in world.pages(Wanted(), 50):
        expected = world.oracle.own_fields(world.events[event["event_id"]])
        decided += expected["arcanna.pipeline_status"] == "OK"
        for name, value in expected.items():
            if name.endswith(".keyword") or name.startswith("attention"):
                continue
            shown = event["arcanna"]
            for part in name.removeprefix("arcanna.").split("."):
                shown = shown[part]
            if name in ARRIVALS:
                assert (shown is None) == (value is None)
            elif name != "arcanna.bucket_id" or not world.oracle.job.by_bucket:  # there it is a hash
                assert shown == (iso(value.micros) if isinstance(value, Moment) else value), name
    assert 0 < decided < len(world.events)


def test_each_event_has_its_document_and_its_decision_points(world: World) -> None:
    for event in world.pages(Wanted(), 50):
        document = world.documents[event["event_id"]]
        assert json.loads(bytes(event["raw_event"])) == document
        assert (event["job_id"], event["job_title"]) == (world.job.id, world.job.title)
        for path in world.job.decision_points:
            values = [value for value in reach(document, path) if value is not None and not isinstance(value, dict)]
            expected = values if len(values) > 1 else (values or [None])[0]
            shown = event["decision_points"][path]
            assert (sorted(map(str, shown)) if isinstance(shown, list) else shown) == (
                sorted(map(str, expected)) if isinstance(expected, list) else expected
            )


def test_decision_points_only_leaves_the_document_out(world: World) -> None:
    for event in world.pages(Wanted(), 50, decision_points_only=True):
        assert list(event) == ["event_id", "job_id", "job_title", "decision_points", "arcanna"]


def test_only_counted(world: World) -> None:
    for paging in (Paging(count_results_only=True), Paging(size=0)):
        answer = world.workspace.search.query([world.job], Wanted(), paging)
        assert answer == {"events": [], "total_count": 70}


def test_a_window_has_its_start_and_not_its_end(world: World) -> None:
    day = {name for name, sent in world.events.items() if str(iso(sent.timestamp)).startswith("2025-01-02")}
    for wanted in (
        Wanted(start_date="2025-01-02", end_date="2025-01-02"),
        Wanted(start_date="2025-01-02T00:00:00Z", end_date="2025-01-03T00:00:00Z"),
    ):
        assert set(names_of(world.pages(wanted, 30))) == day


def test_a_window_may_be_of_arrival(world: World) -> None:
    assert world.pages(Wanted(end_date="2025-06-01", date_field="timestamp_inference"), 30) == []
    assert len(world.pages(Wanted(start_date="2025-06-01", date_field="timestamp_inference"), 30)) == 70


def test_events_by_id(world: World) -> None:
    asked = Wanted(event_ids=["e003", "e042", "none such"])
    assert sorted(names_of(world.pages(asked, 10))) == ["e003", "e042"]
    both = Wanted(
        event_ids=["e003", "e042"], filters=[{"field": "arcanna.original_id", "operator": "is", "value": "e003"}]
    )
    assert names_of(world.pages(both, 10)) == ["e003"]


def test_several_jobs_have_a_page_each(workspace: Workspace, world: World) -> None:
    other = workspace.jobs.create(title=f"beside {world.job.title}", labels=LABELS)
    workspace.ingest.bulk(other, [b'{"event_id": "only", "raw_body": {}}'])
    answer = workspace.search.query([world.job, other], Wanted(), Paging(size=3))
    assert [event["job_id"] for event in answer["events"]] == [world.job.id] * 3 + [other.id]
    assert answer["total_count"] == 71


@pytest.mark.parametrize(
    ("paging", "part"),
    [
        (Paging(size=MAX_SIZE + 1), "size"),
        (Paging(size=-1), "size"),
        (Paging(page=-1), "page"),
        (Paging(size=1_000, page=MAX_REACH // 1_000), "page"),
    ],
    ids=str,
)
def test_a_page_too_large_or_too_far_is_refused(world: World, paging: Paging, part: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        world.workspace.search.query([world.job], Wanted(), paging)
    assert refused.value.location == ("body", part)


def test_an_answer_too_large_is_refused(world: World) -> None:
    jobs = [world.job] * (MAX_EVENTS // MAX_SIZE + 1)
    with pytest.raises(InvalidRequestError) as refused:
        world.workspace.search.query(jobs, Wanted(), Paging(size=MAX_SIZE))
    assert refused.value.location == ("body", "size")


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        (Wanted(start_date="2025-01-02", end_date="2025-01-01"), ("body", "start_date")),
        (Wanted(end_date="soon"), ("body", "end_date")),
        (Wanted(date_field="arcanna.result"), ("body", "date_field")),
        (Wanted([{"field": "v", "operator": "equals", "value": 1}]), ("body", "filters", 0, "operator")),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_refused(world: World, wanted: Wanted, location: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        world.workspace.search.query([world.job], wanted, Paging())
    assert refused.value.location == location


class TestDecidingAnew:
    @pytest.fixture
    def job(self, workspace: Workspace, request: pytest.FixtureRequest) -> Job:
        job = workspace.jobs.create(title=f"anew: {request.node.name}", labels=LABELS)
        lines = [
            {"event_id": name, "timestamp": TIMES[place], "raw_body": {"n": place}}
            | ({"decision": {"label": label, "decided_at": TIMES[0]}} if label else {})
            for place, (name, label) in enumerate({"a": "Drop", "b": "Escalate", "c": "Drop", "p": ""}.items())
        ]
        assert workspace.ingest.bulk(job, [json.dumps(line).encode() for line in lines]).rejected == []
        return job

    def awaiting(self, workspace: Workspace, job: Job) -> list[str]:
        answer = workspace.search.query([job], Wanted(awaiting_decision=True), Paging(size=50, descending=False))
        assert answer["total_count"] == len(answer["events"])
        return names_of(answer["events"])

    def test_marked_events_wait_again_and_nothing_else_changes(self, workspace: Workspace, job: Job) -> None:
        before = workspace.metrics.job(job.id)
        assert self.awaiting(workspace, job) == ["p"]
        dropped = Wanted([{"field": "arcanna.result_label", "operator": "is", "value": "Drop"}])
        assert workspace.search.reprocess(job, dropped) == 2
        assert self.awaiting(workspace, job) == ["a", "c", "p"]
        assert workspace.metrics.job(job.id) == before
        assert workspace.search.reprocess(job, dropped) == 2  # asked again: marked still
        assert self.awaiting(workspace, job) == ["a", "c", "p"]

    def test_a_decision_made_later_ends_it_for_that_event(self, workspace: Workspace, job: Job) -> None:
        assert workspace.search.reprocess(job, Wanted()) == 3
        workspace.ingest.decide(job, "a", label="Drop", decided_at=TIMES[3])
        workspace.ingest.decide(job, "p", label="Drop")
        assert self.awaiting(workspace, job) == ["b", "c"]
        workspace.ingest.bulk(job, [b'{"event_id": "b", "timestamp": "2025-01-01", "raw_body": {"sent": "again"}}'])
        assert self.awaiting(workspace, job) == ["b", "c"]

    def test_a_decision_of_an_earlier_time_does_not_end_it(self, workspace: Workspace, job: Job) -> None:
        workspace.search.reprocess_one(job, "a")
        workspace.ingest.decide(job, "a", label="Escalate", decided_at="2024-01-01")
        assert self.awaiting(workspace, job) == ["a", "p"]
        (found,) = workspace.search.query([job], Wanted(event_ids=["a"]), Paging())["events"]
        assert (found["arcanna"]["result_label"], found["arcanna"]["pipeline_status"]) == ("Drop", "OK")

    def test_the_decision_before_stays_on_record(self, workspace: Workspace, job: Job) -> None:
        workspace.search.reprocess_one(job, "a")
        workspace.ingest.decide(job, "a", label="Escalate", decided_at=TIMES[3])
        (found,) = workspace.search.query([job], Wanted(event_ids=["a"]), Paging())["events"]
        assert (found["arcanna"]["result"], found["arcanna"]["previous_result"]) == ("class_2", "class_0")

    def test_a_window_and_an_arrival(self, workspace: Workspace, job: Job) -> None:
        assert workspace.search.reprocess(job, Wanted(start_date=TIMES[1], end_date=TIMES[2])) == 1
        assert self.awaiting(workspace, job) == ["b", "p"]
        assert workspace.search.reprocess(job, Wanted(end_date="2025-06-01", date_field="timestamp_inference")) == 0

    def test_an_event_that_waits_is_not_marked_but_found(self, workspace: Workspace, job: Job) -> None:
        workspace.search.reprocess_one(job, "p")
        workspace.ingest.decide(job, "p", label="Drop")
        assert self.awaiting(workspace, job) == []

    def test_an_event_never_seen(self, workspace: Workspace, job: Job) -> None:
        with pytest.raises(EventNotFoundError):
            workspace.search.reprocess_one(job, "nobody")
