"""The seal over the files of an embedded store."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from trueline.ledger.errors import LedgerDamagedError, LedgerTooNewError
from trueline.ledger.seal import SEALS, Seal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PART = "store/abc/table/all_1_1_0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger's folder as the engine leaves one, sealed."""
    made = tmp_path / "ledger"
    files = {f"{PART}/data.bin": b"values", f"{PART}/count.txt": b"12", "store/db/votes.sql": b"ATTACH TABLE votes"}
    (made / "metadata").mkdir(parents=True)
    (made / "metadata" / "trueline").symlink_to(made / "store" / "db")
    for name, content in files.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(content)
    (tmp_path / "secret").write_text("s" * 64)
    sealed(made).close()
    return made


def sealed(folder: Path) -> Seal:
    seal = Seal(folder)
    seal.open(7)
    seal.keep()
    return seal


def killed(seal: Seal) -> None:
    """Let go of it without a word, as a process does that is killed."""
    seal._ended.set()  # noqa: SLF001 - so that its thread ends


def test_what_was_written_opens_as_often_as_one_likes(folder: Path) -> None:
    for _ in range(2):
        sealed(folder).close()


@pytest.mark.parametrize(
    "name",
    [
        f"{PART}/tmp_count.txt",  # noqa: S108 - no folder for what is temporary
        f"{PART}/count.txt.tmp",
        "store/abc/table/tmp_insert_all_2_2_0/data.bin",
        "store/abc/table/delete_tmp_all_1_1_0/count.txt",
        "store/abc/table/detached/all_3_3_0/count.txt",
    ],
)
def test_what_is_not_of_the_store_yet_or_no_more_is_not_sealed(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"passing")
    for seal in folder.parent.glob("ledger.*seal"):  # as of a store that was never sealed
        seal.unlink()
    sealed(folder).close()
    (folder / name).unlink()
    sealed(folder).close()


