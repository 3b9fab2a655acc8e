"""A set of keys says of every key that is in it that it is, however the keys came."""

from __future__ import annotations

import numpy as np
import pytest

from trueline.ledger import key_set
from trueline.ledger.key_set import KeySet

SPREAD = np.random.default_rng(5)
FEW_SHELVES = 2**46
"""Keys below it stand on four."""
EDGES = np.array([0, 1, 4_095, 4_096, 2**44 - 1, 2**44, 2**63, 2**64 - 4_096, 2**64 - 1], np.uint64)


def spread(size: int, below: int = 2**64) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return SPREAD.integers(0, below, size, dtype=np.uint64)


@pytest.fixture(params=[0, 50, 10_000])
def few_apart(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that keys are put in their places each time that some are added, every few times, or never."""
    monkeypatch.setattr(key_set, "_FEWEST_APART", request.param)
    monkeypatch.setattr(key_set, "_SHARE_APART", 2**32)


@pytest.mark.usefixtures("few_apart")
@pytest.mark.parametrize("begun_with", [0, 1, 3])
@pytest.mark.parametrize("below", [FEW_SHELVES, 2**64])
@pytest.mark.parametrize("told", [0, 300, 600])
def test_what_is_in_is_found_and_of_the_rest_nothing(begun_with: int, below: int, told: int) -> None:
    first = np.sort(np.concatenate([spread(500, below), EDGES[: 2 * begun_with]]))
    keys = KeySet(np.array_split(first, begun_with), told) if begun_with else KeySet()
    there = set(first.tolist()) if begun_with else set[int]()
    for _ in range(30):
        more = np.concatenate([spread(20, below), SPREAD.choice(EDGES, 2), SPREAD.choice(first, 2)])
        keys.add(more)
        there.update(more.tolist())
        asked = np.concatenate([spread(50, below), EDGES, first, more])
        found = dict(zip(asked.tolist(), keys.have(asked).tolist(), strict=True))
        assert all(found[key] for key in found.keys() & there)
        alike = {key >> 12 for key in there}  # what differs in the last bits alone may be one to it
        assert not any(found[key] for key in found if key >> 12 not in alike)


@pytest.mark.usefixtures("few_apart")
def test_what_is_added_again_takes_no_more_room() -> None:
    keys, same = KeySet(), spread(100)
    for _ in range(5):
        keys.add(same)
    assert len(keys) == 100


def test_four_bytes_a_key_beside_the_shelves() -> None:
    empty = KeySet().nbytes
    keys = KeySet([np.sort(spread(100_000))], 100_000)
    assert keys.nbytes == empty + 400_000
    keys.add(spread(60_000))
    assert keys.nbytes == empty + 400_000 + 480_000 <= KeySet.most_bytes(100_000)
    keys.add(spread(20_000))
    assert keys.nbytes == empty + 4 * 180_000 <= KeySet.most_bytes(180_000)


def test_one_that_finds_no_memory_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_set, "_FEWEST_APART", 0)
    first = np.sort(spread(500, FEW_SHELVES))
    keys = KeySet([first], len(first))

    def failing(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(key_set, "_on_shelf", failing)
        with pytest.raises(MemoryError):
            keys.add(spread(200, FEW_SHELVES))
    assert keys.have(first).all()


def test_nothing_is_in_one_without_keys() -> None:
    assert not KeySet().have(EDGES).any()
    assert KeySet().have(EDGES[:0]).tolist() == []
