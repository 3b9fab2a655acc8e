"""Votes by pattern, decisions by confidence and pairs of decisions, against a plain count of the oracle's lists."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

import counted_plainly as plainly
from told_twice import ToldTwice, much
from trueline.ledger.decision_pairs import Sides
from trueline.metrics.calibration import ConfidenceCount
from trueline.metrics.comparison import DecisionPair, PairedSubject
from trueline.metrics.votes import VotePattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.service.workspace import Workspace

WINDOWS: list[tuple[str | None, str | None]] = [
    (None, None),
    ("2025-01-02T12:30:00Z", None),
    ("2025-01-02", "2025-01-03"),
    ("2025-01-02T00:00:00Z", "2025-01-02T23:59:59.999999Z"),
]
FILTERS: list[list[dict[str, Any]]] = [
    [],
    [{"field": "host", "operator": "is", "value": "web"}],
    [{"field": "arcanna.consensus", "operator": "is not", "value": "Drop"}],
    [{"field": "arcanna.bucket_state", "operator": "is one of", "value": ["retrain", "pending"]}],
    [{"field": "arcanna.knowledge_base_state", "operator": "is", "value": "retrain"}],
    [{"field": "arcanna.last_compute_consensus_timestamp", "operator": "exists"}],
    [{"field": "arcanna.model.path", "operator": "is", "value": "first"}],
    [{"field": "nowhere", "operator": "exists"}],
]
SIDES: list[tuple[str | None, str | None]] = [(None, None), ("first", "second"), ("second", "first")]


@pytest.fixture(scope="module", params=[False, True], ids=["by event", "by bucket"])
def told(workspace: Workspace, request: pytest.FixtureRequest) -> ToldTwice:
    return much(workspace, f"people, by bucket {request.param}", by_bucket=request.param, seed=7)


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_each_is_what_a_plain_count_gives(
    told: ToldTwice, window: tuple[str | None, str | None], filters: list[dict[str, Any]]
) -> None:
    events, asked = told.oracle.population(*window, filters), told.population(*window, filters)
    patterns, wanted = told.ledger.vote_patterns.patterns(asked), plainly.vote_patterns(told.oracle, events)
    assert (set(patterns), len(patterns)) == (wanted, len(wanted))
    claims, claimed = told.ledger.confidences.counts(asked), plainly.confidence_counts(told.oracle, events)
    assert (set(claims), len(claims)) == (claimed, len(claimed))
    for sides in SIDES:
        of = Sides(*sides)
        pairs, decided = (
            told.ledger.decision_pairs.pairs(asked, of),
            plainly.decision_pairs(told.oracle, events, *sides),
        )
        assert (set(pairs), len(pairs)) == (decided, len(decided))
        if told.oracle.job.by_bucket:
            subjects = told.ledger.decision_pairs.subjects(asked, of)
            right = plainly.paired_subjects(told.oracle, events, *sides)
            assert (set(subjects), len(subjects)) == (right, len(right))
        flipped = plainly.flipped(told.oracle, events, *sides)
        ids = told.ledger.decision_pairs.flipped(asked, of, list(flipped), 3)
        assert ids == {kind: names[:3] for kind, names in flipped.items()}


def test_there_is_something_to_count(told: ToldTwice) -> None:
    asked = told.population()
    patterns = told.ledger.vote_patterns.patterns(asked)
    assert len({len(pattern.votes) for pattern in patterns}) > 2
    claims = told.ledger.confidences.counts(asked)
    assert claims[0].confidence is None
    assert all(sum(getattr(count, kind) for count in claims) for kind in ("right", "wrong", "unreviewed"))
    pairs = told.ledger.decision_pairs.pairs(asked, Sides("first", "second"))
    assert {pair.truth is None for pair in pairs} == {True, False}
    assert sum(pair.events for pair in pairs if pair.first != pair.second) > 5


@pytest.fixture
def by_bucket(workspace: Workspace, fresh_title: Callable[[], str]) -> ToldTwice:
    return ToldTwice(workspace, fresh_title(), by_bucket=True)


def event(name: str, bucket: str, label: str, moment: str = "2025-01-01", **decision: object) -> dict[str, Any]:
    body = {"event_id": name, "bucket_id": bucket, "timestamp": moment, "raw_body": {}}
    return body | {"decision": {"label": label, **decision}}


def vote(subject: str, analyst: str, label: str | None, at: str = "2025-03-01", **more: object) -> dict[str, Any]:
    return {"bucket_id": subject, "analyst": analyst, "label": label, "at": at, **more}


def test_a_bucket_is_one_subject_with_the_decision_of_its_latest_event(by_bucket: ToldTwice) -> None:
    by_bucket.send(event("a", "x", "Drop"), event("b", "x", "Investigate", "2025-01-02"), event("c", "y", "Drop"))
    by_bucket.vote(vote("x", "ana", "Escalate"))
    patterns = by_bucket.ledger.vote_patterns.patterns
    ana = (("ana", "Escalate"),)
    assert patterns(by_bucket.population()) == [VotePattern(ana, 1, "Investigate")]
    assert patterns(by_bucket.population(end="2025-01-01")) == [VotePattern(ana, 1, "Drop")]
    assert patterns(by_bucket.population(start="2025-01-03")) == []
    by_bucket.send(event("c", "x", "Escalate", "2025-01-02"))  # at the same moment the later label of the job
    assert patterns(by_bucket.population()) == [VotePattern(ana, 1, "Escalate")]
    by_bucket.send({**event("c", "x", "Escalate", "2024-01-02"), "decision": None})
    assert patterns(by_bucket.population()) == [VotePattern(ana, 1, "Investigate")]


def test_the_latest_vote_stands_a_withdrawn_one_and_an_override_do_not(by_bucket: ToldTwice) -> None:
    by_bucket.send(event("a", "x", "Drop"), event("b", "y", "Drop"), event("c", "z", "Drop"))
    by_bucket.vote(
        vote("x", "ana", "Escalate", "2025-03-02"),
        vote("x", "ana", "Drop", "2025-03-01"),
        vote("x", "ben", "Drop"),
        vote("x", "ben", "Investigate"),
        vote("x", "cleo", "Drop", "2025-03-01"),
        vote("x", "cleo", None, "2025-03-02"),
        vote("x", "ana", "Investigate", "2025-03-09", override=True),
        vote("y", "ana", "Drop", override=True),
        vote("z", "ana", None),
    )
    wanted = VotePattern((("ana", "Escalate"), ("ben", "Investigate")), 1, "Drop")
    assert by_bucket.ledger.vote_patterns.patterns(by_bucket.population()) == [wanted]


def test_a_confidence_is_cut_down_to_hundredths_and_never_rounded_up(
    workspace: Workspace, fresh_title: Callable[[], str]
) -> None:
    told = ToldTwice(workspace, fresh_title(), by_bucket=False)
    cut = {0.009: 0.0, 59.999999: 59.99, 60.0: 60.0, 99.995: 99.99, 1e-320: 0.0}
    hundredths = [number / 100 for number in range(10_001)]
    claims = [*cut, *hundredths]
    lines = [json.dumps(event(str(number), "x", "Drop", confidence=claim)) for number, claim in enumerate(claims)]
    for some in (lines[:6_000], lines[6_000:]):
        assert workspace.ingest.bulk(told.job, [line.encode() for line in some]).rejected == []
    counts = told.ledger.confidences.counts(told.population())
    wanted = Counter([*cut.values(), *hundredths])
    assert {count.confidence: count.unreviewed for count in counts} == wanted


def test_a_bucket_counts_once_however_many_events_were_reviewed_with_it(by_bucket: ToldTwice) -> None:
    by_bucket.send(*(event(f"a{number}", "x", "Drop", confidence=90) for number in range(50)))
    by_bucket.send(event("b", "y", "Escalate", confidence=90), event("c", "z", "Drop"))
    counts = by_bucket.ledger.confidences.counts
    assert counts(by_bucket.population()) == [ConfidenceCount(None, 0, 0, 1), ConfidenceCount(90.0, 0, 0, 2)]
    by_bucket.vote(
        vote("x", "ana", "Drop"), vote("y", "ana", "Drop"), vote("z", "ana", "Drop"), vote("z", "ben", "Escalate")
    )
    assert counts(by_bucket.population()) == [ConfidenceCount(None, 0, 0, 1), ConfidenceCount(90.0, 1, 1, 0)]


def test_the_latest_decision_of_a_model_is_taken_also_where_another_is_in_force(by_bucket: ToldTwice) -> None:
    for day, (model, label) in enumerate([("a", "Drop"), ("b", "Drop"), ("a", "Escalate"), ("c", "Drop")], 1):
        by_bucket.send(event("e", "x", label, model_id=model, decided_at=f"2025-02-0{day}"))
    by_bucket.send(event("f", "x", "Drop", model_id="a"))
    by_bucket.vote(vote("x", "ana", "Escalate"))
    pairs = by_bucket.ledger.decision_pairs
    asked = by_bucket.population()
    assert pairs.pairs(asked, Sides("a", "b")) == [DecisionPair("Escalate", "Drop", "Escalate", 1)]
    assert pairs.subjects(asked, Sides("b", "a")) == [PairedSubject(0, 0, 1, 0)]
    assert pairs.pairs(asked, Sides("c", "a")) == [DecisionPair("Drop", "Escalate", "Escalate", 1)]
    assert pairs.pairs(asked, Sides()) == [DecisionPair("Escalate", "Drop", "Escalate", 1)]
    assert pairs.pairs(asked, Sides("a", "none")) == []
    assert [pairs.has_decided(by_bucket.job.id, model) for model in ("b", "c", "none")] == [True, True, False]
