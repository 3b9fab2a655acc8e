"""Asking a server over HTTP, with as little of a client's own time in what is measured as can be."""

from __future__ import annotations

import contextlib
import http.client
import json
import select
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from processes import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

_SECONDS: Final = 300


class Caller:
    """A client with a key: the standard library's, one connection a thread, kept alive."""

    def __init__(self, address: str, key: str) -> None:
        self.netloc = urlsplit(address).netloc
        self._headers = {"X-Arcanna-Api-Key": key}
        self._local = threading.local()
        self._connections: list[http.client.HTTPConnection] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()

    def get(self, path: str) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        return self._answered("GET", path, None, {})

    def post(
        self,
        path: str,
        body: bytes | object = b"",
        *,
        query: Mapping[str, str] | None = None,
        kind: str = "application/json",
        expected: int = HTTPStatus.OK,
    ) -> dict[str, Any]:
        """Post bytes as they are, anything else as JSON, and return the answer.

        Raises:
            CommandError: it is not of the expected status.
        """
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        target = f"{path}?{urlencode(query)}" if query else path
        status, said = self._answered("POST", target, content, {"Content-Type": kind})
        if status != expected:
            raise CommandError(f"POST {path} answered {status}: {said[:500]!r}")
        answer: dict[str, Any] = json.loads(said)
        return answer

    def _answered(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = self._connection()
        connection.request(method, path, body, self._headers | headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection(self.netloc, timeout=_SECONDS)
            self._connections.append(connection)
        if connection.sock is not None and select.select([connection.sock], [], [], 0)[0]:
            with contextlib.suppress(OSError):  # the server has closed what was idle for long
                connection.close()
        return connection
