"""Which rows pass a filter, told from what is kept of them at a path: the number of what stands there, or a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_FEW: Final = 6
"""Ranges of numbers that are compared with one after the other; more are looked up."""


class Passing(Protocol):
    """Tells which rows pass."""

    share: float
    """About how much passes, from 0 to 1, of the different numbers or of all rows: the least is asked about first."""

    def __len__(self) -> int:
        """How many numbers it knows of; 0 where rows have values themselves."""

    def met(self, codes: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether each of these rows passes."""


class PassingNumbers:
    """Of rows with numbers, by comparing where those that pass lie in few ranges, which is several times faster."""

    def __init__(self, passing: NDArray[np.bool_]) -> None:
        """`passing` says of each number whether it passes."""
        self.passing = passing
        edges = np.flatnonzero(np.diff(passing, prepend=False, append=False))
        self._ranges: list[list[int]] | None = None if len(edges) > 2 * _FEW else edges.reshape(-1, 2).tolist()
        self.share = float(passing.mean()) if len(passing) else 0.0

    def __len__(self) -> int:
        return len(self.passing)

    def met(self, codes: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
        """Whether each of these passes."""
        if self._ranges is None:
            if len(codes) and codes.max() >= len(self.passing):
                raise IndexError("a row has a number that is not known whether it passes")
            # arrow's look-up takes small numbers as they are, and half the time of numpy's or less; that its own look
            # at the bounds takes half of that again is why there is one above
            passing = pa.array(self.passing.view(np.uint8))
            looked_up: NDArray[np.uint8] = pc.take(passing, pa.array(codes), boundscheck=False).to_numpy()
            return looked_up.view(np.bool_)
        highest, number = np.iinfo(codes.dtype).max, codes.dtype.type
        found: NDArray[np.bool_] | None = None
        for begin, end in self._ranges:
            if begin > highest:
                continue
            last = min(end - 1, highest)
            if begin == last:
                met = codes == number(begin)
            elif begin == 0:
                met = codes <= number(last)
            else:  # a number below the range wraps around to beyond it
                met = codes - number(begin) <= number(last - begin)
            found = met if found is None else np.logical_or(found, met, out=found)
        return np.zeros(len(codes), np.bool_) if found is None else found


class PassingValues:
    """Of rows with values, NaN where nothing stands."""

    def __init__(self, met: Callable[[NDArray[np.floating]], NDArray[np.bool_]], share: float) -> None:
        """`met` says of each value whether it passes; `share` is as in `Passing`."""
        self._met = met
        self.share = share

    def __len__(self) -> int:
        return 0

    def met(self, codes: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether each of these passes."""
        # rows that no value was set of yet have zeros as all new rows do
        return self._met(codes if codes.dtype.kind == "f" else np.full(len(codes), np.nan, np.float32))
