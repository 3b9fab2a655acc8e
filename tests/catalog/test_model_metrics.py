"""Metrics of models in the catalog: how far they are, and what was computed last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete

from trueline.catalog.engine import connect, parse_dsn, writing
from trueline.catalog.errors import NoSuchModel
from trueline.catalog.records import Model, ModelMetrics, RecomputeStatus
from trueline.catalog.store import Catalog
from trueline.catalog.tables import models

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = datetime(2025, 1, 1, 10, 0, 0, 1, tzinfo=UTC)
SECOND, THIRD = FIRST + timedelta(seconds=1), FIRST + timedelta(seconds=2)
COUNTS = {"counts": [["Drop", None, 3]], "knowledge_base": {"Drop": [1, 2]}}


@pytest.fixture
def job(catalog: Catalog) -> int:
    """A job with the models first and second."""
    made = catalog.add_job(title="j", labels=["Drop", "Escalate"]).id
    for number, name in enumerate(("first", "second")):
        catalog.add_model(
            Model(
                job_id=made,
                id=name,
                trained_at=FIRST,
                active=False,
                training=number,
                recorded_at=FIRST,
                request_digest="d",
                activated=False,
            )
        )
    return made


def test_of_a_model_never_asked_about_there_is_nothing(catalog: Catalog, job: int) -> None:
    assert catalog.model_metrics.of(job, "first") is None
    assert catalog.model_metrics.of(job, "") is None
    assert catalog.model_metrics.of(0, "first") is None
    assert catalog.model_metrics.queued() == []


def test_what_was_computed_stays_while_the_next_computation_waits_and_fails(catalog: Catalog, job: int) -> None:
    kept = catalog.model_metrics
    assert kept.queue(job, "first", FIRST) == ModelMetrics(job, "first", RecomputeStatus.QUEUED, FIRST)
    kept.complete(job, "first", SECOND, COUNTS)
    assert kept.of(job, "first") == ModelMetrics(job, "first", RecomputeStatus.COMPLETED, FIRST, SECOND, COUNTS)
    kept.queue(job, "first", THIRD)
    assert kept.of(job, "first") == ModelMetrics(job, "first", RecomputeStatus.QUEUED, THIRD, SECOND, COUNTS)
    kept.fail(job, "first", THIRD)
    assert kept.of(job, "first") == ModelMetrics(job, "first", RecomputeStatus.FAILED, THIRD, SECOND, COUNTS)
    assert kept.of(job, "second") is None


def test_those_that_wait_are_known_after_a_restart_longest_first(dsn: str) -> None:
    with Catalog.open(dsn) as catalog:
        job = catalog.add_job(title="j", labels=["Drop", "Escalate"]).id
        for name in ("a", "b", "c"):
            catalog.add_model(
                Model(
                    job, name, FIRST, active=False, training=1, recorded_at=FIRST, request_digest="d", activated=False
                )
            )
        catalog.model_metrics.queue(job, "b", SECOND)
        catalog.model_metrics.queue(job, "a", THIRD)
        catalog.model_metrics.complete(job, "c", FIRST, COUNTS)
    with Catalog.open(dsn) as catalog:
        assert [each.model_id for each in catalog.model_metrics.queued()] == ["b", "a"]
        found = catalog.model_metrics.of(job, "c")
        assert found is not None
        assert found.counts == COUNTS


@pytest.mark.parametrize(
    "change",
    [
        lambda kept, job: kept.queue(job, "third", FIRST),
        lambda kept, job: kept.complete(job, "third", FIRST, COUNTS),
        lambda kept, job: kept.fail(job, "third", FIRST),
    ],
)
def test_a_model_that_is_not_there_has_no_metrics(catalog: Catalog, job: int, change: Callable[..., Any]) -> None:
    with pytest.raises(NoSuchModel, match="'third'"):
        change(catalog.model_metrics, job)
    assert catalog.model_metrics.of(job, "third") is None


def test_a_moment_without_a_zone_is_refused(catalog: Catalog, job: int) -> None:
    with pytest.raises(ValueError, match="zone"):
        catalog.model_metrics.queue(job, "first", FIRST.replace(tzinfo=None))


def test_the_metrics_go_with_their_model(dsn: str, catalog: Catalog, job: int) -> None:
    catalog.model_metrics.queue(job, "first", FIRST)
    engine = connect(parse_dsn(dsn))
    try:
        with writing(engine) as connection:
            connection.execute(delete(models).where(models.c.id == "first"))
    finally:
        engine.dispose()
    assert catalog.model_metrics.of(job, "first") is None
