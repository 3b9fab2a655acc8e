"""From a backup to a data folder: all of it is checked before anything gets its place."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from trueline.catalog import schema as catalog_schema
from trueline.ledger import migrations
from trueline.ledger.errors import LedgerInUseError
from trueline.ledger.in_use import kept_closed
from trueline.ledger.seal import SEALS
from trueline.placing import sync
from trueline.service import archive
from trueline.service.archive_reading import read_backup
from trueline.service.errors import BackupError, StartError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trueline.settings import Settings

_UNPACKED: Final = ".restoring"
"""In a data folder from when a restore begins until all has its place."""

_NEW: Final = "files"
_OLD: Final = "old"
_PLACING: Final = "placing"
"""There from when the stores that were there are touched."""

_STORES: Final = (
    archive.LEDGER,
    *(f"{archive.LEDGER}{ending}" for ending in SEALS),
    archive.CATALOG,
    f"{archive.CATALOG}-wal",
    f"{archive.CATALOG}-shm",
    archive.SECRET,
)
"""What is a store's in a data folder; the seal is of the ledger that was there, and is made anew of the other."""
_OWNER_ONLY: Final = 0o700


def restore(
    backup: Path, settings: Settings, *, replace: bool = False, copied: Callable[[int], None]
) -> archive.Manifest:
    """Make the data folder of some settings from a backup.

    The folder is as it was until all of the backup has been checked. A restore that is cut short leaves a folder
    that no server opens, and is simply done again.

    Args:
        backup: The file.
        settings: They name the data folder.
        replace: Whether stores that are there already give way; else the folder must be empty or not there.
        copied: Told how many bytes have been read, now and then.

    Raises:
        BackupError: the backup is damaged, incomplete or of a newer version, or the folder is not for it or in use.
        OSError: the folder cannot be written.
    """
    data = settings.data
    _check_settings(settings)
    if not replace and data.exists() and not _is_free(data):
        raise BackupError(f"{data} is not empty: name another folder with --data, or give --replace")
    _refuse_elsewhere(data / archive.LEDGER)
    data.mkdir(parents=True, exist_ok=True, mode=_OWNER_ONLY)
    unpacked = data / _UNPACKED
    unpacked.mkdir(exist_ok=True, mode=_OWNER_ONLY)
    with _alone(unpacked) as is_alone:
        if not is_alone:
            raise BackupError(f"another restore into {data} is under way")
        manifest = _restore(backup, settings, copied, replace=replace)
    sync(data)
    return manifest


def _restore(backup: Path, settings: Settings, copied: Callable[[int], None], *, replace: bool) -> archive.Manifest:
    data = settings.data
    unpacked = data / _UNPACKED
    placing = unpacked / _PLACING
    _remove(unpacked / _NEW)
    kept_free = 0 if replace else settings.keep_free_bytes  # what gives way makes room
    try:
        manifest = _unpack(backup, unpacked / _NEW, settings, kept_free, copied)
        with _closed(data):
            if not replace:
                _refuse_stores(data)
            placing.touch()
            sync(unpacked)
            _give_way(data, unpacked / _OLD)
            for each in sorted((unpacked / _NEW).iterdir()):
                each.rename(data / each.name)
            sync(data)
    except BaseException:
        if not placing.exists():
            shutil.rmtree(unpacked)
        raise
    placing.unlink()
    shutil.rmtree(unpacked)
    return manifest


def _refuse_stores(data: Path) -> None:
    """Refuse a folder that was free when the restore began, which takes its time, and is not any more."""
    if there := _stores_in(data):
        raise BackupError(f"{data / there[0]} was made meanwhile: give --replace to have it give way")


