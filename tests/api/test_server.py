"""The server around the app."""

from __future__ import annotations

import errno
import io

from trueline.api.server import Unfailing


class Full(io.StringIO):
    """A file on a disk that has no room."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_on_a_full_disk_loses_lines_and_fails_nobody() -> None:
    print("a line", file=Unfailing(Full()), flush=True)


def test_a_log_with_room_has_its_lines() -> None:
    stream = io.StringIO()
    print("a line", file=Unfailing(stream), flush=True)
    assert stream.getvalue() == "a line\n"
