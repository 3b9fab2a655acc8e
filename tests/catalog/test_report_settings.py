"""What a job's report needs to be told, kept alike by both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from sqlalchemy import text

from trueline.catalog.checks import MAX_COST
from trueline.catalog.engine import connect, parse_dsn, writing
from trueline.catalog.schema import _config
from trueline.catalog.store import Catalog

if TYPE_CHECKING:
    from trueline.catalog.records import Costs

LABELS = ("Drop", "Investigate", "Escalate")
COSTS: Costs = {"unit": "EUR", "per_error": 12.5, "cells": {"Escalate": {"Drop": 40_000.0}, "Drop": {"Drop": 0.1}}}


def test_settings_are_kept_as_given_and_set_back(catalog: Catalog) -> None:
    job = catalog.add_job(
        title="a",
        labels=LABELS,
        cost_matrix=COSTS,
        time_zone="Europe/Berlin",
        labels_ordered=True,
        headline_label="Investigate",
    )
    assert (job.cost_matrix, job.time_zone, job.labels_ordered, job.headline_label) == (
        COSTS, "Europe/Berlin", True, "Investigate",
    )  # fmt: skip
    assert catalog.job_by_id(job.id) == job
    changed = catalog.change_job(job.id, cost_matrix=None, time_zone="UTC", labels_ordered=False, headline_label=None)
    assert catalog.job_by_id(job.id) == changed == catalog.job_by_title("a")
    assert (changed.cost_matrix, changed.time_zone, changed.labels_ordered, changed.headline_label) == (
        None, "UTC", False, None,
    )  # fmt: skip
    assert catalog.change_job(job.id, cost_matrix=COSTS) == catalog.job_by_id(job.id)


def test_jobs_of_the_schema_before_have_the_defaults(dsn: str) -> None:
    engine = connect(parse_dsn(dsn))
    try:
        with writing(engine) as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "0003")
            connection.execute(
                text(
                    "INSERT INTO jobs (id, title, labels, grouping, decision_points, minutes_per_alert, min_votes,"
                    " low_confidence_below, consensus_min_votes, created_at)"
                    " VALUES (7, 'old', '[\"A\", \"B\"]', 'event', '[]', 1e308, 1, 60, 1, '2025-03-01 12:00:00.000000')"
                )
            )
    finally:
        engine.dispose()
    with Catalog.open(dsn) as catalog:
        job = catalog.job_by_id(7)
        assert job is not None
        assert (job.cost_matrix, job.time_zone, job.labels_ordered, job.headline_label) == (None, "UTC", False, None)
        assert job.minutes_per_alert == MAX_COST
        assert catalog.change_job(7, labels_ordered=True) == catalog.job_by_id(7)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"headline_label": "drop"}, "the headline label must be one of the job's labels, not 'drop'"),
        ({"time_zone": "a\0"}, "the time zone must have"),
        ({"cost_matrix": COSTS | {"unit": ""}}, "the unit of costs must have"),
        ({"cost_matrix": COSTS | {"per_error": -1}}, "per_error must be from 0 to"),
        ({"cost_matrix": COSTS | {"per_error": float("nan")}}, "per_error must be from 0 to"),
        ({"cost_matrix": COSTS | {"cells": {"Drop": {"B": 1}}}}, "there is a cost for 'B', which is not one"),
        ({"cost_matrix": COSTS | {"cells": {"B": {"Drop": 1}}}}, "there is a cost for 'B', which is not one"),
        ({"cost_matrix": COSTS | {"cells": {"Drop": {"Escalate": 2e12}}}}, "of 'Drop' decided 'Escalate' must be from"),
    ],
)
def test_what_is_no_setting_is_refused_at_the_making_and_at_a_change(
    catalog: Catalog, given: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        catalog.add_job(title="a", labels=LABELS, **given)
    job = catalog.add_job(title="a", labels=LABELS)
    with pytest.raises(ValueError, match=why):
        catalog.change_job(job.id, **given)
    assert catalog.job_by_id(job.id) == job


@pytest.mark.parametrize(
    ("labels", "headline"),
    [
        (LABELS, "Escalate"),
        (("Escalate", "Drop"), "Escalate"),
        (("escalate", "ESCALATE", "Drop"), "ESCALATE"),
        (("benign", "malicious"), "malicious"),
    ],
)
def test_the_headline_is_the_last_named_escalate_else_the_last(
    catalog: Catalog, labels: tuple[str, ...], headline: str
) -> None:
    job = catalog.add_job(title="a", labels=labels)
    assert job.headline == headline
    assert catalog.change_job(job.id, headline_label=labels[0]).headline == labels[0]
