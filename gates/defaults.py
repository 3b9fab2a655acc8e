"""What a server does that nobody has configured: it listens on loopback, has no key that others have, shows no more."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import stat
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Final

from gate import BrokenError, Gate
from processes import served
from wire import Answer, Wire

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
PAGES: Final = ("/docs", "/docs/exposer")
SAFE: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
_LOOPBACK: Final = "0100007F"
"""127.0.0.1 as Linux lists it."""
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_BROWSER_SECONDS: Final = 120
_SECONDS: Final = 60.0
_NO_HTTP: Final = b"no HTTP\r\n\r\n"
_LOGGED: Final = "Invalid HTTP request received."
"""The one warning of a server: what was sent to it that is no HTTP."""
_NO_HEAD: Final = b"GET /healthz HT"
_HASTY: Final = {"TRUELINE_REQUEST_SECONDS": "1"}
"""By default a head has a minute to come to its end."""


def keep_safe(folder: Path, count: int, seed: int) -> str:  # noqa: ARG001 - there is nothing to choose
    """Start so many servers on new folders and look at each; the figures.

    Raises:
        BrokenError: a default is not safe.
    """
    keys: set[str] = set()
    files = answers = 0
    shown = "pages not opened by a browser, as none is here: tests/api/test_pages.py looks at what they load"
    for number in range(count):
        data = folder / str(number) / "data"
        data.parent.mkdir()
        with served(data) as (address, process), closing(Wire(address, "none")) as wire:
            _on_loopback(process, int(address.rpartition(":")[2]))
            files += _for_its_owner(data)
            answers += _answers(wire)
            look_at_refusal(address, _NO_HTTP, 400)
            if number == 0 and (browser := next(filter(None, map(shutil.which, BROWSERS)), None)):
                shown = _shown(browser, address, data.parent)
        log = (data.parent / "server.log").read_text(encoding="utf-8")
        warnings = [line["event"] for line in map(json.loads, log.splitlines()) if line["level"] == "warning"]
        if "trl_" in log or warnings != [_LOGGED]:
            raise BrokenError(f"the log of a server on loopback has a key or warns otherwise: {log[-500:]}")
        keys.add((data / "secret").read_text(encoding="ascii"))
    if len(keys) != count:
        raise BrokenError("two servers have one secret")
    (folder / "hasty").mkdir()
    with served(folder / "hasty" / "data", _HASTY) as (address, _):
        look_at_refusal(address, _NO_HEAD, 408)
    answers += count + 1
    return f"{answers} answers, {files} files of stores, {len(keys)} secrets of their own; {shown}"


def _on_loopback(process: int, port: int) -> None:
    """What a process listens on: that port of 127.0.0.1 and nothing else."""
    owned = {
        found[1]
        for each in Path(f"/proc/{process}/fd").iterdir()
        if (found := re.fullmatch(r"socket:\[(\d+)\]", str(each.readlink())))
    }
    listening = []
    for family in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process}/net/{family}").read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A" and inode in owned:
                listening.append(local)
    if listening != [f"{_LOOPBACK}:{port:04X}"]:
        raise BrokenError(f"the server listens on {listening}")


def _for_its_owner(data: Path) -> int:
    """That folder and files are the owner's only; how many files there are."""
    if stat.S_IMODE(data.stat().st_mode) != stat.S_IRWXU:
        raise BrokenError(f"the data folder has mode {data.stat().st_mode:o}")
    if stat.S_IMODE((data / "secret").stat().st_mode) != stat.S_IRUSR | stat.S_IWUSR:
        raise BrokenError("others than the owner read the secret")
    files = [each for each in data.rglob("*") if not each.is_symlink()]
    if opened := [each for each in files if each.stat().st_mode & _OTHERS]:
        raise BrokenError(f"others get at {len(opened)} files, such as {opened[0].name}")
    return len(files)


def _answers(wire: Wire) -> int:
    """Without a key: the documented open routes and nothing else, and safe headers on every answer."""
    described = wire.ask("GET", "/openapi.json", key=None).json["paths"]
    open_to_all = {"/healthz", "/readyz", "/metrics", "/api/v1/health"}
    answered = 0
    for path, methods in described.items():
        for method in methods:
            for key in (None, "admin", "changeme", "trueline"):
                answer = wire.ask(method.upper(), path, key=key, headers={"Origin": "http://elsewhere.test"})
                answered += 1
                look(f"{method} {path}", answer, "no-store")
                if (answer.status == 401) == (path in open_to_all):  # noqa: PLR2004
                    raise BrokenError(f"{method} {path} answered {answer.status} without a key")
    for path in (*PAGES, "/openapi.json", "/nothing"):
        look(path, wire.ask("GET", path, key=None), "no-store")
    return answered


def look(what: str, answer: Answer, kept: str) -> None:
    """Check the headers of an answer.

    Raises:
        BrokenError: one is missing, or one is there that should not be.
    """
    headers = {name.lower(): value for name, value in answer.headers}
    if wrong := {name: headers.get(name) for name, value in SAFE.items() if headers.get(name) != value}:
        raise BrokenError(f"{what} has the headers {wrong}")
    policy = headers.get("content-security-policy", "")
    if headers.get("cache-control") != kept or "frame-ancestors 'none'" not in policy:
        raise BrokenError(f"{what} may be kept or framed: {headers}")
    if found := [name for name in headers if name in {"server", "x-powered-by"} or name.startswith("access-control")]:
        raise BrokenError(f"{what} has the header {found[0]}")


def look_at_refusal(address: str, sent: bytes, status: int) -> None:
    """Send what is no request, or not the whole of one: the answer must be as safe as any other.

    Raises:
        BrokenError: it has another status, another body than errors have, or headers that are not safe.
    """
    host, _, port = address.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=_SECONDS) as connection:
        connection.sendall(sent)
        said = http.client.HTTPResponse(connection)
        said.begin()
        answer = Answer(said.status, said.getheaders(), said.read())
    if answer.status != status or not answer.body.startswith(b'{"error":"'):
        raise BrokenError(f"{sent!r} was answered {answer.status}: {answer.body[:300]!r}")
    look(f"the {status} to {sent!r}", answer, "no-store")


def _shown(browser: str, address: str, folder: Path) -> str:
    """That a browser shows the page of the API under the policy that goes with it.

    Raises:
        BrokenError: it shows no operation, or was kept from something.
    """
    for page in PAGES:
        done = subprocess.run(  # noqa: S603 - the browser that is installed
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'browser'}"),
                *("--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom", f"{address}{page}"),
            ],
            capture_output=True,
            text=True,
            timeout=_BROWSER_SECONDS,
            check=False,
        )
        shown = done.stdout.count('class="opblock ')
        complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        if refused := [line for line in complaints if "Content Security Policy" in line or "Refused" in line]:
            raise BrokenError(f"{page}: {refused[0]}")
        if not shown:
            raise BrokenError(f"{page} shows no operation: {complaints[:3]} {done.stdout[:300]}")
    return f"a browser shows {shown} operations on the page, kept from nothing"


GATE: Final = Gate(
    name="defaults",
    promise="on loopback, no default key, stores for their owner only, safe headers, a page that needs no other host",
    full=10,
    unit="servers",
    run=keep_safe,
)
