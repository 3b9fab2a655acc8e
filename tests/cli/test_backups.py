"""Backups and restores, as commands."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cli.terminal import Terminal
from processes import served
from trueline.service.errors import BackupError
from trueline.service.restoring import restore
from trueline.settings import Settings

if TYPE_CHECKING:
    from cli.terminal import Serving

ROWS = "id,verdict,found\n" + "".join(f"{number},Drop,Escalate\n" for number in range(100))


def fill(terminal: Terminal) -> None:
    terminal.write("a.csv", ROWS)
    mapped = ("--id", "id", "--decision", "verdict", "--truth", "found")
    assert terminal.run("import", "a.csv", "--job", "j", "--create", "--labels", "Drop,Escalate", *mapped).code == 0
    assert terminal.run("jobs", "train", "j").code == 0


def metrics(terminal: Terminal, data: str) -> object:
    ended = terminal.run("metrics", "j", "--json", "--data", data)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A folder with data in `data` and a backup of it in `b.tar`."""
    terminal = Terminal(tmp_path_factory.mktemp("backed up"))
    fill(terminal)
    ended = terminal.run("backup", "b.tar")
    assert ended.code == 0, ended.err
    assert "b.tar: " in ended.out
    assert "all there was at 20" in ended.out
    return terminal


def test_what_is_restored_gives_the_same_numbers_and_is_for_its_owner_only(backed_up: Terminal) -> None:
    folder = backed_up.folder
    assert backed_up.run("restore", "b.tar", "--data", "again").code == 0
    assert metrics(backed_up, "again") == metrics(backed_up, "data")
    assert (folder / "again" / "secret").read_bytes() == (folder / "data" / "secret").read_bytes()
    modes = {each.name: each.stat().st_mode & 0o777 for each in [folder / "b.tar", *(folder / "again").iterdir()]}
    assert {modes[name] for name in ("b.tar", "secret", "catalog.sqlite3")} == {0o600}
    assert modes["ledger"] == 0o700
    assert not list((folder / "data" / "ledger" / "shadow").glob("trueline*"))
    assert not list(folder.glob("*partial*"))


DAMAGE_AND_BACK_UP = """
from pathlib import Path
from trueline.cli.backup_file import write_backup
from trueline.cli.trueline import BackupStream
from trueline.ledger.errors import LedgerDamagedError
from trueline.service.workspace import Workspace
from trueline.settings import Settings
with Workspace.open(Settings(data=Path("DATA"))) as opened:
    job = opened.jobs.create(title="damaged", labels=["A", "B"])
    opened.ingest.bulk(job, [b'{"event_id": "e", "raw_body": {}, "decision": {"label": "A"}}'])
    assert opened._ledger.engine._files.seal.renew()
    ((part,),) = opened._ledger.engine.rows("SELECT path FROM system.parts WHERE table = 'events_1' AND active")
    damaged = Path(part) / "FILE"
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    try:
        with opened.backups.take() as backup:
            write_backup(BackupStream(backup.size, backup.chunks()), Path("of damaged.tar"))
            print("made")
    except LedgerDamagedError as error:
        print(error)
"""


def test_a_target_that_is_there_or_has_no_folder_is_refused(backed_up: Terminal) -> None:
    before = (backed_up.folder / "b.tar").read_bytes()
    assert backed_up.run("backup", "b.tar").err == "trueline: b.tar is there already\n"
    assert backed_up.run("backup", "none/b.tar").err == "trueline: there is no folder none\n"
    assert (backed_up.folder / "b.tar").read_bytes() == before


def test_a_folder_with_something_in_it_gives_way_only_when_told_to(backed_up: Terminal) -> None:
    (backed_up.folder / "full").mkdir()
    (backed_up.folder / "full" / "notes").write_text("mine")
    refused = backed_up.run("restore", "b.tar", "--data", "full")
    assert (refused.code, refused.err) == (
        1,
        "trueline: full is not empty: name another folder with --data, or give --replace\n",
    )
    assert [each.name for each in (backed_up.folder / "full").iterdir()] == ["notes"]
    assert backed_up.run("restore", "b.tar", "--data", "full", "--replace").code == 0
    assert metrics(backed_up, "full") == metrics(backed_up, "data")
    assert (backed_up.folder / "full" / "notes").read_text() == "mine"


def test_a_ledger_that_is_elsewhere_does_not_give_way(backed_up: Terminal) -> None:
    folder = backed_up.folder
    shutil.copytree(folder / "data", folder / "linked", symlinks=True)
    (folder / "linked" / "ledger").rename(folder / "elsewhere")
    (folder / "linked" / "ledger").symlink_to(folder / "elsewhere")
    before = sorted((folder / "elsewhere").rglob("*"))
    refused = backed_up.run("restore", "b.tar", "--data", "linked", "--replace")
    assert refused.code == 1
    assert "linked/ledger is a link or a disk of its own" in refused.err
    assert sorted((folder / "elsewhere").rglob("*")) == before
    assert metrics(backed_up, "linked") == metrics(backed_up, "data")


