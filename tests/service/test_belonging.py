"""A ledger and the catalog it belongs to. Each store is opened in processes of their own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

import scripts

if TYPE_CHECKING:
    from pathlib import Path

PREAMBLE = """
import logging, sys
from pathlib import Path
from trueline.log import log_to_stderr
from trueline.service.errors import StartError
from trueline.service.workspace import Workspace
from trueline.settings import Settings
log_to_stderr(logging.WARNING)
data = Path(sys.argv[1])
def opened(**more):
    return Workspace.open(Settings(data=data, **more))
def refusal(**more):
    try:
        with opened(**more):
            return "opened"
    except StartError as error:
        return str(error)
"""
MAKE = """
with opened() as w:
    for title in ("asked about", "deleted"):
        job = w.jobs.create(title=title, labels=["A", "B"])
        w.ingest.bulk(job, [b'{"event_id": "e", "raw_body": {}, "decision": {"label": "A"}}'])
        w.feedback.bulk(job, [b'{"event_id": "e", "analyst": "ana", "label": "B"}'])
        w.training.train(job)
    w.jobs.delete(job)
"""
TRAIN_TWICE = """
with opened() as w:
    job = w.jobs.get("asked about")
    for label in ("A", "B"):
        w.feedback.bulk(job, [b'{"event_id": "e", "analyst": "ana", "label": "%b"}' % label.encode()])
        w.training.train(job)
"""
COUNT_TRAININGS = """
with opened() as w:
    print(w._ledger.engine.rows("SELECT uniqExact(training) FROM knowledge_base"))
"""
LOOK = """
with opened() as w:
    told = w.metrics.job("asked about")
    print(told["total_events"], w._ledger.engine.rows("SELECT job_id, count() FROM knowledge_base GROUP BY job_id"))
"""


def run(folder: Path, script: str) -> str:
    """Run a script on a data folder; what it prints."""
    return scripts.run(PREAMBLE + script, folder).stdout


def test_the_catalog_of_another_ledger_is_refused_also_where_it_has_jobs_of_the_same_numbers(tmp_path: Path) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    for folder in (data, other):
        run(folder, MAKE)
    dsn = f"sqlite:///{other / 'catalog.sqlite3'}"
    assert "the catalog belongs to another ledger" in run(data, f"print(refusal(catalog_dsn={dsn!r}))")
    for folder in (data, other):
        assert run(folder, LOOK) == "1 [(1, 1)]\n"


def test_trainings_that_no_crash_explains_are_left_though_no_model_names_them(tmp_path: Path) -> None:
    data = tmp_path / "data"
    run(data, MAKE)
    catalog = data / "catalog.sqlite3"
    shutil.copy(catalog, tmp_path / "of yesterday")
    run(data, TRAIN_TWICE)
    shutil.copy(catalog, tmp_path / "of today")
    shutil.copy(tmp_path / "of yesterday", catalog)
    of_yesterday = scripts.run(PREAMBLE + COUNT_TRAININGS, data)
    assert of_yesterday.stdout == "[(3,)]\n"
    assert "trainings that no model names are left as they are" in of_yesterday.stderr
    shutil.copy(tmp_path / "of today", catalog)
    assert run(data, LOOK) == "1 [(1, 3)]\n"


@pytest.mark.parametrize("how", ["another", "missing"])
def test_a_catalog_that_knows_nothing_of_the_ledger_s_jobs_is_refused_and_costs_nothing(
    tmp_path: Path, how: str
) -> None:
    data = tmp_path / "data"
    run(data, MAKE)
    before = run(data, LOOK)
    assert before == "1 [(1, 1)]\n"
    own = data / "catalog.sqlite3"
    if how == "missing":
        own.rename(tmp_path / "kept")
        refused = run(data, "print(refusal())")
        (tmp_path / "kept").rename(own)
    else:
        refused = run(data, f"print(refusal(catalog_dsn={'sqlite:///' + str(tmp_path / 'other')!r}))")
    assert "trainings of 1 job that the catalog never had (1)" in refused
    assert "TRUELINE_CATALOG_DSN" in refused
    assert run(data, LOOK) == before
