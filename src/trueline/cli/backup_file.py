"""The file of a backup: under another name until it is complete, checked and on disk."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from trueline.cli.progress import shown_copying
from trueline.cli.sentences import Interrupted, Refused
from trueline.placing import place, sync
from trueline.service.archive_reading import read_backup

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trueline.cli.trueline import BackupStream
    from trueline.service.archive import Manifest

_PARTIAL: Final = ".trueline-partial"


def write_backup(stream: BackupStream, file: Path, kept_free: int = 0) -> Manifest:
    """Write a backup into a new file, which is there as a whole or not at all.

    Args:
        stream: The backup.
        file: Where there is none yet.
        kept_free: Bytes that have to be free on the disk then.

    Raises:
        Refused: no room, less came than was announced, or another backup is being written there.
        BackupError: what came is not what was sent.
        Interrupted: by Ctrl-C.
    """
    free = shutil.disk_usage(file.parent).free
    if stream.size + kept_free > free:
        kept = f", and {kept_free:,} are kept so for the ledger" if kept_free else ""
        raise Refused(
            f"{file.parent} has no room for the backup: it needs {stream.size:,} bytes, {free:,} are free{kept}"
        )
    with _partial(file) as (partial, descriptor):
        with shown_copying("backing up", stream.size) as copied:
            written = 0
            for chunk in stream.chunks:
                _write(descriptor, chunk)
                written += len(chunk)
                copied(written)
        os.fsync(descriptor)
        if written != stream.size:
            raise Refused(f"the backup broke off after {written:,} of {stream.size:,} bytes; there is none")
        with shown_copying("checking", stream.size) as copied:
            manifest = read_backup(partial, copied)
        place(partial, file)
    sync(file.parent)
    return manifest


@contextmanager
def _partial(file: Path) -> Iterator[tuple[Path, int]]:
    """An empty file to write to, gone in the end, as are those that others left behind who were killed."""
    for left in file.parent.glob(f"*{_PARTIAL}"):
        _remove_left(left)
    partial = file.with_name(file.name + _PARTIAL)
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Refused(f"another backup is being written to {file}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield partial, descriptor
    except KeyboardInterrupt as error:
        raise Interrupted("interrupted; there is no backup") from error
    finally:
        partial.unlink(missing_ok=True)
        os.close(descriptor)


def _write(descriptor: int, chunk: bytes) -> None:
    while chunk:
        chunk = chunk[os.write(descriptor, chunk) :]


def _remove_left(left: Path) -> None:
    """Remove what a backup left that was killed; one that is under way holds its file."""
    with left.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        left.unlink()
