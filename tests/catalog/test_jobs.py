"""Jobs in the catalog."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from catalog.samples import LABELS, NOON, at_once
from trueline.catalog.checks import MAX_ID
from trueline.catalog.errors import JobIdTaken, NoSuchJob, TitleTaken
from trueline.catalog.records import Grouping, Job

if TYPE_CHECKING:
    from trueline.catalog.store import Catalog


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
