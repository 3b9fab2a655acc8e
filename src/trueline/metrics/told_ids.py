"""Ids of events that were looked up once and are kept until they may be others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOMENTS: Final = 100_000
"""That ids are kept of."""


class ToldIds:
    """The ids of decided events by the key of their subject and their moment, for several purposes."""

    def __init__(self) -> None:
        self._ids: dict[tuple[int, int], dict[str, list[str]]] = {}

    def __len__(self) -> int:
        """The moments that any are kept of."""
        return len(self._ids)

    def of(self, moments: Iterable[tuple[int, int]], wrong_for: str = "") -> dict[tuple[int, int], list[str]]:
        """The ids at these moments, as far as they were kept."""
        known = {moment: self._ids[moment] for moment in moments if moment in self._ids}
        return {moment: ids[wrong_for] for moment, ids in known.items() if wrong_for in ids}

    def keep(self, ids: dict[tuple[int, int], list[str]], wrong_for: str = "") -> None:
        """Keep the ids of all decided events of subjects at some moments; or of those not decided as a label."""
        if len(self._ids) + len(ids) > _MOMENTS:
            self._ids.clear()
        for moment, names in ids.items():
            self._ids.setdefault(moment, {})[wrong_for] = names

    def forget(self, moments: Iterable[tuple[int, int]]) -> None:
        """An event of that subject and moment came or went."""
        for moment in moments:
            self._ids.pop(moment, None)
