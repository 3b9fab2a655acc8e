"""The count of reviews against the oracle, whatever became of events and votes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reviewed_jobs import DAYS, ReviewedJob, draw, host_of, in_interval, reviewed_job
from trueline.filters.request import parse_filters
from trueline.ledger.population import Population
from trueline.ledger.reviews import REST, WITHOUT, Split
from trueline.metrics.consensus import REVIEW_REASONS
from trueline.metrics.reviews import Mass, ReviewCount
from trueline.service.question import job_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from oracle import Sent
    from trueline.ledger.reviews import ReviewPart
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace

FILTERS: list[list[dict[str, Any]]] = [
    [],
    [{"field": "host", "operator": "is", "value": 5}],
    [{"field": "arcanna.consensus", "operator": "is not", "value": "Drop"}],
    [{"field": "arcanna.confidence_score", "operator": "lt", "value": 60}],
    [
        {"field": "arcanna.last_compute_consensus_timestamp", "operator": "exists"},
        {"field": "host", "operator": "not exists"},
    ],
]


@pytest.fixture(params=[("event", 1), ("bucket", 3)], ids=str)
def made(workspace: Workspace, fresh_title: Callable[[], str], request: pytest.FixtureRequest) -> ReviewedJob:
    grouping, seed = request.param
    made = reviewed_job(workspace, fresh_title, seed, grouping)
    draw(workspace, made, 4)
    return made


def population(made: ReviewedJob, filters: object = None) -> Population:
    return Population(made.job.id, job_shape(made.job), None, None, None, parse_filters(filters))


def split_by(parts: list[ReviewPart], part: Callable[[ReviewPart], int | None]) -> dict[int | None, Counter[Any]]:
    found: dict[int | None, Counter[Any]] = {}
    for each in parts:
        found.setdefault(part(each), Counter())[each.count] += 1
    return found


def expected_by(
    made: ReviewedJob, events: list[Sent], part: Callable[[Sent], int | None]
) -> dict[int | None, Counter[Any]]:
    found: dict[int | None, list[Sent]] = {}
    for event in events:
        found.setdefault(part(event), []).append(event)
    return {key: made.counts(of_part) for key, of_part in found.items()}


@pytest.mark.parametrize("filters", FILTERS, ids=[str(len(str(each))) for each in FILTERS])
def test_counts_are_the_oracles(ledger: Ledger, made: ReviewedJob, filters: list[dict[str, Any]]) -> None:
    asked = population(made, filters)
    events = made.oracle.population(filters=filters)
    assert events
    found = Counter(ledger.reviews.counts(asked))
    assert (found - made.counts(events), made.counts(events) - found) == (Counter(), Counter())
    by_day = ledger.reviews.parts(asked, Split(bounds=DAYS))
    assert split_by(by_day, lambda each: each.start) == expected_by(made, events, lambda each: in_interval(each, DAYS))


@pytest.mark.parametrize("filters", FILTERS, ids=[str(len(str(each))) for each in FILTERS])
@pytest.mark.parametrize("field", ["host", "arcanna.consensus", "arcanna.confidence_score", "@timestamp"])
def test_values_are_the_oracles(ledger: Ledger, made: ReviewedJob, field: str, filters: list[dict[str, Any]]) -> None:
    asked, events = population(made, filters), made.oracle.population(filters=filters)

    def value(event: Sent) -> str | None:
        if field == "host":
            return host_of(event)
        from plain_values import text  # noqa: PLC0415

        own = made.oracle.own_fields(event)[field]
        return None if own is None else text(float(own) if isinstance(own, int) else own)

    sizes = Counter(found for event in events if (found := value(event)) is not None)
    largest = sorted(sizes, key=lambda each: (-sizes[each], each))[:2]
    assert ledger.reviews.largest(asked, field, 2) == largest
    parts = ledger.reviews.parts(asked, Split(field=field, values=tuple(largest)))

    def place(event: Sent) -> int:
        found = value(event)
        if found is None:
            return WITHOUT
        return largest.index(found) + 1 if found in largest else REST

    assert split_by(parts, lambda each: each.value) == expected_by(made, events, place)


@pytest.mark.parametrize("grouping", ["event", "bucket"])
def test_what_is_kept_and_what_was_known_are_the_oracles_too(
    workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str], grouping: str
) -> None:
    made = reviewed_job(workspace, fresh_title, 5, grouping, (100, 150))
    draw(workspace, made, 4)
    wanted = made.counts(made.oracle.population())
    reasons = {count.reason for count in wanted if count.reviewed is not None}
    assert reasons >= {*REVIEW_REASONS}
    assert any(count.reason and count.probability is None for count in wanted)
    if grouping == "event":  # on a bucket there are so many votes that one says each, and chance draws the rest
        assert "" in reasons
        assert any(count.probability and not count.reason for count in wanted)
    everybody = population(made)
    workspace._writing.settle_reviews(made.job)  # noqa: SLF001 - as a report does
    assert ledger.reviews.are_kept(everybody)
    assert Counter(ledger.reviews.counts(everybody)) == wanted
    as_of = ledger.clock.last
    vote = {"analyst": "zoe", "label": "Drop", "review_reason": "complaint"}
    event = {"event_id": "new", "bucket_id": "new", "raw_body": {}, "decision": {"label": "Drop"}, "votes": [vote]}
    assert workspace.ingest.bulk(made.job, [json.dumps(event).encode()]).accepted == 1
    new = ReviewCount("Drop", "Drop", Mass.single(1), reason="complaint")
    assert sum_of(ledger.reviews.counts(everybody)) == sum_of([*wanted.elements(), new])
    assert Counter(ledger.reviews.counts(replace(everybody, as_of=as_of))) == wanted


def sum_of(counts: Iterable[ReviewCount]) -> dict[ReviewCount, Mass]:
    """How much there is of what is alike, however many counts it is told in."""
    found: dict[ReviewCount, Mass] = {}
    for count in counts:
        alike = replace(count, mass=Mass())
        found[alike] = found.get(alike, Mass()) + count.mass
    return found


def test_a_window_and_both_splits_at_once(ledger: Ledger, made: ReviewedJob) -> None:
    asked = replace(population(made), start=DAYS[1], end=DAYS[3])
    events = made.oracle.population("2025-03-29", "2025-03-30")
    values = tuple(ledger.reviews.largest(asked, "host", 1))
    found: dict[Any, Counter[Any]] = {}
    for each in ledger.reviews.parts(asked, Split(DAYS, "host", values)):
        found.setdefault((each.start, each.value), Counter())[each.count] += 1
    wanted: dict[Any, list[Sent]] = {}
    for event in events:
        host = host_of(event)
        place = WITHOUT if host is None else REST if host not in values else 1
        wanted.setdefault((in_interval(event, DAYS), place), []).append(event)
    assert found == {key: made.counts(of_part) for key, of_part in wanted.items()}


def test_nothing_is_counted_of_a_job_without_events(
    workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str]
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])
    asked = Population(job.id, job_shape(job), None, None, None, ())
    assert ledger.reviews.counts(asked) == []
    assert ledger.reviews.largest(asked, "host", 3) == []
