"""Files that are to stay: synced, and given a name when complete."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_NO_SECOND_NAMES: Final = {errno.EPERM, errno.ENOTSUP, errno.EXDEV, errno.EMLINK, errno.ENOSYS}
"""What filesystems without hard links answer, or out of them."""


def sync(path: Path) -> None:
    """Have the disk know a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def place(draft: Path, file: Path) -> None:
    """Give a file a name in the same folder, at once and as a whole; `draft` may be left, and is then the same file.

    Raises:
        FileExistsError: there is a file of that name, which is left as it is.
    """
    try:
        os.link(draft, file)  # unlike a renaming it replaces nothing
    except OSError as error:
        if error.errno not in _NO_SECOND_NAMES:
            raise
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            draft.replace(file)  # the empty one, which nobody else can have made
        except OSError:
            file.unlink()
            raise
