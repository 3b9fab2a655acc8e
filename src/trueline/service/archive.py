"""The form of a backup: one tar file with a list of what is in it first, the files, and their checksums last."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
CHECKSUMS: Final = "checksums.json"
LEDGER: Final = "ledger"
CATALOG: Final = "catalog.sqlite3"
SECRET: Final = "secret"  # noqa: S105 - the name of its file
CHUNK: Final = 1024 * 1024

_END: Final = bytes(2 * tarfile.BLOCKSIZE)
_OWNER_ONLY: Final = 0o600
_CHECKSUM_LENGTH: Final = 64


class FileRecord(msgspec.Struct, frozen=True):
    """A file of a backup."""

    path: str
    """From the data folder on."""
    bytes: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is of."""

    format: int
    trueline: str
    """Version of the Trueline that made it."""
    engine: str
    """Version of the ledger's engine."""
    ledger_schema: int
    ledger_database: str
    catalog_schema: str
    moment: str
    """All that was acknowledged before is in it, and nothing that arrived later."""
    secret: bool
    """Whether the secret of the keys is in it; else it is the setting."""
    writes_held_seconds: float
    """How long writes had to wait for it."""
    files: list[FileRecord]

    def wrong_path(self) -> str | None:
        """The path of a file that has no place in a data folder, if there is one."""
        for each in self.files:
            parts = PurePosixPath(each.path).parts
            placed = each.path in {CATALOG, SECRET} or (len(parts) > 1 and parts[0] == LEDGER)
            if not placed or ".." in parts or str(PurePosixPath(*parts)) != each.path or "\0" in each.path:
                return each.path
        return None


def size_of(manifest: Manifest) -> int:
    """Bytes of the whole backup."""
    first = msgspec.json.encode(manifest)
    sizes = [(MANIFEST, len(first)), *((each.path, each.bytes) for each in manifest.files)]
    checksums = msgspec.json.encode({path: "0" * _CHECKSUM_LENGTH for path, _ in sizes})
    sizes.append((CHECKSUMS, len(checksums)))
    return sum(len(_head(path, size)) + size + len(_padding(size)) for path, size in sizes) + len(_END)


def chunks_of(manifest: Manifest, files: Mapping[str, Path]) -> Iterator[bytes]:
    """The backup in pieces of `CHUNK` bytes and somewhat more; `files` says where each file of the manifest is.

    Raises:
        OSError: a file cannot be read, or has not the size that it had.
    """
    gathered: list[bytes] = []
    size = 0
    for piece in _pieces(manifest, files):  # most files are small, and each piece sent costs its turn
        gathered.append(piece)
        size += len(piece)
        if size >= CHUNK:
            yield b"".join(gathered)
            gathered.clear()
            size = 0
    if gathered:  # whoever has all bytes takes it for the end: nothing empty may follow
        yield b"".join(gathered)


def _pieces(manifest: Manifest, files: Mapping[str, Path]) -> Iterator[bytes]:
    first = msgspec.json.encode(manifest)
    checksums = {MANIFEST: hashlib.sha256(first).hexdigest()}
    yield _head(MANIFEST, len(first)) + first + _padding(len(first))
    for each in manifest.files:
        yield _head(each.path, each.bytes)
        checksum = hashlib.sha256()
        left = each.bytes
        with files[each.path].open("rb") as stream:
            while chunk := stream.read(min(CHUNK, left)):
                checksum.update(chunk)
                left -= len(chunk)
                yield chunk
        if left:
            raise OSError(f"{each.path} became shorter while it was copied")
        checksums[each.path] = checksum.hexdigest()
        yield _padding(each.bytes)
    last = msgspec.json.encode(checksums)
    yield _head(CHECKSUMS, len(last)) + last + _padding(len(last)) + _END


def _head(path: str, size: int) -> bytes:
    head = tarfile.TarInfo(path)
    head.size, head.mode = size, _OWNER_ONLY
    return head.tobuf(tarfile.PAX_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)
