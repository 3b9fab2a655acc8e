"""Single events: how many are sent at once, how fast, and that a refusal is not passed over."""

from __future__ import annotations

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from processes import CommandError
from singles import CLIENTS, PATH, send_singles

if TYPE_CHECKING:
    from collections.abc import Iterator


class Receiver(ThreadingHTTPServer):
    """Answers what it is told to, and keeps what it was sent by which connection."""

    daemon_threads = True
    request_queue_size = 2 * CLIENTS
    status = 201

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.connections: Counter[tuple[str, int]] = Counter()
        self.bodies: list[dict[str, object]] = []
        self.paths: set[str] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.connections[self.client_address] += 1
        self.server.bodies.append(json.loads(body))
        self.server.paths.add(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_as_many_clients_each_send_events_at_a_rate(receiver: Receiver) -> None:
    sent = send_singles(receiver.address, "key", 7, seconds=1, rate=200)
    assert len(receiver.connections) == CLIENTS
    assert CLIENTS <= len(receiver.bodies) <= 201
    assert sent.events_a_second == pytest.approx(len(receiver.bodies), rel=0.3)
    assert 0 < sent.p50_milliseconds <= sent.p99_milliseconds
    assert receiver.paths == {PATH}
    assert {body["job_id"] for body in receiver.bodies} == {7}
    assert all(isinstance(body["raw_body"], dict) for body in receiver.bodies)


def test_a_refusal_ends_it(receiver: Receiver) -> None:
    receiver.status = 503
    with pytest.raises(CommandError, match="answered 503"):
        send_singles(receiver.address, "key", 7, seconds=1, rate=200)
