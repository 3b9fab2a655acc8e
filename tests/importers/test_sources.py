"""Files, gzipped files and members of zips."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from trueline.importers.errors import SourceError
from trueline.importers.sources import find_sources


def archive(path: Path) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("week/mon.csv", "a\n1\n")
        made.writestr("week/tue.csv", "a\n2\n")
        made.writestr("notes.csv.gz", gzip.compress(b"a\n3\n"))
        made.writestr("__MACOSX/week/._mon.csv", "x")
    return str(path)


def content(name: str) -> list[bytes]:
    read = []
    for source in find_sources([name]):
        with source.open() as opened:
            read.append(opened.stream.read())
            assert opened.position() == source.size
    return read


def test_plain_and_gzipped(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a\n1\n")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"a\n2\n") + gzip.compress(b"3\n"))
    assert content(str(tmp_path / "a.csv")) == [b"a\n1\n"]
    assert content(str(tmp_path / "b.csv.gz")) == [b"a\n2\n3\n"]


def test_all_members_of_a_zip(tmp_path: Path) -> None:
    name = archive(tmp_path / "a.zip")
    assert [source.row_name for source in find_sources([name])] == [
        "week:mon.csv",
        "week:tue.csv",
        "notes.csv.gz",
    ]
    with find_sources([name])[2].open() as opened:
        assert opened.stream.read() == b"a\n3\n"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("week/tue.csv", [b"a\n2\n"]), ("week/*", [b"a\n1\n", b"a\n2\n"]), ("*mon*", [b"a\n1\n"])],
)
def test_members_by_name_or_pattern(tmp_path: Path, pattern: str, expected: list[bytes]) -> None:
    assert content(f"{archive(tmp_path / 'a.zip')}:{pattern}") == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing.csv", "nothing.csv is not there"),
        (".", "is a folder"),
        ("a.zip:week/mn.csv", r"no member 'week/mn.csv'; did you mean 'week/mon.csv'\?"),
        ("empty.zip", "has no member"),
        ("broken.zip", "cannot be read"),
        ("alerts.xyz", "cannot be told by its name"),
    ],
)
def test_what_cannot_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    archive(Path("a.zip"))
    zipfile.ZipFile("empty.zip", "w").close()
    Path("broken.zip").write_bytes(b"PK no")
    Path("alerts.xyz").write_bytes(b"")
    with pytest.raises(SourceError, match=message):
        find_sources([name])


def test_a_truncated_gzip_breaks_off_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a\n" * 1000)[:-12])
    with pytest.raises(SourceError, match=r"a\.csv\.gz cannot be read"):
        content(str(tmp_path / "a.csv.gz"))


def test_a_damaged_member_breaks_off_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("a.csv", "a\n1234567\n")
    path.write_bytes(path.read_bytes().replace(b"1234567", b"7654321"))
    with pytest.raises(SourceError, match="CRC"):
        content(str(path))