def test_a_restore_leaves_free_what_a_server_keeps_so(backed_up: Terminal) -> None:
    # what is free grows while other tests delete: all of the disk is never free
    more = str(shutil.disk_usage(backed_up.folder).total)
    refused = backed_up.run("restore", "b.tar", "--data", "too large", TRUELINE_KEEP_FREE_BYTES=more)
    assert refused.code == 1
    assert re.search(
        r"has no room for b.tar: it needs [\d,]+ bytes, [\d,]+ are free, and [\d,]+ are kept so", refused.err
    )
    assert not list((backed_up.folder / "too large").iterdir())


def test_all_gives_way_or_nothing(backed_up: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(backed_up.folder / "data", tmp_path / "data", symlinks=True)
    before = sorted(str(each) for each in (tmp_path / "data").rglob("*"))
    rename = Path.rename

    def refuse_of_the_secret(path: Path, target: Path) -> Path:
        if path.name == "secret":
            raise OSError(errno.EBUSY, "Device or resource busy", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse_of_the_secret)
    with pytest.raises(BackupError, match="data/secret cannot give way: Device or resource busy"):
        restore(backed_up.folder / "b.tar", Settings(data=tmp_path / "data"), replace=True, copied=lambda _: None)
    assert sorted(str(each) for each in (tmp_path / "data").rglob("*")) == before


def test_a_folder_that_was_free_when_the_restore_began_gives_way_only_when_told_to(
    backed_up: Terminal, tmp_path: Path
) -> None:
    catalog = tmp_path / "data" / "catalog.sqlite3"

    def make_meanwhile(_: int) -> None:
        catalog.write_bytes(b"of a server")

    with pytest.raises(BackupError, match=r"catalog\.sqlite3 was made meanwhile"):
        restore(backed_up.folder / "b.tar", Settings(data=tmp_path / "data"), copied=make_meanwhile)
    assert catalog.read_bytes() == b"of a server"
    assert [each.name for each in catalog.parent.iterdir()] == [catalog.name]


@pytest.mark.parametrize(
    ("file", "is_of_values"), [("columns.txt", False), ("data.bin", True)], ids=["of a part", "of its values"]
)
def test_what_has_become_damaged_is_no_backup_or_is_not_opened_after(
    backed_up: Terminal, file: str, is_of_values: bool
) -> None:
    folder = backed_up.folder
    data = f"damaged {is_of_values}"
    script = DAMAGE_AND_BACK_UP.replace("DATA", data).replace("FILE", file)
    ended = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    if not is_of_values:
        assert f"/{file} is damaged: its bytes are not those that were written" in ended.stdout
        return
    assert ended.stdout == "made\n", ended.stderr
    assert backed_up.run("restore", "of damaged.tar", "--data", "restored").code == 0
    refused = backed_up.run("jobs", "list", "--data", "restored")
    assert refused.code == 1
    assert "its files are not those that were written" in refused.err


def test_a_damaged_backup_changes_nothing(backed_up: Terminal) -> None:
    folder = backed_up.folder
    shutil.copytree(folder / "data", folder / "kept", symlinks=True)
    whole = (folder / "b.tar").read_bytes()
    place = whole.index(b"SQLite format 3")
    (folder / "damaged.tar").write_bytes(whole[:place] + b"sQLite" + whole[place + 6 :])
    refused = backed_up.run("restore", "damaged.tar", "--data", "kept", "--replace")
    expected = "trueline: damaged.tar is damaged or incomplete at catalog.sqlite3: its checksum is another\n"
    assert (refused.code, refused.err) == (1, expected)
    (folder / "short.tar").write_bytes(whole[: len(whole) // 2])
    refused = backed_up.run("restore", "short.tar", "--data", "kept", "--replace")
    assert refused.err.startswith("trueline: short.tar is damaged or incomplete at ")
    assert sorted(each.name for each in (folder / "kept").iterdir()) == sorted(
        each.name for each in (folder / "data").iterdir()
    )
    assert metrics(backed_up, "kept") == metrics(backed_up, "data")


def test_a_restore_that_was_cut_short_is_not_opened_and_is_done_again(backed_up: Terminal) -> None:
    folder = backed_up.folder / "cut"
    (folder / ".restoring" / "files").mkdir(parents=True)
    (folder / ".restoring" / "placing").touch()
    (folder / "ledger").mkdir()
    refused = backed_up.run("jobs", "list", "--data", "cut")
    assert (refused.code, refused.err) == (
        1,
        "trueline: a restore into cut was cut short: do it again, with --replace\n",
    )
    assert "is not empty" in backed_up.run("restore", "b.tar", "--data", "cut").err
    assert backed_up.run("restore", "b.tar", "--data", "cut", "--replace").code == 0
    assert metrics(backed_up, "cut") == metrics(backed_up, "data")


def test_what_a_killed_restore_left_that_had_placed_nothing_goes_unless_one_is_under_way(backed_up: Terminal) -> None:
    folder = backed_up.folder / "left"
    shutil.copytree(backed_up.folder / "data", folder, symlinks=True)
    restoring = folder / ".restoring"
    (restoring / "files").mkdir(parents=True)
    (restoring / "files" / "secret").write_text("of a backup")
    descriptor = os.open(restoring, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        refused = backed_up.run("restore", "b.tar", "--data", "left", "--replace")
        assert (refused.code, refused.err) == (1, "trueline: another restore into left is under way\n")
        assert metrics(backed_up, "left") == metrics(backed_up, "data")
        assert restoring.exists()
    finally:
        os.close(descriptor)
    assert metrics(backed_up, "left") == metrics(backed_up, "data")
    assert not restoring.exists()


def test_what_a_killed_backup_left_is_taken_away_at_the_next_start_and_by_the_next_backup(backed_up: Terminal) -> None:
    folder = backed_up.folder
    left = folder / "data" / "ledger" / "shadow" / "trueline_backup_0"
    left.mkdir(parents=True)
    (folder / "old.tar.trueline-partial").write_bytes(b"half")
    assert "damaged" in backed_up.run("restore", "old.tar.trueline-partial", "--data", "half").err
    assert backed_up.run("jobs", "list").code == 0
    assert not left.exists()
    assert backed_up.run("backup", "next.tar").code == 0
    assert not list(folder.glob("*partial*"))


def test_stores_on_servers_have_their_own_tools(backed_up: Terminal) -> None:
    refused = backed_up.run("restore", "b.tar", "--data", "r", TRUELINE_CATALOG_DSN="sqlite:///x.sqlite3")
    assert "is restored into a data folder" in refused.err
    refused = backed_up.run("backup", "c.tar", "--data", "new", TRUELINE_CATALOG_DSN="sqlite:///x.sqlite3")
    assert (refused.code, "has tools of its own" in refused.err) == (1, True)
    assert not (backed_up.folder / "c.tar").exists()


def test_a_newer_store_is_refused_before_anything_is_written(backed_up: Terminal) -> None:
    folder = backed_up.folder
    shutil.copytree(folder / "data", folder / "newer", symlinks=True)
    assert backed_up.run("backup", "older.tar", "--data", "newer").code == 0
    with tarfile.open(folder / "older.tar") as older, tarfile.open(folder / "newer.tar", "w") as newer:
        for member in older:
            content = (older.extractfile(member) or io.BytesIO()).read()
            content = re.sub(rb'"ledger_schema":\d+', b'"ledger_schema":9999', content)
            member.size = len(content)
            newer.addfile(member, io.BytesIO(content))
    refused = backed_up.run("restore", "newer.tar", "--data", "not made")
    assert "was made by a newer Trueline" in refused.err
    assert "its ledger has schema 9999" in refused.err
    assert not list((folder / "not made").iterdir())


def test_through_a_server_into_a_folder_with_keys_that_go_on_working(serving: Serving) -> None:
    terminal = serving.terminal
    terminal.write("a.csv", ROWS)
    mapped = ("--id", "id", "--decision", "verdict", "--truth", "found")
    assert serving.run("import", "a.csv", "--job", "j", "--create", "--labels", "Drop,Escalate", *mapped).code == 0
    (terminal.folder / "backups").mkdir()
    ended = serving.run("backup", "backups")
    assert ended.code == 0, ended.err
    (file,) = (terminal.folder / "backups").iterdir()
    assert file.name.startswith("trueline-20")
    assert "to work through that server, give --key" in terminal.run("backup", "local.tar").err
    in_use = terminal.run("restore", str(file), "--replace")
    assert (in_use.code, "most likely a running server, has data/ledger open: stop it first" in in_use.err) == (1, True)
    other = Terminal(terminal.folder / "other")
    other.folder.mkdir()
    assert other.run("restore", str(file)).code == 0
    with served(other.folder / "data") as (address, _):
        asking = ("metrics", "j", "--json", "--server", address, "--key", serving.key)
        assert json.loads(other.run(*asking).out) == json.loads(serving.run("metrics", "j", "--json").out)


def test_a_key_without_the_scope_backs_nothing_up(serving: Serving) -> None:
    key = serving.terminal.run("keys", "create", "most").out.strip()
    ended = serving.terminal.run("backup", "no.tar", "--server", serving.address, "--key", key)
    assert ended.code == 1
    assert "403: The key lacks the scope admin:backup" in ended.err
    assert not list(serving.terminal.folder.glob("no.tar*"))


def test_a_second_server_on_the_folder_is_refused(serving: Serving) -> None:
    ended = serving.terminal.run("serve", "--port", "0")
    assert (ended.code, ended.err) == (
        1,
        "trueline: another process, most likely a running server, has data/ledger open\n",
    )


def test_the_catalog_in_a_backup_is_a_database_of_its_own(backed_up: Terminal) -> None:
    assert backed_up.run("restore", "b.tar", "--data", "looked at").code == 0
    with closing(sqlite3.connect(backed_up.folder / "looked at" / "catalog.sqlite3")) as catalog:
        assert catalog.execute("SELECT title FROM jobs").fetchall() == [("j",)]
        assert catalog.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
