"""What is remembered is what a new query would find, after every kind of write."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from trueline.filters.request import parse_filters
from trueline.ledger.population import Population
from trueline.ledger.reviews import ReviewQuery
from trueline.service.question import job_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from trueline.ledger.store import Ledger
    from trueline.metrics.reviews import ReviewCount
    from trueline.service.workspace import Workspace


def lines(*each: dict[str, Any]) -> list[bytes]:
    return [json.dumps(line).encode() for line in each]


def test_an_answer_is_forgotten_with_every_write(
    workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])
    asked = Population(job.id, job_shape(job), None, None, None, ())
    queries: list[str] = []
    query = ReviewQuery.counts

    def counted(self: ReviewQuery, population: Population) -> list[ReviewCount]:
        queries.append("counts")
        return query(self, population)

    monkeypatch.setattr(ReviewQuery, "counts", counted)
    event = {"event_id": "e", "raw_body": {}, "decision": {"label": "A"}}
    vote = {"event_id": "e", "analyst": "ana", "label": "B", "at": "2025-01-01"}
    writes: list[Callable[[], object]] = [
        lambda: workspace.ingest.bulk(job, lines(event)),
        lambda: workspace.ingest.bulk(job, lines(event | {"decision": {"label": "B"}})),
        lambda: workspace.feedback.bulk(job, lines(vote)),
        lambda: workspace.feedback.bulk(job, lines(vote | {"review_probability": 0.5, "at": "2025-01-02"})),
        lambda: workspace.feedback.bulk(job, lines(vote | {"label": None, "at": "2025-01-03"})),
    ]
    seen = [ledger.reviews.counts(asked)]
    for write in writes:
        write()
        seen.append(ledger.reviews.counts(asked))
        assert ledger.reviews.counts(asked) == seen[-1]
    assert len(queries) == len(seen)
    assert all(before != after for before, after in pairwise(seen))
    assert [each[0].probability for each in seen[1:]] == [None, None, None, 0.5, None]


def test_filters_that_are_equal_and_not_alike_are_told_apart(
    workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str]
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])
    event = {"event_id": "e", "raw_body": {"x": 1}, "decision": {"label": "A"}}
    assert workspace.ingest.bulk(job, lines(event)).accepted == 1

    def found(value: object) -> int:
        filters = parse_filters([{"field": "x", "operator": "is", "value": value}])
        return len(ledger.reviews.counts(Population(job.id, job_shape(job), None, None, None, filters)))

    assert (found(value=True), found(1), found(value=True)) == (0, 1, 0)
