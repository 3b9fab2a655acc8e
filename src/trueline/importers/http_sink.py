"""Into a running server, by its bulk route."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx
import msgspec

from trueline.importers.errors import SinkError
from trueline.importers.pipeline import Answer, RejectedLine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trueline.service.lines import EventRow

_ATTEMPTS: Final = 8
_LONGEST_WAIT: Final = 60.0
_PATIENCE: Final = 600.0
"""Seconds that one batch waits in all for a server to which more is sent than it can write; that is no failure."""
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class _RejectedLine(msgspec.Struct):
    line: int
    error: str


class _BulkAnswer(msgspec.Struct):
    accepted: int
    replaced: int
    rejected: list[_RejectedLine]


class _Refusal(msgspec.Struct):
    error: str


class HttpSink:
    """Posts one batch after the other; what fails for the moment is sent again, which changes nothing."""

    max_lines: Final = 9_999

    def __init__(self, client: httpx.Client, job: int, sleep: Callable[[float], None] = time.sleep) -> None:
        """``client`` knows the server's address and the key."""
        self._client = client
        self._path = f"/api/v2/jobs/{job}/events/bulk"
        self._sleep = sleep

    @property
    def prepare(self) -> Callable[[Sequence[bytes | EventRow]], list[bytes]]:
        """The lines as they are: the server reads them."""
        return _as_bytes

    def commit(self, prepared: list[bytes]) -> Answer:
        """Post the lines; where the server finds them too many or too large, half of them at a time.

        Raises:
            SinkError: The server refuses, stays busy, or cannot be reached.
        """
        response = self._post(b"\n".join(prepared) + b"\n")
        if response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            if len(prepared) == 1:
                return Answer(0, 0, [RejectedLine(1, "the line is too large for the server", prepared[0])])
            half = len(prepared) // 2
            return _joined(self.commit(prepared[:half]), self.commit(prepared[half:]), half)
        if response.status_code != HTTPStatus.OK:
            raise SinkError(refusal(response))
        try:
            answer = msgspec.json.decode(response.content, type=_BulkAnswer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise SinkError(f"{response.url} does not answer as a Trueline server does: {error}") from error
        rejected = [RejectedLine(each.line, each.error, prepared[each.line - 1]) for each in answer.rejected]
        return Answer(answer.accepted, answer.replaced, rejected)

    def _post(self, content: bytes) -> httpx.Response:
        attempts_left, told_to_wait = _ATTEMPTS, 0.0
        for attempt in itertools.count():
            wait = min(2.0**attempt, _LONGEST_WAIT)
            attempts_left -= 1
            try:
                response = self._client.post(
                    self._path, content=content, headers={"Content-Type": "application/x-ndjson"}
                )
            except httpx.TransportError as error:
                if not attempts_left:
                    reason = str(error) or type(error).__name__
                    raise SinkError(f"{self._client.base_url} cannot be reached: {reason}") from error
            else:
                if response.status_code not in _BUSY or not attempts_left:
                    return response
                wait = min(_retry_after(response) or wait, _LONGEST_WAIT)
                if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                    told_to_wait += wait
                    attempts_left += told_to_wait < _PATIENCE
            self._sleep(wait)
        raise AssertionError  # pragma: no cover - the last attempt returns or raises


def _as_bytes(lines: Sequence[bytes | EventRow]) -> list[bytes]:
    return [bytes(line) for line in lines]


def refusal(response: httpx.Response) -> str:
    """Why a server refused, in one sentence."""
    where = f"{response.request.method} {response.request.url.path}"
    try:
        reason = msgspec.json.decode(response.content, type=_Refusal).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        reason = _details(response)
    return f"the server refused {where} with {response.status_code}: {reason}"


def _details(response: httpx.Response) -> str:
    """The messages of a 422, else the reason phrase."""
    try:
        found = response.json()["detail"]
        return "; ".join(f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in found)
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase or "no reason given"


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds to wait, given as such or as a date."""
    text = response.headers.get("Retry-After", "")
    try:
        if text.isdecimal():
            return float(text)
        return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _joined(first: Answer, second: Answer, shift: int) -> Answer:
    return Answer(
        first.accepted + second.accepted,
        first.replaced + second.replaced,
        first.rejected + [replace(each, line=each.line + shift) for each in second.rejected],
    )
