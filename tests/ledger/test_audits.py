"""Draws on record, and the drawing itself, at the engine."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from scipy.stats import chisquare

from trueline.ledger.audits import Drawn, SeenSubjects
from trueline.ledger.population import Population
from trueline.metrics.audit import draw
from trueline.service.question import job_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace

DRAW = Drawn(
    draw="d",
    decision="Drop",
    population=10,
    probability=0.2,
    reason="audit",
    request='{"é": 1}',
    drawn_at=1_700_000_000_000_001,
    subjects=((2**64 - 1, "é/1"), (7, "b")),
)


@pytest.fixture(params=["event", "bucket"])
def job(request: pytest.FixtureRequest, workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    """Of 40 events, two a bucket, half are decided Drop; each was sent again, some with another decision before."""
    job = workspace.jobs.create(title=fresh_title(), labels=["Drop", "Escalate"], grouping=request.param)
    for again in range(2):
        lines = [
            {"event_id": f"e{number}", "bucket_id": f"b{number // 2}", "raw_body": {"again": again}}
            | {"decision": {"label": "Drop" if number < 20 and (again or number % 3) else "Escalate"}}
            for number in range(40)
        ]
        assert not workspace.ingest.bulk(job, [json.dumps(line).encode() for line in lines]).rejected
    return job


@pytest.fixture
def everyone(job: Job) -> list[str]:
    """The ids of what is decided Drop."""
    return [f"b{number}" for number in range(10)] if job.grouping == "bucket" else [f"e{n}" for n in range(20)]


@pytest.fixture
def population(job: Job) -> Population:
    return Population(job.id, job_shape(job), None, None, None, ())


def test_a_draw_is_read_as_it_was_written(ledger: Ledger, job: Job) -> None:
    ledger.audits.append(job.id, DRAW)
    assert ledger.audits.read(job.id, "d") == DRAW
    assert ledger.audits.read(job.id, "D") is None
    assert ledger.audits.read(job.id + 1_000_000, "d") is None


def test_a_subject_of_several_draws_of_its_decision_was_drawn_in_any_of_them(ledger: Ledger, job: Job) -> None:
    assert ledger.audits.probabilities(job.id) == {}
    ledger.audits.append(job.id, DRAW)
    ledger.audits.append(job.id, replace(DRAW, draw="f", probability=0.1, subjects=((7, "b"), (8, "c"))))
    ledger.audits.append(job.id, replace(DRAW, draw="g", probability=1.0, subjects=((8, "c"),)))
    ledger.audits.append(job.id, replace(DRAW, draw="h", decision="Escalate", probability=0.7, subjects=((7, "b"),)))
    found = ledger.audits.probabilities(job.id)
    assert found.pop((7, "Drop")) == pytest.approx(1 - 0.8 * 0.9, abs=1e-15)
    assert found == {(2**64 - 1, "Drop"): 0.2, (8, "Drop"): 1.0, (7, "Escalate"): 0.7}


def test_the_chance_of_several_draws_is_the_same_whatever_their_order(ledger: Ledger, job: Job) -> None:
    chances = [0.098, 0.353, 0.187, 0.09, 0.029, 0.149, 0.037]  # multiplied from another one on they round otherwise
    found = set()
    for turn in range(len(chances)):
        job_id = job.id * 1_000_000 + turn
        for place, chance in enumerate(chances[turn:] + chances[:turn]):
            ledger.audits.append(job_id, replace(DRAW, draw=str(place), probability=chance, subjects=((7, "b"),)))
        found.add(ledger.audits.probabilities(job_id)[7, "Drop"])
    assert len(found) == 1
    assert found.pop() == pytest.approx(1 - math.prod(1 - chance for chance in chances), abs=1e-15)


def test_the_engine_draws_as_the_pure_function(ledger: Ledger, population: Population, everyone: list[str]) -> None:
    for size in (1, len(everyone) - 1, len(everyone)):
        digest = f"digest {size}".encode()
        of, drawn = ledger.audits.select(population, "Drop", size, hashlib.sha256(digest).digest())
        assert (of, tuple(name for _, name in drawn)) == (len(everyone), draw(everyone, size, digest).ids)
        key = ledger.keys.bucket if population.shape.by_bucket else ledger.keys.event
        assert all(subject == key(name) for subject, name in drawn)
    assert ledger.audits.select(replace(population, end=0), "Drop", 5, b"") == (0, ())
    assert len(ledger.audits.select(population, "Drop", 1_000, b"")[1]) == len(everyone)


def test_every_subject_is_drawn_with_its_probability(
    ledger: Ledger, population: Population, everyone: list[str]
) -> None:
    times, size = 300, len(everyone) // 4
    found: Counter[str] = Counter()
    for seed in range(times):
        _, drawn = ledger.audits.select(population, "Drop", size, hashlib.sha256(b"seed %d" % seed).digest())
        assert len(set(drawn)) == size
        found.update(name for _, name in drawn)
    assert sum(found.values()) == times * size
    # without replacement counts vary less than chi-square has it, by the share that is drawn
    statistic = chisquare([found[name] for name in everyone]).statistic / (1 - size / len(everyone))
    degrees = len(everyone) - 1
    assert abs(statistic - degrees) < 4 * (2 * degrees) ** 0.5


def test_what_was_seen_is_counted_by_subjects(ledger: Ledger, workspace: Workspace, population: Population) -> None:
    job = workspace.jobs.get(population.job_id)
    votes = [
        {"event_id": "e0", "analyst": "ana", "label": "Escalate"},
        {"event_id": "e30", "analyst": "ana", "label": "Escalate", "review_probability": 0.1},
    ]
    assert not workspace.feedback.bulk(job, [json.dumps(vote).encode() for vote in votes]).rejected
    by_bucket = population.shape.by_bucket
    key = ledger.keys.bucket("b0") if by_bucket else ledger.keys.event("e0")
    ledger.audits.append(job.id, replace(DRAW, subjects=((key, "b0" if by_bucket else "e0"),)))
    each = 10 if by_bucket else 20
    assert sorted(ledger.audits.seen(population), key=str) == [
        SeenSubjects("Drop", "Escalate", True, 1),
        SeenSubjects("Drop", None, False, each - 1),
        SeenSubjects("Escalate", "Escalate", True, 1),
        SeenSubjects("Escalate", None, False, each - 1),
    ]
