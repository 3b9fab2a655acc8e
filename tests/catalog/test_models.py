"""Models in the catalog."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError, IntegrityError

from catalog.samples import LABELS, MODEL, NOON, at_once
from trueline.catalog.checks import MAX_TRAINING
from trueline.catalog.engine import connect, parse_dsn
from trueline.catalog.errors import ModelIdTaken, NoSuchJob
from trueline.catalog.store import Catalog
from trueline.catalog.tables import models


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


def test_of_models_added_at_once_one_is_active(catalog: Catalog) -> None:
    catalog.add_job(title="a", labels=LABELS)

    def add_and_read(number: int) -> bool:
        catalog.add_model(replace(MODEL, id=f"m{number}"))
        return len([model for model in catalog.models(1) if model.active]) == 1

    assert at_once(12, add_and_read) == [True] * 12
    assert len(catalog.models(1)) == 12
