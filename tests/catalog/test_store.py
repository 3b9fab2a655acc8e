from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from trueline.catalog.checks import MAX_ID, MAX_TRAINING
from trueline.catalog.engine import connect, parse_dsn
from trueline.catalog.errors import (
    JobIdTaken,
    KeyIdTaken,
    ModelIdTaken,
    NoSuchJob,
    StoreUnavailable,
    TitleTaken,
)
from trueline.catalog.records import Grouping, Job, Key, Model
from trueline.catalog.store import Catalog
from trueline.catalog.tables import models

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LABELS = ("Drop", "Investigate", "Escalate")
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)

MODEL = Model(
    job_id=1, id="m1", trained_at=NOON, active=True, training=1, recorded_at=NOON, request_digest="d1", activated=True
)
KEY = Key(
    id="abc",
    name="dashboard",
    scopes=("read:job_metrics",),
    jobs=None,
    created_at=NOON,
    expires_at=None,
    revoked_at=None,
    digest="0" * 64,
)


def at_once(count: int, work: Callable[[int], object]) -> list[object]:
    """Run the work in so many threads that all begin together; return what each gave back or raised."""
    gate = threading.Barrier(count)

    def run(number: int) -> object:
        gate.wait()
        try:
            return work(number)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_a_job_is_kept_as_given(catalog: Catalog) -> None:
    job = catalog.add_job(
        title="Phishing 'né' \U0001f41f",
        labels=LABELS,
        grouping=Grouping.BUCKET,
        decision_points=["rule.name", "host.name"],
        minutes_per_alert=0.1,
        min_votes=3,
        low_confidence_below=59.999999999999,
        job_id=1234,
        created_at=NOON,
    )
    assert job == Job(
        id=1234,
        title="Phishing 'né' \U0001f41f",
        labels=LABELS,
        grouping=Grouping.BUCKET,
        decision_points=("rule.name", "host.name"),
        minutes_per_alert=0.1,
        min_votes=3,
        low_confidence_below=59.999999999999,
        consensus_min_votes=3,
        created_at=NOON,
    )
    assert catalog.job_by_id(1234) == job
    assert catalog.job_by_title(job.title) == job
    assert catalog.jobs() == [job]


def test_a_job_has_the_documented_defaults(catalog: Catalog) -> None:
    before = datetime.now(UTC)
    job = catalog.add_job(title="a", labels=LABELS)
    assert (job.id, job.grouping, job.decision_points) == (1, Grouping.EVENT, ())
    assert (job.minutes_per_alert, job.min_votes, job.low_confidence_below) == (10.0, 1, 60.0)
    assert before <= job.created_at <= datetime.now(UTC)


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


def test_a_title_is_unique_to_the_letter(catalog: Catalog) -> None:
    catalog.add_job(title="Phishing", labels=LABELS)
    with pytest.raises(TitleTaken, match="'Phishing'"):
        catalog.add_job(title="Phishing", labels=LABELS)
    catalog.add_job(title="phishing", labels=LABELS)
    catalog.add_job(title="Phishing ", labels=LABELS)
    assert [job.title for job in catalog.jobs()] == ["Phishing", "phishing", "Phishing "]


def test_an_id_is_unique(catalog: Catalog) -> None:
    catalog.add_job(title="a", labels=LABELS, job_id=5)
    with pytest.raises(JobIdTaken, match="5"):
        catalog.add_job(title="b", labels=LABELS, job_id=5)
    assert catalog.job_by_title("b") is None


def test_the_next_id_follows_the_largest(catalog: Catalog) -> None:
    catalog.add_job(title="a", labels=LABELS, job_id=1202)
    assert catalog.add_job(title="b", labels=LABELS).id == 1203


def test_ids_have_64_bits_and_the_last_one_is_no_dead_end(catalog: Catalog) -> None:
    catalog.add_job(title="last", labels=LABELS, job_id=MAX_ID)
    found = catalog.job_by_id(MAX_ID)
    assert found is not None
    assert found.title == "last"
    assert catalog.add_job(title="first", labels=LABELS).id == 1
    assert catalog.add_job(title="second", labels=LABELS).id == 2
    for job_id in (0, -1, MAX_ID + 1):
        with pytest.raises(ValueError, match="the job's id must be from 1 to"):
            catalog.add_job(title="outside", labels=LABELS, job_id=job_id)


@pytest.mark.parametrize("title", ["", "a\0b", "\ud800", "x" * 501])
def test_a_title_that_not_every_database_keeps_is_refused(catalog: Catalog, title: str) -> None:
    with pytest.raises(ValueError, match="title must have 1 to 500 characters"):
        catalog.add_job(title=title, labels=LABELS)


def test_the_longest_title_in_the_longest_letters_is_kept(catalog: Catalog) -> None:
    title = "".join(chr(0x1F300 + number) for number in range(500))
    assert catalog.add_job(title=title, labels=LABELS) == catalog.job_by_title(title)


