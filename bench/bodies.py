"""The stream as what a client posts, made before any clock starts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from stream import LABELS, MODELS, bucket_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stream import Block, Grouping, Stream, StreamVote

MOST_LINES: Final = 10_000
"""Of one request, by the server's default."""


def write_bodies(stream: Stream, folder: Path) -> list[Path]:
    """Write the body of each bulk request into a file of its own; about 850 bytes an event."""
    folder.mkdir()
    paths: list[Path] = []
    for block in stream.blocks():
        lines = list(_event_lines(block))
        for first in range(0, len(lines), MOST_LINES):
            path = folder / f"{len(paths):06d}.ndjson"
            path.write_text("".join(lines[first : first + MOST_LINES]), encoding="ascii")
            paths.append(path)
    return paths


def vote_bodies(stream: Stream, grouping: Grouping, votes: list[StreamVote]) -> Iterator[bytes]:
    """The body of each bulk request for these votes."""
    for first in range(0, len(votes), MOST_LINES):
        yield b"".join(
            vote_line(stream, grouping, vote.subject, vote.analyst, vote.label)
            for vote in votes[first : first + MOST_LINES]
        )


def vote_line(stream: Stream, grouping: Grouping, subject: int, analyst: str, label: str) -> bytes:
    """One line of such a body."""
    named = {"event_id": stream.event_id(subject)} if grouping == "event" else {"bucket_id": bucket_id(subject)}
    return json.dumps({**named, "analyst": analyst, "label": label}).encode() + b"\n"


def single_bodies(stream: Stream, job_id: int) -> list[bytes]:
    """The body of ``POST /api/v1/events`` for each event."""
    return [
        b'{"job_id":%d,"raw_body":%s}' % (job_id, document.encode())
        for block in stream.blocks()
        for document in block.document
    ]


def _event_lines(block: Block) -> Iterator[str]:
    moments = block.micros.astype("datetime64[us]").astype(str).tolist()
    numbers = (block.bucket.tolist(), block.decision.tolist(), block.confidence.tolist(), block.model.tolist())
    for event_id, moment, document, bucket, decision, confidence, model in zip(
        block.event_id, moments, block.document, *numbers, strict=True
    ):
        yield (
            f'{{"event_id":"{event_id}","timestamp":"{moment}Z","bucket_id":"{bucket_id(bucket)}",'
            f'"decision":{{"label":"{LABELS[decision]}","confidence":{confidence},"model_id":"{MODELS[model]}",'
            f'"decided_at":"{moment}Z"}},"raw_body":{document}}}\n'
        )
