"""Status, settings and last training of a job, and jobs that were deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import text

from trueline.catalog.checks import MAX_ID
from trueline.catalog.engine import connect, parse_dsn, writing
from trueline.catalog.errors import JobIdDeleted, NoSuchJob
from trueline.catalog.records import Model, Status
from trueline.catalog.schema import _config
from trueline.catalog.store import Catalog

LABELS = ("Drop", "Escalate")
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
SETTINGS = {"auto_retrain": {"enabled": True, "cron": "0 3 * * *", "blockers": None}, "é\0": [1.5, {"b": 1, "a": 2}]}


def test_settings_are_kept_as_given(catalog: Catalog) -> None:
    job = catalog.add_job(
        title="a",
        labels=LABELS,
        description="of the mail gateway",
        label_colors={"Drop": "#030bff"},
        advanced_settings=SETTINGS,
    )
    assert (job.status, job.last_train_started_at, job.last_train_finished_at) == (Status.ENABLED, None, None)
    assert job.advanced_settings == SETTINGS
    assert catalog.job_by_id(job.id) == job
    changed = catalog.change_job(
        job.id,
        status=Status.DISABLED,
        description="",
        label_colors={},
        advanced_settings={},
        last_train_started_at=NOON,
        last_train_finished_at=NOON + timedelta(microseconds=1),
        last_train_error="no",
    )
    assert catalog.job_by_id(job.id) == changed != job


@pytest.mark.parametrize("description", ["a\0b", "\ud800", "x" * 10_001])
def test_a_description_that_not_every_database_keeps_is_refused(catalog: Catalog, description: str) -> None:
    with pytest.raises(ValueError, match="the description must have up to 10000 characters"):
        catalog.add_job(title="a", labels=LABELS, description=description)


def test_a_deleted_job_is_gone_with_its_models_and_its_id_is_never_given_again(catalog: Catalog) -> None:
    catalog.add_job(title="a", labels=LABELS)
    job = catalog.add_job(title="b", labels=LABELS)
    catalog.add_model(
        Model(
            job_id=job.id,
            id="m",
            trained_at=NOON,
            active=True,
            training=1,
            recorded_at=NOON,
            request_digest="d",
            activated=True,
        )
    )
    catalog.delete_job(job.id, NOON)
    assert catalog.job_by_id(job.id) is None
    assert catalog.job_by_title("b") is None
    assert catalog.models(job.id) == []
    assert catalog.uncleared_jobs() == [job.id]
    catalog.mark_cleared(job.id, NOON)
    assert catalog.uncleared_jobs() == []
    assert catalog.add_job(title="b", labels=LABELS).id == job.id + 1
    with pytest.raises(JobIdDeleted, match="there was a job 2, which was deleted"):
        catalog.add_job(title="c", labels=LABELS, job_id=job.id)
    for missing in (job.id, 0, MAX_ID, 2**70):
        with pytest.raises(NoSuchJob):
            catalog.delete_job(missing, NOON)


def test_where_the_last_id_is_taken_a_free_one_is_none_of_a_deleted_job(catalog: Catalog) -> None:
    catalog.add_job(title="last", labels=LABELS, job_id=MAX_ID)
    catalog.delete_job(catalog.add_job(title="a", labels=LABELS).id, NOON)
    assert catalog.add_job(title="b", labels=LABELS).id == 2


def test_jobs_of_the_first_schema_take_in_events_and_have_no_settings(dsn: str) -> None:
    engine = connect(parse_dsn(dsn))
    try:
        with writing(engine) as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
            connection.execute(
                text(
                    "INSERT INTO jobs VALUES (7, 'old', '[\"A\", \"B\"]', 'event', '[]', 10, 1, 60, 1,"
                    " '2025-03-01 12:00:00.000000')"
                )
            )
    finally:
        engine.dispose()
    with Catalog.open(dsn) as catalog:
        job = catalog.job_by_id(7)
        assert job is not None
        assert (job.title, job.labels, job.status) == ("old", ("A", "B"), Status.ENABLED)
        assert (job.description, job.label_colors, job.advanced_settings, job.last_train_error) == ("", {}, {}, "")
        assert job.last_train_started_at is None
        assert catalog.add_job(title="new", labels=LABELS).id == 8
