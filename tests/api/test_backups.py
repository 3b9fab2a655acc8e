"""The route of backups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trueline.service import stillness
from trueline.service.archive_reading import read_backup
from trueline.service.keys import KNOWN_SCOPES

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from trueline.service.workspace import Workspace

PATH = "/api/v2/backup"


def leftovers(workspace: Workspace) -> list[Path]:
    return list((workspace.settings.data / "ledger" / "shadow").glob("trueline*"))


def test_a_backup_is_whole_as_long_as_announced_and_leaves_nothing_behind(
    client: httpx.Client, workspace: Workspace, tmp_path: Path
) -> None:
    answer = client.post(PATH)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/x-tar")
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    (tmp_path / "backup.tar").write_bytes(answer.content)
    manifest = read_backup(tmp_path / "backup.tar", lambda _: None)
    assert manifest.secret
    assert {"catalog.sqlite3", "secret", "ledger/metadata/trueline.sql"} < {each.path for each in manifest.files}
    assert not leftovers(workspace)


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_it_is_posted(method: str, client: httpx.Client) -> None:
    assert client.request(method, PATH).status_code == 405


def test_it_needs_its_scope_for_all_jobs(anonymous: httpx.Client, workspace: Workspace) -> None:
    others = [scope for scope in KNOWN_SCOPES if scope != "admin:backup"]
    for key in (
        workspace.access.create("all but this", others),
        workspace.access.create("for one job", ["admin:backup"], jobs=[1]),
    ):
        answer = anonymous.post(PATH, headers={"X-Arcanna-Api-Key": key})
        assert (answer.status_code, answer.json()) == (403, {"error": "The key lacks the scope admin:backup"})
    assert anonymous.post(PATH).status_code == 401


def test_a_write_without_end_is_told_of(
    client: httpx.Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PATIENCE": 0.01, "LAST_PATIENCE": 0.05, "ATTEMPTS": 2}.items():
        monkeypatch.setattr(stillness, name, value)
    with workspace._writing.stillness.broken():  # noqa: SLF001
        answer = client.post(PATH)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["error"].startswith("no moment came without a write under way")
    assert not leftovers(workspace)
    assert client.post(PATH).status_code == 200


def test_one_at_a_time_and_one_that_nobody_reads_to_the_end_is_let_go(
    client: httpx.Client, workspace: Workspace
) -> None:
    with workspace.backups.take():
        answer = client.post(PATH)
        assert (answer.status_code, answer.json()) == (409, {"error": "another backup is being made"})
        assert len(leftovers(workspace)) == 1
    assert not leftovers(workspace)
    with client.stream("POST", PATH) as unread:
        assert unread.status_code == 200
    assert client.get("/healthz").status_code == 200
    assert client.post(PATH).status_code in {200, 409}  # as soon as the server knows of it
