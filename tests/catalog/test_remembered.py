"""What is remembered of the catalog is what reading it anew gives, whoever writes."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import Engine, event

from trueline.catalog.engine import sqlite_dsn
from trueline.catalog.store import Catalog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that databases are asked meanwhile, those that tell of changes left out."""
    asked: list[str] = []

    def note(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    event.listen(Engine, "before_cursor_execute", note)
    yield asked
    event.remove(Engine, "before_cursor_execute", note)


def test_nothing_is_read_twice_as_long_as_nothing_is_written(tmp_path: Path) -> None:
    with Catalog.open(sqlite_dsn(tmp_path / "c.db")) as catalog:
        job = catalog.add_job(title="t", labels=["A", "B"])
        with statements() as asked:
            for _ in range(3):
                assert catalog.job_by_id(job.id) == job
                assert catalog.job_by_title("t") == job
                assert catalog.models(job.id) == []
        assert len(asked) == 3


def test_what_is_not_there_is_not_remembered_as_anybody_can_ask_for_it(tmp_path: Path) -> None:
    with Catalog.open(sqlite_dsn(tmp_path / "c.db")) as catalog:
        with statements() as asked:
            for _ in range(3):
                assert catalog.key("nobody", "0" * 64) is None
                assert catalog.job_by_title("nothing") is None
        assert len(asked) == 6


def test_what_is_written_is_seen_at_once_also_from_another_connection(tmp_path: Path) -> None:
    dsn = sqlite_dsn(tmp_path / "c.db")
    with Catalog.open(dsn) as catalog, Catalog.open(dsn) as other:
        job = catalog.add_job(title="t", labels=["A", "B"])
        for number in range(50):
            assert other.job_by_id(job.id) == catalog.job_by_id(job.id)
            (catalog, other)[number % 2].change_job(job.id, title=f"t {number}")
            for each in (catalog, other):
                found = each.job_by_id(job.id)
                assert found is not None
                assert found.title == f"t {number}"
                assert each.job_by_title(f"t {number}") == found
                assert each.job_by_title("t") is None


def test_threads_that_read_while_others_write_never_see_less_than_was_written(tmp_path: Path) -> None:
    with Catalog.open(sqlite_dsn(tmp_path / "c.db")) as catalog:
        job = catalog.add_job(title="t", labels=["A", "B"])
        written = 0
        stale: list[tuple[int, int]] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                before = written
                found = catalog.job_by_id(job.id)
                if found is None or found.min_votes < before:
                    stale.append((before, 0 if found is None else found.min_votes))

        readers = [threading.Thread(target=read) for _ in range(4)]
        for each in readers:
            each.start()
        for number in range(1, 101):
            catalog.change_job(job.id, min_votes=number)
            written = number
        done.set()
        for each in readers:
            each.join()
        assert not stale
