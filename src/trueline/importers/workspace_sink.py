"""Into the stores themselves, where no server runs on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trueline.importers.pipeline import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.catalog.records import Job
    from trueline.service.ingest import Ingest
    from trueline.service.lines import EventRow
    from trueline.service.prepared import PreparedEvents


class WorkspaceSink:
    """Commits to the stores of this process: no network, and batches of its own size."""

    max_lines: Final = 25_000

    def __init__(self, ingest: Ingest, job: Job) -> None:
        self._ingest = ingest
        self._job = job

    def prepare(self, lines: Sequence[bytes | EventRow]) -> PreparedEvents:
        """Read and check the lines."""
        return self._ingest.prepare(self._job, lines)

    def commit(self, prepared: PreparedEvents) -> Answer:
        """Write them, durably."""
        answer = self._ingest.commit(prepared)
        return Answer(answer.accepted, answer.replaced, [(each.line, each.error) for each in answer.rejected])
