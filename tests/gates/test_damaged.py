"""Damaged stores: right or refused, and the gate would tell if one were silently wrong."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import damaged
from damaged import MADE, Store, damage_and_compare
from gate import BrokenError

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

ROUNDS = 6


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Store]]:
    """Each of them, by how it was made."""
    folder = tmp_path_factory.mktemp("stores")
    with contextlib.ExitStack() as stack:
        yield {how: stack.enter_context(Store.made(folder / how, how)) for how in MADE}


def test_a_damaged_store_is_right_or_refused_by_name(
    stores: dict[str, Store], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    came = damage_and_compare(list(stores.values()), tmp_path, ROUNDS, seed=1)
    assert sum(came.right.values()) + sum(came.refused.values()) == ROUNDS
    assert sum(came.refused.values()) > 0
    with capsys.disabled():
        print(f"\ndamaged: {came}")  # noqa: T201 - the figure of the gate


def test_what_is_in_no_seal_yet_is_refused_by_name_too(stores: dict[str, Store], tmp_path: Path) -> None:
    store = stores["killed at once"]
    refusals = {
        "data.bin": "its files are not those that were written",
        "columns_substreams.txt": "the engine put it aside as broken",
        "../format_version.txt": "the engine does not open it",
    }
    for damaged_file, refusal in refusals.items():
        with store.copied(tmp_path / "copy") as folder:
            part = next(part.parent for part in sorted((folder / "ledger/store").glob("*/*/all_*/by_subject.proj")))
            file = (part / damaged_file).resolve()
            content = bytearray(file.read_bytes())
            content[-1] ^= 1
            file.write_bytes(content)
            refused = store.probe.ask(folder)["refused"]
            assert str(file if file.name == "format_version.txt" else part.resolve()) in refused
            assert refusal in refused
            assert "trueline restore" in refused


def test_projections_that_were_lost_with_the_power_before_they_were_sealed_are_done_without(
    stores: dict[str, Store], tmp_path: Path
) -> None:
    store = stores["killed at once"]
    with store.copied(tmp_path / "copy") as folder:
        cut = [file for file in (folder / "ledger/store").glob("*/*/all_*/*.proj/*") if file.is_file()]
        for file in cut:
            file.write_bytes(b"")
        assert len(cut) > 20
        assert store.probe.ask(folder) == store.good


AGAIN = """
import json, sys
from pathlib import Path
from trueline.service.workspace import Workspace
from trueline.settings import Settings

with Workspace.open(Settings(data=Path(sys.argv[1]), bulk_readers=0)) as opened:
    job = opened.jobs.titled("event")
    taken = getattr(opened, sys.argv[2]).bulk(job, [sys.argv[3].encode()])
    assert (taken.accepted, taken.rejected) == (1, []), taken
"""
OTHERWISE = {
    "events": {
        "event_id": "e0-3",
        "timestamp": "2025-01-01T00:03:00Z",
        "raw_body": {"n": 3, "host": {"name": "x3"}, "seen": ["0", 3 / 7 + 1e-9]},
    },
    "report": {"event_id": "e0-3", "analyst": "eve", "label": "B"},
}
"""What is written so that the numbers stay, and the question that tells it."""


@pytest.mark.parametrize("question", ["events", "report", "models"])
def test_what_no_number_tells_is_noticed_too(question: str, stores: dict[str, Store], tmp_path: Path) -> None:
    """A document, a vote that agrees with all others, what a model was registered by."""
    store = stores["closed"]
    with store.copied(tmp_path / "copy") as copy:
        if question == "models":
            _register_otherwise(copy / "catalog.sqlite3")
        else:
            service = "ingest" if question == "events" else "feedback"
            line = json.dumps(OTHERWISE[question])
            subprocess.run([sys.executable, "-c", AGAIN, str(copy), service, line], check=True)
        said = store.probe.ask(copy)
        assert all(said[name] == store.good[name] for name in store.good if name[2:].isdigit())
        assert said[f"1 {question}"] != store.good[f"1 {question}"]
        with pytest.raises(BrokenError, match="SILENTLY WRONG"):
            damaged.is_refused(said, store.good, copy / "secret", copy, "changed")


def _register_otherwise(catalog: Path) -> None:
    with closing(sqlite3.connect(catalog)) as opened, opened:
        opened.execute("UPDATE models SET request_digest = 'x'")
        opened.execute("PRAGMA user_version = 0")  # where the checksum is


@pytest.mark.parametrize(
    "said",
    [{"refused": "x"}, {"raised": "x"}, {"key": False}, {"key": True, "1 events": {"refused": "x"}}],
)
def test_a_good_store_that_does_not_answer_is_nothing_to_compare_with(said: dict[str, object]) -> None:
    with pytest.raises(BrokenError, match="the store does not"):
        damaged.check_whole(said, "the store")
    damaged.check_whole({"key": True, "1 events": {"total": 1}}, "the store")


def test_a_store_that_opens_with_less_is_noticed(
    stores: dict[str, Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one without a seal, whose catalog has its labels in another order."""

    def relabel(file: Path, _: random.Random) -> tuple[str, str]:
        catalog = next(parent for parent in file.parents if (parent / "catalog.sqlite3").exists()) / "catalog.sqlite3"
        content = catalog.read_bytes().replace(b'["A", "B", "C"]', b'["B", "A", "C"]')
        catalog.write_bytes(content[:60] + bytes(4) + content[64:])  # where the checksum is
        return "relabelled", "relabelled"

    monkeypatch.setattr(damaged, "damage", relabel)
    with pytest.raises(BrokenError, match="SILENTLY WRONG"):
        damage_and_compare(list(stores.values()), tmp_path, 1, seed=1)