def test_numbers_out_of_bounds_are_refused(catalog: Catalog) -> None:
    for minutes in (float("nan"), float("inf"), 1.1e12, -1.0):
        with pytest.raises(ValueError, match="minutes_per_alert must be from 0 to 1000000000000"):
            catalog.add_job(title="a", labels=LABELS, minutes_per_alert=minutes)
    with pytest.raises(ValueError, match="low_confidence_below must be from 0 to 100"):
        catalog.add_job(title="a", labels=LABELS, low_confidence_below=100.5)
    for votes in (0, 2**63):
        with pytest.raises(ValueError, match="min_votes must be from 1 to"):
            catalog.add_job(title="a", labels=LABELS, min_votes=votes)
    assert catalog.jobs() == []


def test_each_thing_that_may_change_of_a_job_changes(catalog: Catalog) -> None:
    job = catalog.add_job(title="a", labels=LABELS)
    changed = catalog.change_job(
        job.id,
        title="b",
        labels=[*LABELS, "Close"],
        minutes_per_alert=2.5,
        min_votes=2,
        low_confidence_below=10.0,
        consensus_min_votes=2,
    )
    assert changed == replace(
        job,
        title="b",
        labels=(*LABELS, "Close"),
        minutes_per_alert=2.5,
        min_votes=2,
        low_confidence_below=10.0,
        consensus_min_votes=2,
    )
    assert catalog.job_by_id(job.id) == changed
    assert catalog.change_job(job.id) == changed


def test_the_votes_behind_the_stored_consensus_change_apart(catalog: Catalog) -> None:
    job = catalog.add_job(title="a", labels=LABELS)
    assert catalog.change_job(job.id, min_votes=4).consensus_min_votes == 1


def test_a_change_that_cannot_be_changes_nothing(catalog: Catalog) -> None:
    job = catalog.add_job(title="a", labels=LABELS)
    catalog.add_job(title="b", labels=LABELS)
    with pytest.raises(TitleTaken):
        catalog.change_job(job.id, title="b", min_votes=7)
    with pytest.raises(ValueError, match="min_votes"):
        catalog.change_job(job.id, title="c", min_votes=0)
    with pytest.raises(TypeError, match="'grouping' of a job cannot change"):
        catalog.change_job(job.id, grouping=Grouping.BUCKET)  # type: ignore[call-arg]
    for job_id in (99, 2**70):
        with pytest.raises(NoSuchJob, match=str(job_id)):
            catalog.change_job(job_id, title="c")
    assert catalog.job_by_id(job.id) == job
    assert catalog.change_job(job.id, title="a") == job


def test_a_model_is_kept_as_given(catalog: Catalog) -> None:
    catalog.add_job(title="a", labels=LABELS)
    model = replace(MODEL, training=MAX_TRAINING)
    assert catalog.add_model(model) == model
    assert catalog.model(1, "m1") == model
    assert catalog.active_model(1) == model
    assert catalog.models(1) == [model]


@pytest.mark.parametrize("training", [0, 1, 2**63 - 1, 2**63, MAX_TRAINING])
def test_the_id_of_a_training_has_64_bits_without_a_sign(catalog: Catalog, training: int) -> None:
    catalog.add_job(title="a", labels=LABELS)
    catalog.add_model(replace(MODEL, training=training))
    assert [model.training for model in catalog.models(1)] == [training]


def test_a_model_that_cannot_be_kept_is_refused(catalog: Catalog) -> None:
    catalog.add_job(title="a", labels=LABELS)
    for training in (-1, MAX_TRAINING + 1):
        with pytest.raises(ValueError, match="the id of the training must be from 0"):
            catalog.add_model(replace(MODEL, training=training))
    with pytest.raises(ValueError, match="trained_at must say its time zone"):
        catalog.add_model(replace(MODEL, trained_at=NOON.replace(tzinfo=None)))
    with pytest.raises(ValueError, match="the model's id"):
        catalog.add_model(replace(MODEL, id=""))
    with pytest.raises(NoSuchJob):
        catalog.add_model(replace(MODEL, job_id=2))
    assert catalog.models(1) == []


def test_the_model_id_is_unique_in_its_job_only(catalog: Catalog) -> None:
    catalog.add_job(title="a", labels=LABELS)
    catalog.add_job(title="b", labels=LABELS)
    catalog.add_model(MODEL)
    with pytest.raises(ModelIdTaken, match="job 1 has a model 'm1' already"):
        catalog.add_model(replace(MODEL, request_digest="another"))
    catalog.add_model(replace(MODEL, job_id=2))
    assert catalog.models(1) == [MODEL]


def test_an_active_model_takes_the_place_of_the_one_before(catalog: Catalog) -> None:
    for title in ("a", "b"):
        catalog.add_job(title=title, labels=LABELS)
    catalog.add_model(replace(MODEL, job_id=2))
    catalog.add_model(MODEL)
    second = catalog.add_model(replace(MODEL, id="m2"))
    assert catalog.active_model(1) == second
    catalog.add_model(replace(MODEL, id="m3", active=False))
    assert catalog.active_model(1) == second
    assert [model.active for model in catalog.models(1)] == [False, True, False]
    assert catalog.active_model(2) == replace(MODEL, job_id=2)