def _give_way(data: Path, old: Path) -> None:
    """Have the stores of a folder give way, all of them or none."""
    _remove(old)
    old.mkdir(mode=_OWNER_ONLY)
    moved: list[str] = []
    try:
        for name in _stores_in(data):
            (data / name).rename(old / name)
            moved.append(name)
    except OSError as error:  # as of a file that is mounted
        for name in moved:
            (old / name).rename(data / name)
        (old.parent / _PLACING).unlink()
        raise BackupError(f"{error.filename} cannot give way: {error.strerror}") from error


def _stores_in(data: Path) -> list[str]:
    return [name for name in _STORES if (data / name).exists() or (data / name).is_symlink()]


@contextmanager
def _alone(unpacked: Path) -> Iterator[bool]:
    """Whether nobody else restores into a folder, nor begins to meanwhile."""
    descriptor = os.open(unpacked, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def refuse_unfinished(settings: Settings) -> None:
    """Refuse to open a data folder that a restore has not finished; what one left that changed nothing goes.

    Raises:
        StartError: it is one.
    """
    unpacked = settings.data / _UNPACKED
    if (unpacked / _PLACING).exists():
        raise StartError(f"a restore into {settings.data} was cut short: do it again, with --replace")
    with suppress(FileNotFoundError), _alone(unpacked) as is_alone:
        if is_alone:  # else it is not finished yet, and finds the folder open when it is
            shutil.rmtree(unpacked)


def _check_settings(settings: Settings) -> None:
    if settings.ledger_dsn or settings.catalog_dsn:
        raise BackupError("a backup is restored into a data folder: leave TRUELINE_LEDGER_DSN and _CATALOG_DSN unset")


def _is_free(data: Path) -> bool:
    """Whether nothing is in a folder, or nothing but what a restore left that had not begun to place anything."""
    return all(each.name == _UNPACKED for each in data.iterdir()) and not (data / _UNPACKED / _PLACING).exists()


def _refuse_elsewhere(ledger: Path) -> None:
    """Refuse a folder whose ledger is on another disk: what is restored would not get there."""
    if ledger.is_symlink() or ledger.is_mount():
        raise BackupError(
            f"{ledger} is a link or a disk of its own: "
            "name another folder with --data, and put what is restored there in its place"
        )


def _unpack(
    backup: Path, new: Path, settings: Settings, kept_free: int, copied: Callable[[int], None]
) -> archive.Manifest:
    def fits(manifest: archive.Manifest) -> None:
        _check_versions(backup, manifest)
        if manifest.ledger_database != settings.ledger_database:
            raise BackupError(
                f"the ledger of {backup} is named {manifest.ledger_database!r}: "
                f"set TRUELINE_LEDGER_DATABASE={manifest.ledger_database}"
            )
        needed = sum(each.bytes for each in manifest.files)
        free = shutil.disk_usage(new).free
        if needed + kept_free > free:
            kept = f", and {kept_free:,} are kept so" if kept_free else ""
            raise BackupError(
                f"{settings.data} has no room for {backup}: it needs {needed:,} bytes, {free:,} are free{kept}"
            )

    new.mkdir(mode=_OWNER_ONLY)
    (new / archive.LEDGER).mkdir(mode=_OWNER_ONLY)  # what is in it is nobody else's either
    manifest = read_backup(backup, copied, new, fits)
    os.sync()
    return manifest


def _check_versions(backup: Path, manifest: archive.Manifest) -> None:
    known = max(migrations.schema_files())
    if manifest.ledger_schema > known or manifest.catalog_schema not in catalog_schema.known():
        raise BackupError(
            f"{backup} was made by a newer Trueline, {manifest.trueline}: its ledger has schema "
            f"{manifest.ledger_schema}, its catalog {manifest.catalog_schema}, this Trueline knows them up to {known} "
            f"and {catalog_schema.newest_known()}; install that version to restore it"
        )


@contextmanager
def _closed(data: Path) -> Iterator[None]:
    with ExitStack() as closed:
        try:
            closed.enter_context(kept_closed(data / archive.LEDGER))
        except LedgerInUseError as error:
            raise BackupError(f"{error}: stop it first") from error
        yield


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
