"""The stream as plain columns, of the documents only what the questions ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from stream import Stream


class _Event(msgspec.Struct):
    risk_score: float
    code: int | str


class _Destination(msgspec.Struct):
    bytes: int


class _Rule(msgspec.Struct):
    name: str


class _Process(msgspec.Struct):
    command_line: str


class _Indicator(msgspec.Struct):
    type: str


class _Threat(msgspec.Struct):
    indicator: _Indicator


class _Document(msgspec.Struct):
    event: _Event
    destination: _Destination
    rule: _Rule
    process: _Process
    threat: _Threat | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """Events one after the other in time."""

    micros: NDArray[np.int64]
    bucket: NDArray[np.int32]
    decision: NDArray[np.int8]
    """The place in `LABELS`."""
    risk_score: NDArray[np.float64]
    traffic: NDArray[np.int32]
    """Of `destination.bytes`."""
    code: list[int | str]
    rule: Any
    """An Arrow column of text, as `command_line`."""
    command_line: Any
    indicator: Any
    """Text; null where a document has none."""


def read_columns(stream: Stream) -> Columns:
    """Read the whole stream."""
    parts = list(_parts(stream))
    return Columns(
        micros=np.concatenate([part.micros for part in parts]),
        bucket=np.concatenate([part.bucket for part in parts]),
        decision=np.concatenate([part.decision for part in parts]),
        risk_score=np.concatenate([part.risk_score for part in parts]),
        traffic=np.concatenate([part.traffic for part in parts]),
        code=[code for part in parts for code in part.code],
        rule=pa.chunked_array([part.rule for part in parts]),
        command_line=pa.chunked_array([part.command_line for part in parts]),
        indicator=pa.chunked_array([part.indicator for part in parts]),
    )


def _parts(stream: Stream) -> Iterator[Columns]:
    decoder = msgspec.json.Decoder(_Document)
    codes: dict[int | str, int | str] = {}  # each of them kept once
    for block in stream.blocks():
        documents = [decoder.decode(document) for document in block.document]
        yield Columns(
            block.micros,
            block.bucket.astype(np.int32),
            block.decision.astype(np.int8),
            np.array([document.event.risk_score for document in documents]),
            np.array([document.destination.bytes for document in documents], np.int32),
            [codes.setdefault(document.event.code, document.event.code) for document in documents],
            pa.array([document.rule.name for document in documents]),
            pa.array([document.process.command_line for document in documents]),
            pa.array([document.threat and document.threat.indicator.type for document in documents], pa.string()),
        )