def test_a_refused_active_model_leaves_the_active_one(catalog: Catalog) -> None:
    catalog.add_job(title="a", labels=LABELS)
    catalog.add_model(MODEL)
    with pytest.raises(ModelIdTaken):
        catalog.add_model(MODEL)
    assert catalog.active_model(1) == MODEL


def test_the_database_itself_refuses_two_active_models(dsn: str) -> None:
    with Catalog.open(dsn) as catalog:
        catalog.add_job(title="a", labels=LABELS)
        catalog.add_model(MODEL)
    engine = connect(parse_dsn(dsn))
    values = {
        "job_id": 1,
        "id": "m2",
        "trained_at": NOON,
        "training": 2,
        "recorded_at": NOON,
        "request_digest": "d",
        "activated": True,
    }
    try:
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(insert(models).values(values | {"active": True}))
        # The driver of PostgreSQL has no kind of its own for a broken reference.
        with pytest.raises(DBAPIError, match=r"(?i)foreign key"), engine.begin() as connection:
            connection.execute(insert(models).values(values | {"active": False, "job_id": 9}))
        with engine.begin() as connection:
            connection.execute(insert(models).values(values | {"active": False}))
    finally:
        engine.dispose()


def test_models_stand_in_the_order_of_their_training(catalog: Catalog) -> None:
    catalog.add_job(title="a", labels=LABELS)
    later = NOON + timedelta(microseconds=1)
    for name, trained_at, recorded_at in [
        ("e", later, NOON),
        ("d", NOON, later),
        ("b", NOON, NOON),
        ("B", NOON, NOON),
        ("ä", NOON, NOON),
    ]:
        catalog.add_model(replace(MODEL, id=name, trained_at=trained_at, recorded_at=recorded_at))
    assert [model.id for model in catalog.models(1)] == ["B", "b", "ä", "d", "e"]


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


def test_a_key_is_kept_as_given(catalog: Catalog) -> None:
    limited = replace(KEY, id="b", jobs=(3, MAX_ID), expires_at=NOON, created_at=NOON - timedelta(days=1))
    catalog.add_key(KEY)
    catalog.add_key(limited)
    assert catalog.key("abc", KEY.digest) == KEY
    assert catalog.key("b", KEY.digest) == limited
    assert catalog.key("abc", KEY.digest[:-1]) is None
    assert catalog.key("c", KEY.digest) is None
    assert catalog.keys() == [limited, KEY]
    with pytest.raises(KeyIdTaken, match="'abc'"):
        catalog.add_key(replace(KEY, name="other"))
    with pytest.raises(ValueError, match="the key's name"):
        catalog.add_key(replace(KEY, id="c", name=""))
    with pytest.raises(ValueError, match="expires_at must say its time zone"):
        catalog.add_key(replace(KEY, id="c", expires_at=NOON.replace(tzinfo=None)))


def test_a_key_is_revoked_once(catalog: Catalog) -> None:
    catalog.add_key(KEY)
    revoked = catalog.revoke_key("abc", NOON)
    assert revoked == replace(KEY, revoked_at=NOON)
    assert catalog.revoke_key("abc", NOON + timedelta(days=1)) == revoked
    assert catalog.key("abc", KEY.digest) == revoked
    assert catalog.revoke_key("abd", NOON) is None


def test_jobs_added_at_once_get_ids_of_their_own(catalog: Catalog) -> None:
    done = at_once(12, lambda number: catalog.add_job(title=f"job {number}", labels=LABELS))
    assert sorted(job.id for job in done if isinstance(job, Job)) == list(range(1, 13))


def test_of_jobs_added_at_once_one_gets_the_title(catalog: Catalog) -> None:
    done = at_once(12, lambda _: catalog.add_job(title="the one", labels=LABELS))
    assert len([job for job in done if isinstance(job, Job)]) == 1
    assert len([error for error in done if isinstance(error, TitleTaken)]) == 11
    assert len(catalog.jobs()) == 1


def test_of_titles_changed_at_once_one_wins(catalog: Catalog) -> None:
    for number in range(8):
        catalog.add_job(title=f"job {number}", labels=LABELS)
    done = at_once(8, lambda number: catalog.change_job(number + 1, title="the one"))
    assert len([job for job in done if isinstance(job, Job)]) == 1
    assert len([error for error in done if isinstance(error, TitleTaken)]) == 7


def test_of_models_added_at_once_one_is_active(catalog: Catalog) -> None:
    catalog.add_job(title="a", labels=LABELS)

    def add_and_read(number: int) -> bool:
        catalog.add_model(replace(MODEL, id=f"m{number}"))
        return len([model for model in catalog.models(1) if model.active]) == 1

    assert at_once(12, add_and_read) == [True] * 12
    assert len(catalog.models(1)) == 12


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
