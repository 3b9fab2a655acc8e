"""Damaged stores: right or refused, and the gate would tell if one were silently wrong."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

import damaged
from damaged import Probe, damage_and_compare, make
from gate import BrokenError

if TYPE_CHECKING:
    import random
    from pathlib import Path

ROUNDS = 6


def test_a_damaged_store_is_right_or_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    came = damage_and_compare(tmp_path, ROUNDS, seed=1)
    assert sum(came.right.values()) + sum(came.refused.values()) == ROUNDS
    assert sum(came.refused.values()) > 0
    with capsys.disabled():
        print(f"\ndamaged: {came}")  # noqa: T201 - the figure of the gate


def test_what_is_in_no_seal_yet_is_refused_by_name_too(tmp_path: Path) -> None:
    probe = Probe(make(tmp_path / "made", "killed at once"))
    refusals = {
        "data.bin": "its files are not those that were written",
        "columns_substreams.txt": "the engine put it aside as broken",
        "../format_version.txt": "the engine does not open it",
    }
    try:
        for damaged_file, refusal in refusals.items():
            folder = tmp_path / "copy"
            shutil.copytree(tmp_path / "made", folder, symlinks=True)
            part = next(part.parent for part in sorted((folder / "ledger/store").glob("*/*/all_*/by_subject.proj")))
            file = (part / damaged_file).resolve()
            content = bytearray(file.read_bytes())
            content[-1] ^= 1
            file.write_bytes(content)
            refused = probe.ask(folder)["refused"]
            assert str(file if file.name == "format_version.txt" else part.resolve()) in refused
            assert refusal in refused
            assert "trueline restore" in refused
            shutil.rmtree(folder)
    finally:
        probe.close()


def test_projections_that_were_lost_with_the_power_before_they_were_sealed_are_done_without(tmp_path: Path) -> None:
    probe = Probe(make(tmp_path / "made", "killed at once"))
    try:
        shutil.copytree(tmp_path / "made", tmp_path / "good", symlinks=True)
        good = probe.ask(tmp_path / "good")
        cut = [file for file in (tmp_path / "made/ledger/store").glob("*/*/all_*/*.proj/*") if file.is_file()]
        for file in cut:
            file.write_bytes(b"")
        assert len(cut) > 20
        assert probe.ask(tmp_path / "made") == good
        assert {"refused", "raised"}.isdisjoint(good)
    finally:
        probe.close()


def test_a_store_that_opens_with_less_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one without a seal, whose catalog has its labels in another order."""

    def relabel(file: Path, _: random.Random) -> tuple[str, str]:
        catalog = next(parent for parent in file.parents if (parent / "catalog.sqlite3").exists()) / "catalog.sqlite3"
        content = catalog.read_bytes().replace(b'["A", "B", "C"]', b'["B", "A", "C"]')
        catalog.write_bytes(content[:60] + bytes(4) + content[64:])  # where the checksum is
        return "relabelled", "relabelled"

    monkeypatch.setattr(damaged, "damage", relabel)
    with pytest.raises(BrokenError, match="SILENTLY WRONG"):
        damage_and_compare(tmp_path, 1, seed=1)
