"""Stores of other versions: migrated, or refused untouched; and the gate would tell otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import versions
from gate import BrokenError
from versions import migrate_and_compare

if TYPE_CHECKING:
    from pathlib import Path


def test_an_earlier_store_gives_the_same_numbers_and_later_ones_are_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = migrate_and_compare(tmp_path, 2, seed=1)
    expected = "from ledger 8, catalog 0006; ledger 7, catalog 0005;"
    assert figures.startswith(f"the same answers, and tables as they are made now, {expected}")
    with capsys.disabled():
        print(f"\nversions: {figures}")  # noqa: T201 - the figure of the gate


def test_a_newer_store_that_is_touched_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_OF_BEING_OPEN", ())
    with pytest.raises(BrokenError, match="a newer store was touched"):
        migrate_and_compare(tmp_path, 0, seed=1)


def test_a_table_of_a_job_that_is_made_otherwise_after_a_migration_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    otherwise = "ALTER TABLE events_1 MODIFY COLUMN bucket_id String CODEC(LZ4)"
    monkeypatch.setitem(versions.TAKEN_FROM_LEDGER, 9, (otherwise,))
    with pytest.raises(BrokenError, match="migrated: events_1 is"):
        migrate_and_compare(tmp_path, 1, seed=1)


def test_other_numbers_after_a_migration_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loses = ("TRUNCATE TABLE votes", "TRUNCATE TABLE consensus")
    monkeypatch.setitem(versions.TAKEN_FROM_LEDGER, 9, loses)
    with pytest.raises(BrokenError, match="instead of"):
        migrate_and_compare(tmp_path, 1, seed=1)
