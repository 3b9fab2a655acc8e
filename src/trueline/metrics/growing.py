"""Columns in memory that grow: numbers of rows that are added, and small codes for texts that keep coming back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


class Rows:
    """Arrays that grow together, one element a row; each answers to its name."""

    def __init__(self, **kinds: type[np.generic]) -> None:
        self._arrays: dict[str, NDArray[Any]] = {name: np.empty(64, kind) for name, kind in kinds.items()}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A view: what is set in it is set in the rows."""
        return self._arrays[name][: self._size]

    def append(self, size: int, **columns: NDArray[Any] | int) -> None:
        """Add so many rows; a number stands for a column that is the same in all."""
        needed = self._size + size
        for name, array in self._arrays.items():
            if needed > len(array):
                grown = np.empty(max(needed, 2 * len(array)), array.dtype)
                grown[: self._size] = array[: self._size]
                self._arrays[name] = grown
            self._arrays[name][self._size : needed] = columns[name]
        self._size = needed


class Codes:
    """Small integers for few different texts, in the order of their first appearance."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._codes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.texts)

    def of(self, column: pa.Array) -> NDArray[np.int64]:
        """The code of each text."""
        encoded = column.dictionary_encode()
        codes = np.array([self._code(text) for text in encoded.dictionary.to_pylist()], np.int64)
        return codes[encoded.indices.to_numpy()] if len(codes) else np.empty(0, np.int64)

    def _code(self, text: str) -> int:
        code = self._codes.setdefault(text, len(self.texts))
        if code == len(self.texts):
            self.texts.append(text)
        return code
