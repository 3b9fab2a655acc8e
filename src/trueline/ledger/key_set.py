"""Keys that are spread evenly, as hashes are, in about four bytes each: what is in is always found to be.

A key counts as its first 52 bits: one that is not in is taken for one that is once in 2^52 divided by how many there
are, so one in 400 million where there are ten million.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_SHELF_BITS: Final = 20
"""The first bits of a key, which tell the shelf that it stands on."""
_SHELVES: Final = 1 << _SHELF_BITS
_REST: Final = np.uint64(64 - _SHELF_BITS - 32)
_SHELF: Final = np.uint64(64 - _SHELF_BITS)
_FEWEST_APART: Final = 65_536
_SHARE_APART: Final = 16


class KeySet:
    """Keys of 64 bits. Not for several threads at once."""

    def __init__(self, parts: Iterable[NDArray[np.uint64]] = (), most: int = 0) -> None:
        """With the keys of these parts, of which each has none below those of the one before.

        `most` is how many they are at the most, as far as that is known: for more of them all are moved.
        """
        rests, on_shelf, size = np.empty(most, np.uint32), np.zeros(_SHELVES, np.int64), 0
        for part in parts:
            if size + len(part) > len(rests):
                rests = np.concatenate([rests[:size], np.empty(len(part), np.uint32)])
            rests[size : size + len(part)] = _rest(np.sort(part))
            on_shelf += _on_shelf(part)
            size += len(part)
        self._rests = rests[:size]  # the next 32 bits of each key, in the order of the keys
        self._begins = np.concatenate([[0], np.cumsum(on_shelf)])  # where each shelf's begin, and where the last ends
        self._apart = np.empty(0, np.uint64)  # the latest, whole, in order: to put one in its place moves all others

    @staticmethod
    def most_bytes(size: int) -> int:
        """The memory that so many keys take at the most, but for the moments in which some are put in their places."""
        return 8 * _SHELVES + 4 * size + 8 * _most_apart(size)

    def __len__(self) -> int:
        return len(self._rests) + len(self._apart)

    @property
    def nbytes(self) -> int:
        """The memory that it takes."""
        return self._rests.nbytes + self._begins.nbytes + self._apart.nbytes

    def add(self, keys: NDArray[np.uint64]) -> None:
        """Have these keys in it from now on."""
        new = np.sort(keys[~self.have(keys)])
        self._apart = np.insert(self._apart, np.searchsorted(self._apart, new), new)
        if len(self._apart) > _most_apart(len(self._rests)):
            self._put_away()

    def have(self, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which of these are in it; of others hardly ever one, see the module."""
        rest, at = _rest(keys), self._places(keys)
        found: NDArray[np.bool_] = at < self._begins[_shelf(keys) + 1]
        found[found] = self._rests[at[found]] == rest[found]
        if len(self._apart):
            place = np.minimum(np.searchsorted(self._apart, keys), len(self._apart) - 1)
            found |= self._apart[place] == keys
        return found

    def _places(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Where the rest of each key stands, or would, on its shelf: all are looked for at once, by halves."""
        shelf, rest = _shelf(keys), _rest(keys)
        low, high = self._begins[shelf], self._begins[shelf + 1]
        while (open_ := np.flatnonzero(low < high)).size:
            middle = (low[open_] + high[open_]) // 2
            is_less = self._rests[middle] < rest[open_]
            low[open_] = np.where(is_less, middle + 1, low[open_])
            high[open_] = np.where(is_less, high[open_], middle)
        return low

    def _put_away(self) -> None:
        rests = np.insert(self._rests, self._places(self._apart), _rest(self._apart))
        begins = self._begins + np.concatenate([[0], np.cumsum(_on_shelf(self._apart))])
        # all or nothing, should there be no memory for one of them
        self._rests, self._begins, self._apart = rests, begins, np.empty(0, np.uint64)


def _most_apart(size: int) -> int:
    return _FEWEST_APART + size // _SHARE_APART


def _shelf(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    return (keys >> _SHELF).astype(np.int64)


def _on_shelf(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """How many of these keys stand on each shelf."""
    return np.bincount(_shelf(keys), minlength=_SHELVES)


def _rest(keys: NDArray[np.uint64]) -> NDArray[np.uint32]:
    return (keys >> _REST).astype(np.uint32)
