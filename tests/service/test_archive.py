"""A backup that was altered in any place is refused, and names that place."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec
import pytest

from trueline.service import archive
from trueline.service.archive_reading import read_backup
from trueline.service.errors import BackupError

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "catalog.sqlite3": b"catalog" * 300,
    "ledger/metadata/trueline.sql": b"ATTACH",
    f"ledger/store/{'long' * 40}/data.bin": bytes(range(256)) * 40,
    "ledger/store/empty": b"",
    "secret": b"0123456789abcdef",
}


def manifest(**changes: object) -> archive.Manifest:
    of = archive.Manifest(
        format=archive.FORMAT,
        trueline="1",
        engine="2",
        ledger_schema=3,
        ledger_database="trueline",
        catalog_schema="4",
        moment="2025-01-01T00:00:00Z",
        secret=True,
        writes_held_seconds=0.5,
        files=[archive.FileRecord(path, len(content)) for path, content in FILES.items()],
    )
    return msgspec.structs.replace(of, **changes)


def written(folder: Path, of: archive.Manifest) -> Path:
    places = {}
    for number, (path, content) in enumerate(FILES.items()):
        places[path] = folder / str(number)
        places[path].write_bytes(content)
    backup = folder / "backup.tar"
    chunks = list(archive.chunks_of(of, places))
    assert sum(map(len, chunks)) == archive.size_of(of)
    backup.write_bytes(b"".join(chunks))
    return backup


@pytest.mark.parametrize("size", [1, 512, 1_000, 2**20])
def test_the_last_piece_is_the_end(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "CHUNK", size)
    written(tmp_path, manifest())
    places = {path: tmp_path / str(number) for number, path in enumerate(FILES)}
    assert all(archive.chunks_of(manifest(), places))


def unwatched(_: int) -> None:
    pass


def test_what_is_written_is_read_again_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    backup, into = written(tmp_path, manifest()), tmp_path / "into"
    told: list[int] = []
    assert read_backup(backup, told.append, into) == manifest()
    assert {path: (into / path).read_bytes() for path in FILES} == FILES
    assert {(into / path).stat().st_mode & 0o777 for path in FILES} == {0o600}
    assert told == sorted(told)
    assert 0 < told[-1] <= backup.stat().st_size


def test_every_altered_byte_that_means_something_is_noticed(tmp_path: Path) -> None:
    backup = written(tmp_path, manifest())
    whole = backup.read_bytes()
    choose = random.Random(1)  # noqa: S311 - test data
    noticed = 0
    for place in choose.sample(range(len(whole)), 600):
        altered = bytearray(whole)
        altered[place] ^= 1 << choose.randrange(8)
        backup.write_bytes(altered)
        into = tmp_path / f"into {place}"
        try:
            assert read_backup(backup, unwatched, into) == manifest()
        except BackupError as error:
            assert "backup.tar" in str(error)  # noqa: PT017 - not each altered byte means something
            noticed += 1
        else:  # the rest of a block, which nobody reads
            assert {path: (into / path).read_bytes() for path in FILES} == FILES
    assert noticed > 400


def test_a_backup_that_ends_too_early_is_refused_and_names_what_is_missing(tmp_path: Path) -> None:
    backup = written(tmp_path, manifest())
    whole = backup.read_bytes()
    end = len(whole) - 2 * 512  # what follows is the mark of the end
    for size in [*range(0, end, 512), *range(300, end, 701)]:
        backup.write_bytes(whole[:size])
        with pytest.raises(BackupError, match="damaged"):
            read_backup(backup, unwatched)


@pytest.mark.parametrize(
    "path", ["../outside", "/etc/passwd", "ledger/../../outside", "other", "ledger", "", "ledger//a", "ledger/./a"]
)
def test_a_path_outside_a_data_folder_is_refused(path: str, tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(b"x")
    of = manifest(files=[archive.FileRecord(path, 1)])
    backup = tmp_path / "backup.tar"
    backup.write_bytes(b"".join(archive.chunks_of(of, {path: tmp_path / "content"})))
    with pytest.raises(BackupError, match="has no place in a data folder"):
        read_backup(backup, unwatched, tmp_path / "into")
    assert not (tmp_path / "outside").exists()


def test_another_form_is_refused(tmp_path: Path) -> None:
    backup = written(tmp_path, manifest(format=2))
    with pytest.raises(BackupError, match="has the form 2, this Trueline reads 1"):
        read_backup(backup, unwatched)


def test_a_file_that_became_shorter_is_not_backed_up(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    chunks = archive.chunks_of(manifest(files=[archive.FileRecord("secret", 2)]), {"secret": tmp_path / "secret"})
    with pytest.raises(OSError, match="secret became shorter"):
        list(chunks)