def test_a_link_is_not_sealed_and_what_is_in_a_folder_that_ends_as_a_draft_does_is(folder: Path) -> None:
    (folder / PART / "link.txt").symlink_to(folder / PART / "count.txt")
    draft = folder / "store" / "abc" / "table.tmp"
    draft.mkdir()
    (draft / "count.txt").write_bytes(b"12")
    sealed(folder).close()
    (folder / PART / "link.txt").unlink()
    sealed(folder).close()
    (draft / "count.txt").unlink()
    with pytest.raises(LedgerDamagedError, match=r"table\.tmp/count\.txt"):
        Seal(folder).open(7)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (f"{PART}/count.txt", lambda _: b"13"),
        (f"{PART}/data.bin", lambda content: content[:-1]),
        ("store/db/votes.sql", lambda _: b""),
        ("store/db/votes.sql", lambda content: content.replace(b"votes", b"vote5")),
        ("../secret", lambda content: b"t" + content[1:]),
        ("../ledger.seal", lambda content: content[:-9]),
        ("../ledger.seal", lambda content: content.replace(b"all_1_1_0", b"all_1_1_1")),
        ("../ledger.seal", lambda _: b""),
        ("../ledger.definitions.seal", lambda content: content.replace(b"votes", b"vote5")),
        ("../ledger.definitions.seal", lambda _: b""),
    ],
)
def test_a_file_that_is_another_one_is_named(folder: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    file = folder / name
    file.write_bytes(damage(file.read_bytes()))
    before = (folder.parent / "ledger.seal").read_bytes()
    with pytest.raises(LedgerDamagedError, match=f"{file.name} is damaged.*trueline restore"):
        Seal(folder).open(7)
    assert (folder.parent / "ledger.seal").read_bytes() == before


def test_what_is_missing_is_named_unless_it_was_merged_before_a_kill(folder: Path) -> None:
    killed(sealed(folder))
    (folder / PART / "data.bin").unlink()
    with pytest.raises(LedgerDamagedError, match=r"data\.bin is damaged: it is missing"):
        Seal(folder).open(7)
    shutil.rmtree(folder / PART)
    sealed(folder).close()
    (folder / "store/db/votes.sql").unlink()
    with pytest.raises(LedgerDamagedError, match=r"votes\.sql is damaged: it is missing"):
        Seal(folder).open(7)


def test_a_definition_that_was_being_changed_is_taken_as_it_is(folder: Path) -> None:
    seal = sealed(folder)
    change = seal.changing()
    change.__enter__()  # and never left
    (folder / "store/db/votes.sql").write_text("ATTACH TABLE votes (note String)")
    killed(seal)
    sealed(folder).close()


def test_what_a_definition_was_changed_to_is_sealed_at_once(folder: Path) -> None:
    seal = sealed(folder)
    with seal.changing():
        (folder / "store/db/votes.sql").write_text("ATTACH TABLE votes (note String)")
        (folder / "store/db/more.sql").write_text("ATTACH TABLE more")
    killed(seal)
    (folder / "store/db/more.sql").write_text("")
    with pytest.raises(LedgerDamagedError, match=r"more\.sql is damaged: it has 0 bytes"):
        Seal(folder).open(7)
    (folder / "store/db/more.sql").write_text("ATTACH TABLE more")
    (folder / "store/db/votes.sql").write_text("ATTACH TABLE votes")
    with pytest.raises(LedgerDamagedError, match=r"votes\.sql is damaged"):
        Seal(folder).open(7)


def test_a_file_that_is_being_written_as_its_table_is_made_is_sealed_once_it_is_written(folder: Path) -> None:
    seal = sealed(folder)
    made = (folder / PART).parent / "format_version.txt"
    with seal.changing():
        made.write_bytes(b"")
        assert not seal.renew()
        made.write_bytes(b"1")
    assert seal.renew()
    killed(seal)
    sealed(folder).close()
    made.write_bytes(b"")
    with pytest.raises(LedgerDamagedError, match="it has 0 bytes instead of 1"):
        sealed(folder)


def test_what_the_engine_does_not_sync_is_on_disk_before_it_is_sealed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    projection = folder / PART / "by_subject.proj"
    projection.mkdir()
    files = [projection / "count.txt", projection / "data.bin"]
    for file in files:
        file.write_bytes(b"12")
    synced: list[Path] = []

    def noted(file: Path) -> None:
        if file.is_relative_to(folder.parent):  # and not of the store of other tests, which is open meanwhile
            synced.append(file)

    monkeypatch.setattr("trueline.ledger.seal.sync", noted)
    for renewed, expected in ((files, {folder.parent, projection, *files}), ([], {folder.parent})):
        with monkeypatch.context() as patched:
            patched.setattr(Seal, "_synced", lambda _: set())  # as of what is written after it was asked
            killed(sealed(folder))
        assert (b"by_subject.proj" in (folder.parent / "ledger.seal").read_bytes()) == (not renewed)
        sealed(folder).close()
        assert set(synced) == expected
        assert b"by_subject.proj/count.txt" in (folder.parent / "ledger.seal").read_bytes()
        synced.clear()


def test_a_newer_schema_is_refused_and_nothing_written(folder: Path) -> None:
    seal = sealed(folder)
    seal.note_version(8)
    seal.close()
    before = (folder.parent / "ledger.seal").read_bytes()
    with pytest.raises(LedgerTooNewError, match="schema version 8, this Trueline knows versions up to 7"):
        Seal(folder).open(7)
    assert (folder.parent / "ledger.seal").read_bytes() == before


def test_a_part_that_was_put_aside_is_noticed_at_every_start(folder: Path) -> None:
    killed(sealed(folder))
    (folder / "store/abc/table/detached/broken_all_2_2_0").mkdir(parents=True)
    put_aside = (
        "/store/abc/table/all_2_2_0 is damaged: the engine put it aside as broken, as "
        "store/abc/table/detached/broken_all_2_2_0"
    )
    for _ in range(2):
        with pytest.raises(LedgerDamagedError, match=put_aside):
            Seal(folder).open(7)


def test_parts_in_no_seal_are_told_where_the_store_was_not_closed(folder: Path) -> None:
    seal = sealed(folder)
    written = folder / PART.replace("all_1_1_0", "all_2_2_0_7")
    (written / "by_subject.proj").mkdir(parents=True)
    (written / "by_subject.proj/count.txt").write_text("1")
    killed(seal)
    opened = sealed(folder)
    assert opened.unsealed == {str(written.relative_to(folder))}
    killed(opened)
    opened = sealed(folder)
    assert opened.unsealed == set()
    opened.close()
    assert sealed(folder).unsealed == set()


def test_a_change_that_fails_is_over(folder: Path) -> None:
    seal = sealed(folder)
    with pytest.raises(ValueError, match="refused"), seal.changing():
        raise ValueError("refused")
    with seal.changing():
        pass
    killed(seal)
    (folder / "store/db/votes.sql").write_text("")
    with pytest.raises(LedgerDamagedError, match=r"votes\.sql is damaged"):
        Seal(folder).open(7)


def test_a_copy_is_held_against_the_seal_of_the_original(folder: Path, tmp_path: Path) -> None:
    seal = sealed(folder)
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, symlinks=True)
    (copy / "store/abc/table/all_9_9_0").mkdir()  # in no seal yet
    (copy / "store/abc/table/all_9_9_0/count.txt").write_bytes(b"1")
    (copy / "store/db/votes.sql").write_bytes(b"as it is now")
    seal.check_copy(copy)
    (copy / PART / "count.txt").write_bytes(b"13")
    with pytest.raises(LedgerDamagedError, match=rf"{folder}/{PART}/count.txt is damaged: its bytes"):
        seal.check_copy(copy)
    (copy / PART / "count.txt").write_bytes(b"12")
    (copy / PART / "data.bin").write_bytes(b"value")
    with pytest.raises(LedgerDamagedError, match="it has 5 bytes instead of 6"):
        seal.check_copy(copy)
    (copy / PART / "data.bin").write_bytes(b"values")
    (tmp_path / "secret").write_text("t" * 64)
    with pytest.raises(LedgerDamagedError, match="secret is damaged"):
        seal.check_copy(copy)
    killed(seal)


def test_all_parts_are_in_no_seal_where_there_is_none(folder: Path) -> None:
    for ending in SEALS:
        folder.with_name(f"ledger{ending}").unlink()
    seal = Seal(folder)
    seal.open(7)
    assert seal.unsealed == {PART}
