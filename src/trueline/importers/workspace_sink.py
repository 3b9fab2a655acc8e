"""Into the stores themselves, where no server runs on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from trueline.importers.pipeline import Answer, RejectedLine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trueline.catalog.records import Job
    from trueline.service.ingest import Ingest
    from trueline.service.lines import EventRow
    from trueline.service.prepared import PreparedEvents


@dataclass(frozen=True, slots=True)
class PreparedBatch:
    """Lines read and checked."""

    events: PreparedEvents
    rejected: dict[int, bytes]
    """The lines that were not taken, by their place, from 1: all that is kept of the lines themselves."""


class WorkspaceSink:
    """Commits to the stores of this process: no network, and batches of its own size."""

    max_lines: Final = 25_000

    def __init__(self, ingest: Ingest, job: Job) -> None:
        self._ingest = ingest
        self._prepare = ingest.preparer(job)

    @property
    def prepare(self) -> Callable[[Sequence[bytes | EventRow]], PreparedBatch]:
        """Read and check the lines."""
        return partial(_prepared, self._prepare)

    def commit(self, prepared: PreparedBatch) -> Answer:
        """Write them, durably."""
        answer = self._ingest.commit(prepared.events)
        rejected = [RejectedLine(each.line, each.error, prepared.rejected.get(each.line)) for each in answer.rejected]
        return Answer(answer.accepted, answer.replaced, rejected)


def _prepared(
    prepare: Callable[[Sequence[bytes | EventRow]], PreparedEvents], lines: Sequence[bytes | EventRow]
) -> PreparedBatch:
    events = prepare(lines)
    return PreparedBatch(events, {each.line: bytes(lines[each.line - 1]) for each in events.rejected})
