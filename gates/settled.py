"""An oracle for many questions about what does not change any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oracle import Oracle

if TYPE_CHECKING:
    from oracle import Decision


class Settled(Oracle):
    """To whom nothing more is told, so that what follows from it need not be worked out again for each question."""

    def settle(self) -> None:
        """Remember what is asked from now on."""
        self._decisions: dict[str, list[Decision]] = {}
        self._consensus: dict[str, tuple[str | None, int]] = {}

    def decisions_on(self, event_id: str) -> list[Decision]:
        if not hasattr(self, "_decisions"):
            return super().decisions_on(event_id)
        if event_id not in self._decisions:
            self._decisions[event_id] = super().decisions_on(event_id)
        return self._decisions[event_id]

    def consensus(self, subject: str, until: int | None = None) -> tuple[str | None, int]:
        if not hasattr(self, "_consensus") or until is not None:
            return super().consensus(subject, until)
        if subject not in self._consensus:
            self._consensus[subject] = super().consensus(subject)
        return self._consensus[subject]
