"""What people would use instead, each loaded with the same stream and asked the same questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from questions import Answer, Question
    from stream import Grouping, Stream


class Contender(Protocol):
    """One way to have the numbers of a job; made, loaded once, asked often, closed."""

    title: str

    def load(self, stream: Stream, grouping: Grouping) -> None:
        """Take in every event, its document and every vote; a training where there is such a thing."""

    def ask(self, question: Question) -> Answer:
        """Answer, all scores worked out as its user would have them."""

    def vote(self, analyst: str, label: str) -> None:
        """Take in a vote on `Stream.largest_bucket`; in a job grouped by event on the stream's first event."""

    def close(self) -> None:
        """Leave nothing behind: no process, no folder."""


class AbsentError(Exception):
    """A contender is not installed here; the message says what is missing."""
