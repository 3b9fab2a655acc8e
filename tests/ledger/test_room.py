"""Room that is kept free on the disk of the embedded ledger."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from trueline.ledger.errors import LedgerError, LedgerFullError
from trueline.ledger.room import Room

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trueline.service.workspace import Workspace

MIB = 1 << 20


class Disk:
    """A disk that has as much room as it is told."""

    def __init__(self, free: int) -> None:
        self.free = free
        self.files = 1_000_000
        self.free_files = 1_000_000

    def __call__(self, _: object) -> SimpleNamespace:
        return SimpleNamespace(f_bavail=self.free // 4096, f_frsize=4096, f_files=self.files, f_favail=self.free_files)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    told = Disk(1000 * MIB)
    monkeypatch.setattr("trueline.ledger.room.os.statvfs", told)
    return told


def test_less_than_is_kept_free_is_refused_with_both_numbers(disk: Disk, tmp_path: Path) -> None:
    room = Room(tmp_path, 50 * MIB)
    room.check()
    disk.free = 49 * MIB
    with pytest.raises(LedgerFullError, match="is full: 49 MiB are free, and 50 MiB are kept so"):
        room.check()


def test_who_writes_finds_no_room_that_others_are_writing_into(disk: Disk, tmp_path: Path) -> None:
    room = Room(tmp_path, 50 * MIB)
    disk.free = 100 * MIB
    with room.taken(30 * MIB):
        room.check()
        with pytest.raises(LedgerFullError), room.taken(30 * MIB):
            pytest.fail("there was room")
        disk.free = 79 * MIB  # what is written now stands on the disk, too
        with pytest.raises(LedgerFullError):
            room.check()
    with room.taken(29 * MIB):
        pass


def test_a_disk_that_takes_no_more_files_is_full_unless_it_makes_room_for_them(disk: Disk, tmp_path: Path) -> None:
    room = Room(tmp_path, 50 * MIB)
    disk.free_files = 9_999
    with pytest.raises(LedgerFullError, match="is full: it takes 9,999 more files, and 10,000 are kept so"):
        room.check()
    stopped = threading.Event()
    room.watch(stopped.set, lambda: None)
    try:
        assert stopped.wait(5)
    finally:
        room.close()
    disk.files = disk.free_files = 0  # such as Btrfs
    room.check()


def test_merging_stops_before_the_room_is_gone_and_starts_again_with_enough(disk: Disk, tmp_path: Path) -> None:
    stopped, started = threading.Event(), threading.Event()
    room = Room(tmp_path, 50 * MIB)
    room.watch(stopped.set, started.set)
    try:
        assert not stopped.wait(0.1)
        disk.free = 49 * MIB
        assert stopped.wait(5)
        disk.free = 51 * MIB
        assert not started.wait(0.1)
        disk.free = 63 * MIB
        assert started.wait(5)
    finally:
        room.close()


def test_what_is_written_is_refused_and_what_is_asked_is_answered_without_room(
    disk: Disk, workspace: Workspace, fresh_title: Callable[[], str]
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])
    lines = [b'{"event_id": "%d", "raw_body": {}, "decision": {"label": "A"}}' % number for number in range(300)]
    workspace.ingest.bulk(job, lines)
    disk.free = 0
    with pytest.raises(LedgerFullError):
        workspace.ingest.bulk(job, [b'{"event_id": "new", "raw_body": {}}'])
    with pytest.raises(LedgerFullError):
        workspace.ping()
    # as many keys as are looked up in memory, which the disk has no part in
    training = [{"event_id": str(number), "label": "A"} for number in range(300)]
    with pytest.raises(LedgerFullError):
        workspace.training.register(job, model_id="m", training_set=training)
    assert workspace.metrics.job(job.id)["total_events"] == len(lines)
    disk.free = 1000 * MIB
    workspace.ping()
    assert workspace.ingest.bulk(job, [b'{"event_id": "new", "raw_body": {}}']).accepted == 1
    workspace.training.register(job, model_id="m", training_set=training)


def test_a_write_cut_short_by_a_full_disk_holds_up_no_question(
    disk: Disk, workspace: Workspace, fresh_title: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])
    workspace.ingest.bulk(job, [b'{"event_id": "e", "raw_body": {}, "decision": {"label": "A"}}'])
    votes = [b'{"event_id": "e", "analyst": "ana", "label": "B"}']

    def fill_up(*_: object) -> None:
        disk.free = 0
        raise LedgerFullError

    with monkeypatch.context() as patched:
        patched.setattr(workspace._ledger.votes, "write_consensus", fill_up)  # noqa: SLF001 - after the votes are in
        with pytest.raises(LedgerFullError):
            workspace.feedback.bulk(job, votes)
    assert workspace.metrics.job(job.id)["total_events_with_consensus"] == 0
    disk.free = 1000 * MIB
    assert workspace.feedback.bulk(job, votes).accepted == 1
    assert workspace.metrics.job(job.id)["total_events_with_consensus"] == 1


def test_a_stop_that_fails_is_tried_again(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trueline.ledger.room._LOOK_AGAIN", 0.01)
    stopped, tries = threading.Event(), 0

    def stop() -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise LedgerError("busy")
        stopped.set()

    room = Room(tmp_path, 50 * MIB)
    room.watch(stop, fail)
    try:
        disk.free = 49 * MIB
        assert stopped.wait(5)
        assert tries == 3
    finally:
        room.close()


def fail() -> None:
    raise AssertionError("it was started")
