"""What people would use instead, each loaded with the same stream and asked the same questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from questions import Answer, Question
    from stream import Grouping, Stream


class Asked(Protocol):
    """One way to have the numbers of a job; it says itself how long they took, in seconds."""

    title: str

    def ask(self, question: Question) -> tuple[Answer, float]:
        """Answer, all scores worked out as its user would have them."""

    def vote(self, label: str) -> float:
        """Take in one analyst's vote on `Stream.left_out`; it is in the next answer."""


class Contender(Asked, Protocol):
    """One that takes in the events once, and then the votes of either grouping."""

    def load(self, stream: Stream) -> None:
        """Take in every event, with what the questions ask for of its document.

        Raises:
            AbsentError: it is not installed here.
        """

    def weigh(self, stream: Stream, grouping: Grouping) -> None:
        """Take in the votes of a grouping, weighed already, in the place of any it had."""

    def close(self) -> None:
        """Leave nothing behind: no process, no folder."""


class AbsentError(Exception):
    """A contender is not installed here; the message says what is missing."""
