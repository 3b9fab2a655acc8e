"""The file of rejected rows, for whoever mends them."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import msgspec

from trueline.importers.errors import SinkError

if TYPE_CHECKING:
    from pathlib import Path


class Rejection(msgspec.Struct, frozen=True):
    """One rejected row, and a line of the file of them."""

    file: str
    line: int
    error: str
    row: object
    """What the reader could read of it: cells, text or the bulk line; null if nothing."""


class RejectedFile:
    """An NDJSON file of rejections that is made when the first one comes."""

    def __init__(self, path: Path) -> None:
        """Replaces a file at this path, but not before there is something to write."""
        self.path = path
        self._file: IO[bytes] | None = None
        self._encoder = msgspec.json.Encoder()

    def add(self, rejection: Rejection) -> None:
        """Append one line.

        Raises:
            SinkError: The file cannot be written.
        """
        try:
            if self._file is None:
                self._file = self.path.open("wb")
            self._file.write(self._encoder.encode(_encodable(rejection)) + b"\n")
        except OSError as error:
            raise SinkError(f"rejected rows cannot be written to {self.path}: {error.strerror}") from error

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()


def _encodable(rejection: Rejection) -> Rejection:
    """Bytes that were no UTF-8 are shown as question marks: JSON has no place for them."""
    row = rejection.row
    if isinstance(row, (list, tuple)):
        row = [str(cell).encode(errors="replace").decode() for cell in row]
    return Rejection(rejection.file, rejection.line, rejection.error.encode(errors="replace").decode(), row)
