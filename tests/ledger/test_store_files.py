"""The folder of an embedded store: the parts that were there are those that the engine loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trueline.ledger.errors import LedgerDamagedError
from trueline.ledger.store_files import StoreFiles

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("there", "loaded"),
    [
        (["all_1_1_0", "all_2_2_0"], ["all_1_1_0", "all_2_2_0"]),
        (["all_1_1_0", "all_2_2_0", "all_1_2_1"], ["all_1_2_1"]),  # merged
        (["all_1_1_0", "all_1_1_0_2"], ["all_1_1_0_2"]),  # rewritten without what was deleted
        (["all_1_1_0", "all_2_2_0", "all_1_2_1_3"], ["all_1_2_1_3"]),
    ],
)
def test_what_the_engine_has_put_something_else_for_need_not_be_loaded(
    there: list[str], loaded: list[str], tmp_path: Path
) -> None:
    opened(tmp_path, there).check_parts(f"{tmp_path}/store/abc/table/{name}/" for name in loaded)


@pytest.mark.parametrize(
    ("there", "loaded", "missing"),
    [
        (["all_1_1_0", "all_2_2_0"], ["all_2_2_0"], "all_1_1_0"),
        (["all_1_1_0_2", "all_2_2_0_2"], ["all_1_1_0_2"], "all_2_2_0_2"),
        (["all_1_2_1", "all_3_3_0"], ["all_1_2_1"], "all_3_3_0"),
    ],
)
def test_a_part_that_the_engine_goes_on_without_is_noticed(
    there: list[str], loaded: list[str], missing: str, tmp_path: Path
) -> None:
    with pytest.raises(LedgerDamagedError, match=f"{missing} is damaged: the engine does not load it"):
        opened(tmp_path, there).check_parts(f"{tmp_path}/store/abc/table/{name}/" for name in loaded)


def opened(folder: Path, parts: list[str]) -> StoreFiles:
    for name in parts:
        (folder / "store" / "abc" / "table" / name).mkdir(parents=True)
    files = StoreFiles(folder, 0)
    files.open()
    return files
