"""Reading a backup: every part must be there, in its place, as it was written."""

from __future__ import annotations

import hashlib
import os
import tarfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import msgspec

from trueline.service import archive
from trueline.service.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def read_backup(
    backup: Path,
    copied: Callable[[int], None],
    into: Path | None = None,
    fits: Callable[[archive.Manifest], None] | None = None,
) -> archive.Manifest:
    """Read a backup through and say what it is of.

    Args:
        backup: The file.
        copied: Told how many bytes have been read, now and then.
        into: A folder that gets its files, readable by their owner only; None: they are only checked.
        fits: Called before the files are read; may refuse.

    Raises:
        BackupError: it is damaged or incomplete; the sentence names the backup and the part of it.
        OSError: it cannot be read, or the folder not be written.
    """
    try:
        with tarfile.open(backup, "r:") as tar:
            reading = _Reading(backup, tar, copied)
            manifest = reading.manifest()
            if fits is not None:
                fits(manifest)
            for each in manifest.files:
                if into is None:
                    reading.file(each, None)
                else:
                    with _new_file(into / each.path) as stream:
                        reading.file(each, stream)
            reading.compare_checksums()
            return manifest
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{backup} is damaged, or no backup of Trueline: {error}") from error


class _Reading:
    """A backup that is read, part by part."""

    def __init__(self, backup: Path, tar: tarfile.TarFile, copied: Callable[[int], None]) -> None:
        self._backup = backup
        self._tar = tar
        self._copied = copied
        self._checksums: dict[str, str] = {}

    def manifest(self) -> archive.Manifest:
        """The list of what is in it, which comes first."""
        try:
            found = msgspec.json.decode(self._whole(archive.MANIFEST), type=archive.Manifest)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._damaged(archive.MANIFEST, str(error)) from error
        if found.format != archive.FORMAT:
            raise BackupError(
                f"{self._backup} has the form {found.format}, this Trueline reads {archive.FORMAT}: "
                f"it was made by Trueline {found.trueline}"
            )
        if (path := found.wrong_path()) is not None:
            raise self._damaged(archive.MANIFEST, f"{path!r} has no place in a data folder")
        return found

    def file(self, record: archive.FileRecord, target: IO[bytes] | None) -> None:
        """The next file; written to a target, if there is one."""
        checksum = hashlib.sha256()
        for chunk in self._next(record.path, record.bytes):
            checksum.update(chunk)
            if target is not None:
                target.write(chunk)
            self._copied(self._tar.fileobj.tell() if self._tar.fileobj is not None else 0)
        self._checksums[record.path] = checksum.hexdigest()

    def compare_checksums(self) -> None:
        """Hold what was read against the checksums, which come last."""
        checksums = dict(self._checksums)
        try:
            written = msgspec.json.decode(self._whole(archive.CHECKSUMS), type=dict[str, str])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._damaged(archive.CHECKSUMS, str(error)) from error
        for path, checksum in checksums.items():
            if written.pop(path, None) != checksum:
                raise self._damaged(path, "its checksum is another")
        if written:
            raise self._damaged(min(written), "it is not there")

    def _whole(self, path: str) -> bytes:
        content = b"".join(self._next(path, None))
        self._checksums[path] = hashlib.sha256(content).hexdigest()
        return content

    def _next(self, path: str, size: int | None) -> Iterator[bytes]:
        try:
            member = self._tar.next()
        except (tarfile.TarError, ValueError, OverflowError) as error:
            raise self._damaged(path, str(error)) from error
        if member is None:
            raise self._damaged(path, "the backup ends before it")
        if member.name != path or not member.isreg():
            raise self._damaged(path, f"{member.name!r} stands in its place")
        if size is not None and member.size != size:
            raise self._damaged(path, f"it has {member.size:,} bytes instead of {size:,}")
        stream = self._tar.extractfile(member)
        left = member.size
        try:
            while stream is not None and (chunk := stream.read(min(archive.CHUNK, left))):
                left -= len(chunk)
                yield chunk
        except tarfile.TarError as error:
            raise self._damaged(path, str(error)) from error
        if left:
            raise self._damaged(path, "the backup ends within it")

    def _damaged(self, path: str, how: str) -> BackupError:
        return BackupError(f"{self._backup} is damaged or incomplete at {path}: {how}")


@contextmanager
def _new_file(file: Path) -> Iterator[IO[bytes]]:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        yield stream
