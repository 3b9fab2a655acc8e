"""The gate of schemathesis notices an answer that is not described; that there is none, tests/api asks."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from gate import BrokenError
from schemes import ask, check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DESCRIBED = {
    "openapi": "3.1.0",
    "info": {"title": "One answer", "version": "1"},
    "paths": {"/things": {"get": {"responses": {"200": {"description": "Things."}}}}},
}


class _Unexpected(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        described = self.path == "/openapi.json"
        self.send_response(200 if described else 500)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(_DESCRIBED if described else {}).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Unexpected) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_answer_that_is_not_described_is_noticed(address: str, tmp_path: Path) -> None:
    with pytest.raises(BrokenError, match="failures"):
        check(ask(address, "no key", tmp_path, examples=1, seed=1))


def test_an_operation_that_was_not_asked_is_noticed() -> None:
    phases = {name: {"status": "success"} for name in ("examples", "coverage", "fuzzing", "stateful")}
    report: dict[str, Any] = {
        "failures": [],
        "errors": [],
        "complete": True,
        "phases": phases,
        "operations": {"tested": 3, "total": 3},
        "test_cases": {"generated": 7},
    }
    assert check(report) == 7
    with pytest.raises(BrokenError, match="every operation"):
        check(report | {"operations": {"tested": 2, "total": 3}})
    with pytest.raises(BrokenError, match="not all"):
        check(report | {"phases": phases | {"stateful": {"status": "skip"}}})
