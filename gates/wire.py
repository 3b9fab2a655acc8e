"""Requests as any program may send them, to the byte: the libraries of well-behaved clients refuse some."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gate import BrokenError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 120.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[str, str]] = field(repr=False)
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        """The body read."""
        return json.loads(self.body)

    @property
    def whole(self) -> bytes:
        """Headers and body."""
        return b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in self.headers) + self.body


class Wire:
    """One connection to a server, made anew when the server ends it."""

    def __init__(self, address: str, key: str) -> None:
        host, _, port = address.removeprefix("http://").rpartition(":")
        self._host, self._port, self._key = host, int(port), key
        self._socket: socket.socket | None = None

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, bytes | str] | None = None,
        *,
        key: str | bytes | None = "",
    ) -> Answer:
        """Send a request and read the answer.

        Args:
            method: Any text.
            path: Any text, with its query; `part` makes parts of it.
            body: Bytes as they are, None, or else what is sent as JSON.
            headers: More of them, to the byte.
            key: Another one than the wire's own; None: none.
        """
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent: dict[str, bytes | str] = {"Host": self._host, "Content-Length": str(len(content))}
        if body is not None:
            sent["Content-Type"] = "application/json"
        if key is not None:
            sent["X-Arcanna-Api-Key"] = key or self._key
        sent |= headers or {}
        head = b"".join(name.encode() + b": " + _bytes(value) + b"\r\n" for name, value in sent.items())
        request = b" ".join([_bytes(method), _bytes(path), b"HTTP/1.1\r\n"]) + head + b"\r\n" + content
        try:
            return self._exchange(method, request)
        except (ConnectionError, http.client.BadStatusLine):
            self.close()  # the server ended the connection after the last answer
            return self._exchange(method, request)

    def _exchange(self, method: str, request: bytes) -> Answer:
        if self._socket is None:
            self._socket = socket.create_connection((self._host, self._port), timeout=_SECONDS)
        self._socket.sendall(request)
        answer = http.client.HTTPResponse(self._socket, method=method)
        answer.begin()
        said = answer.read()
        if answer.will_close:
            self.close()
        return Answer(answer.status, answer.getheaders(), said)

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def part(text: str) -> str:
    """A text as one part of a path, or as a value of a query."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def _bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def asked(address: str, key: str, method: str, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
    """What is answered to one request, on a connection of its own.

    Raises:
        BrokenError: anything but success.
    """
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    headers = {"X-Arcanna-Api-Key": key, "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
        raise BrokenError(f"{method} {path} answered {answer.status}: {said[:500]!r}")
    return json.loads(said)
