"""The catalog as a whole: opened twice, opened again, lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from catalog.samples import KEY, LABELS, MODEL, NOON, at_once
from trueline.catalog.checks import MAX_ID
from trueline.catalog.engine import connect, parse_dsn
from trueline.catalog.errors import StoreUnavailable
from trueline.catalog.records import Job
from trueline.catalog.store import Catalog

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_not_there_is_none(catalog: Catalog) -> None:
    assert catalog.jobs() == []
    for job_id in (1, 0, -1, MAX_ID, 2**70):
        assert catalog.job_by_id(job_id) is None
        assert catalog.models(job_id) == []
        assert catalog.active_model(job_id) is None
    for name in ("a", "", "a\0b", "\ud800", "x" * 1_000_000):
        assert catalog.job_by_title(name) is None
        assert catalog.model(1, name) is None
        assert catalog.key(name, KEY.digest) is None
        assert catalog.revoke_key(name, NOON) is None


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1900, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
        datetime(2025, 3, 30, 1, 30, 0, 1, UTC),
        datetime(2299, 12, 31, 23, 59, 59, 999999, UTC),
        datetime(2025, 3, 1, 1, 2, 3, 4, timezone(timedelta(hours=5, minutes=45))),
    ],
)
def test_moments_are_kept_to_the_microsecond_in_utc(catalog: Catalog, moment: datetime) -> None:
    job = catalog.add_job(title="a", labels=LABELS, created_at=moment)
    catalog.add_model(replace(MODEL, trained_at=moment, recorded_at=moment))
    catalog.add_key(replace(KEY, created_at=moment, expires_at=moment, revoked_at=moment))
    found = catalog.job_by_id(job.id)
    model = catalog.model(1, "m1")
    key = catalog.key("abc", KEY.digest)
    assert found is not None
    assert model is not None
    assert key is not None
    kept = [
        found.created_at,
        model.trained_at,
        model.recorded_at,
        key.created_at,
        key.expires_at,
        key.revoked_at,
    ]
    for one in kept:
        assert one == moment
        assert one is not None
        assert one.tzinfo is UTC


def test_two_catalogs_on_one_database_agree(dsn: str) -> None:
    with Catalog.open(dsn) as one, Catalog.open(dsn) as other:
        both = (one, other)
        done = at_once(8, lambda number: both[number % 2].add_job(title=f"job {number}", labels=LABELS))
        assert sorted(job.id for job in done if isinstance(job, Job)) == list(range(1, 9))
        assert one.jobs() == other.jobs()


def test_all_is_there_after_opening_again(dsn: str) -> None:
    with Catalog.open(dsn) as catalog:
        job = catalog.add_job(title="a", labels=LABELS)
        catalog.add_model(MODEL)
        catalog.add_key(KEY)
    with Catalog.open(dsn) as catalog:
        assert (catalog.jobs(), catalog.models(1), catalog.keys()) == ([job], [MODEL], [KEY])


def test_ping_writes_nothing(catalog: Catalog) -> None:
    catalog.add_key(KEY)
    catalog.ping()
    assert catalog.keys() == [KEY]


def test_ping_tells_of_a_database_that_takes_no_writes(postgres_dsn: str) -> None:
    with Catalog.open(postgres_dsn) as catalog:
        engine = connect(parse_dsn(postgres_dsn))
        with engine.begin() as connection:
            name = parse_dsn(postgres_dsn).database
            connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
        engine.dispose()
        catalog.close()
        with pytest.raises(StoreUnavailable, match=str(name)):
            catalog.ping()


def test_ping_tells_of_a_sqlite_that_was_lost(tmp_path: Path) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    with Catalog.open(f"sqlite:///{folder / 'catalog.sqlite'}") as catalog:
        catalog.close()
        folder.rename(tmp_path / "unmounted")
        with pytest.raises(StoreUnavailable, match=r"catalog\.sqlite"):
            catalog.ping()
