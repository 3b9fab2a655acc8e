"""Defaults are safe, and the gate would tell if they were not."""

from __future__ import annotations

import http.server
import re
import shutil
import socketserver
import threading
from typing import TYPE_CHECKING, ClassVar

import pytest

import defaults
from defaults import BROWSERS, SAFE, keep_safe, look, look_at_refusal
from gate import BrokenError
from wire import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD = SAFE | {"cache-control": "no-store", "content-security-policy": "frame-ancestors 'none'"}


def test_what_nobody_has_configured_is_safe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = keep_safe(tmp_path, 1, seed=1)
    assert re.search(r"a browser shows \d+ operations|not opened by a browser, as none is here", figures)
    with capsys.disabled():
        print(f"\ndefaults: {figures}")  # noqa: T201 - the figure of the gate


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-content-type-options", ""),
        ("x-frame-options", "SAMEORIGIN"),
        ("cache-control", "public"),
        ("content-security-policy", "default-src *"),
        ("server", "x"),
        ("access-control-allow-origin", "*"),
    ],
)
def test_a_header_that_is_not_safe_is_noticed(name: str, value: str) -> None:
    look("all", Answer(200, list(GOOD.items()), b""), "no-store")
    with pytest.raises(BrokenError):
        look("all", Answer(200, list((GOOD | {name: value}).items()), b""), "no-store")


def test_a_folder_and_a_file_that_others_read_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(0o600)
    tmp_path.chmod(0o755)
    with pytest.raises(BrokenError, match="data folder"):
        defaults._for_its_owner(tmp_path)  # noqa: SLF001 - a part of the gate
    tmp_path.chmod(0o700)
    assert defaults._for_its_owner(tmp_path) == 1  # noqa: SLF001
    (tmp_path / "a").touch(0o644)
    (tmp_path / "a").chmod(0o644)
    with pytest.raises(BrokenError, match="others get at 1 files"):
        defaults._for_its_owner(tmp_path)  # noqa: SLF001


PLAIN = "content-type: text/plain; charset=utf-8\r\n"
SAFE_HEADERS = "".join(f"{name}: {value}\r\n" for name, value in GOOD.items())


@pytest.mark.parametrize(
    ("status", "headers", "body", "broken"),
    [
        ("400 Bad Request", SAFE_HEADERS, '{"error":"x"}', None),
        ("400 Bad Request", PLAIN, '{"error":"x"}', "has the headers"),
        ("400 Bad Request", SAFE_HEADERS + "server: x\r\n", '{"error":"x"}', "has the header server"),
        ("400 Bad Request", PLAIN + SAFE_HEADERS, "Invalid HTTP request received.", "was answered 400"),
        ("408 Request Timeout", SAFE_HEADERS, '{"error":"x"}', "was answered 408"),
    ],
)
def test_an_answer_to_what_is_no_request_that_is_not_as_all_others_is_noticed(
    status: str, headers: str, body: str, broken: str | None
) -> None:
    class Refuses(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(f"HTTP/1.1 {status}\r\n{headers}connection: close\r\n\r\n{body}".encode())

    with socketserver.TCPServer(("127.0.0.1", 0), Refuses) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        if broken is None:
            look_at_refusal(address, b"no HTTP\r\n", 400)
        else:
            with pytest.raises(BrokenError, match=broken):
                look_at_refusal(address, b"no HTTP\r\n", 400)
        thread.join()


class _Page(http.server.BaseHTTPRequestHandler):
    policy: ClassVar[str] = "script-src 'none'"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Security-Policy", self.policy)
        self.end_headers()
        self.wfile.write(b'<html><body><div class="opblock x"></div><script>document.title = 1</script></body></html>')

    def log_message(self, *_: object) -> None:
        """Nothing: the test's own output."""


@pytest.fixture
def page() -> Iterator[str]:
    """The address of a page that its policy keeps from running its script."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_page_that_its_policy_keeps_from_something_is_noticed(tmp_path: Path, page: str) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no browser is installed")
    with pytest.raises(BrokenError, match="Content Security Policy"):
        defaults._shown(browser, page, tmp_path)  # noqa: SLF001 - a part of the gate
