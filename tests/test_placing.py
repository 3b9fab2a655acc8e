"""A file gets its name at once and takes nobody's, on filesystems without second names too."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from trueline.placing import place

if TYPE_CHECKING:
    from pathlib import Path

CODES = [None, errno.EPERM, errno.ENOTSUP, errno.EXDEV, errno.EMLINK]


@pytest.fixture(params=CODES, ids=str)
def draft(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A complete file, where the filesystem has second names or says in one of its ways that it has none."""
    if request.param is not None:
        monkeypatch.setattr(os, "link", without_second_names(request.param))
    draft = tmp_path / "draft"
    draft.write_text("complete")
    return draft


class without_second_names:  # noqa: N801 - reads as a phrase
    """What `os.link` is on such a filesystem."""

    def __init__(self, code: int = errno.EPERM) -> None:
        self._code = code

    def __call__(self, *_: object) -> None:
        raise OSError(self._code, os.strerror(self._code))


def test_it_has_the_name_and_all_its_bytes(draft: Path) -> None:
    file = draft.with_name("file")
    place(draft, file)
    draft.unlink(missing_ok=True)
    assert file.read_text() == "complete"
    assert list(draft.parent.iterdir()) == [file]


def test_a_file_that_is_there_is_left_as_it_is(draft: Path) -> None:
    file = draft.with_name("file")
    file.write_text("another's")
    with pytest.raises(FileExistsError):
        place(draft, file)
    assert (file.read_text(), draft.read_text()) == ("another's", "complete")


@pytest.mark.parametrize("draft", [errno.EPERM], indirect=True)
def test_what_cannot_be_placed_leaves_no_empty_file(draft: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(type(draft), "replace", refuse)
    with pytest.raises(PermissionError):
        place(draft, draft.with_name("file"))
    assert list(draft.parent.iterdir()) == [draft]


@pytest.mark.parametrize("draft", [None], indirect=True)
def test_other_errors_are_told(draft: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", without_second_names(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"):
        place(draft, draft.with_name("file"))
