"""The files of an import: plain, gzipped, or members of a zip."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, cast

from trueline.importers.columns import near_miss
from trueline.importers.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trueline.importers.mapping import Format

_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_BUFFER = 1 << 18
_ENCRYPTED = 0x1
DAMAGED = (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError)
"""What reading a damaged or vanished file raises."""


@dataclass(slots=True)
class Opened:
    """A source while it is read: its unpacked bytes, and how far the reading has come."""

    stream: IO[bytes]
    position: Callable[[], int]
    """Bytes read so far, of :attr:`Source.size`; a reader that knows better may put its own here."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file to import, or one member of a zip."""

    name: str
    """For people: ``alerts.zip:week/monday.csv``."""
    row_name: str
    """In the ids of rows without one: ``monday.csv``; of a zip's member ``week:monday.csv``, for ids stand in
    the paths of addresses, where a slash would divide them."""
    format: Format
    size: int
    """Bytes to read: of the file as it lies, of a zip's member unpacked."""
    path: Path
    member: str | None = None

    @contextmanager
    def open(self) -> Iterator[Opened]:
        """Open for reading.

        Raises:
            SourceError: It cannot be read, now or later within the context.
        """
        try:
            if self.member is None:
                with self.path.open("rb", buffering=0) as raw:
                    yield Opened(_unpacked(raw, self.path.name), raw.tell)
            else:
                with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as stream:
                    yield Opened(_unpacked(stream, self.member), stream.tell)
        except DAMAGED as error:
            raise SourceError(f"{self.name} cannot be read: {_reason(error)}") from error


def find_sources(files: Sequence[str], forced: Format | None = None) -> list[Source]:
    """The sources that the FILE arguments name, in their order, a zip's members in the zip's order.

    Args:
        files: Paths; ``alerts.zip`` means all members, ``alerts.zip:week/*.csv`` those that match.
        forced: Format of all of them; ``None``: told by each name.

    Raises:
        SourceError: A file is missing or damaged, no member matches, or a format cannot be told.
    """
    sources: list[Source] = []
    for file in files:
        path, pattern = _divided(file)
        if not path.is_file():
            raise SourceError(f"{path} is {'a folder, not a file' if path.is_dir() else 'not there'}")
        if path.suffix.lower() == ".zip":
            sources.extend(_members(path, pattern, forced))
        else:
            sources.append(
                Source(str(path), path.name, forced or _format(path.name, str(path)), path.stat().st_size, path)
            )
    return sources


def _divided(file: str) -> tuple[Path, str | None]:
    whole = Path(file)
    if not whole.exists():
        archive, found, pattern = file.rpartition(".zip:")
        if found:
            return Path(f"{archive}.zip"), pattern
    return whole, None


def _members(path: Path, pattern: str | None, forced: Format | None) -> list[Source]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir() and _is_content(info.filename)]
    except DAMAGED as error:
        raise SourceError(f"{path} cannot be read: {_reason(error)}") from error
    matching = [info for info in members if pattern is None or fnmatchcase(info.filename, pattern)]
    if not matching:
        if pattern is None:
            raise SourceError(f"{path} has no member")
        raise SourceError(f"{path} has no member {pattern!r}{near_miss(pattern, (info.filename for info in members))}")
    sources = []
    for info in matching:
        name = f"{path}:{info.filename}"
        if info.flag_bits & _ENCRYPTED:
            raise SourceError(f"{name} is encrypted")
        kind = forced or _format(info.filename, name)
        sources.append(Source(name, info.filename.replace("/", ":"), kind, info.file_size, path, info.filename))
    return sources


def _is_content(member: str) -> bool:
    """Not what archivers of some systems add for themselves."""
    path = PurePosixPath(member)
    return path.parts[0] != "__MACOSX" and not path.name.startswith(".")


def _format(file_name: str, name: str) -> Format:
    lowered = file_name.lower().removesuffix(".gz")
    found = _FORMATS.get(PurePosixPath(lowered).suffix)
    if found is None:
        raise SourceError(f"the format of {name} cannot be told by its name: give csv, tsv, ndjson or parquet")
    return found


def _unpacked(stream: IO[bytes], name: str) -> IO[bytes]:
    if name.lower().endswith(".gz"):
        stream = cast("IO[bytes]", gzip.GzipFile(fileobj=stream))
    return io.BufferedReader(cast("io.RawIOBase", stream), _BUFFER)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or "it ends too early"
