"""The gate `pressed`, third part: connections on which nothing is asked, and clients that send a byte a second."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from gate import BrokenError
from pressing import Client, make_job, others_beside, slower
from processes import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUEST_SECONDS: Final = 6.0
STILL_OPEN: Final = 20
"""Idle connections that are asked something in the end."""


def slow_clients(folder: Path, connections: int, seconds: float, key: str, tries: int = 3) -> str:
    """Keep so many connections open on which nothing is asked, and two thirds as many that send a byte a second.

    Others are measured beside them and without, up to so many times: on a machine that is shared, a single time may be
    somebody else's doing.

    Raises:
        BrokenError: a promise is broken, and what is about times is so each time.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * connections + 1_000)), hard))
    settings = {"TRUELINE_REQUEST_SECONDS": str(REQUEST_SECONDS)}
    late: list[str] = []
    told = ""
    with served(folder / "data", settings) as (address, _), Client(address, key) as client:
        job = make_job(client)
        client.well("POST", "/api/v1/events/voted", {"job_id": job, "raw_body": {}})
        with others_beside(address, key, job):
            time.sleep(min(seconds, 1.0))  # warm
        for tried in range(1, tries + 1):
            with others_beside(address, key, job) as before:
                time.sleep(seconds)
            slow = SlowClients(address, key, connections)
            with slow.connected():
                with others_beside(address, key, job) as during:
                    time.sleep(seconds)
                ended = slow.answers(REQUEST_SECONDS + 30)
                still = slow.idle_ones_asked(STILL_OPEN)
            with others_beside(address, key, job) as after:
                time.sleep(seconds)
            if ended != {HTTPStatus.REQUEST_TIMEOUT: slow.sending}:
                raise BrokenError(
                    f"{slow.sending} connections that send a byte a second were answered {ended}, not 408"
                )
            if still != {HTTPStatus.OK: min(STILL_OPEN, connections)}:
                raise BrokenError(f"{min(STILL_OPEN, connections)} idle connections that ask in the end got {still}")
            told = (
                f"{still[HTTPStatus.OK]} of them asked in the end and answered, and {slow.sending} that send a byte a "
                f"second until they were answered 408; tries: {tried}; meanwhile {during}; without them {before}"
            )
            late = slower("slow clients", during, before, after, times=1.5, spare=20)
            if not late:
                break
    if late:
        raise BrokenError("; ".join(late))
    return f"slow clients: {connections} idle connections, {told}"


class SlowClients:
    """Connections from a thread of their own: so many idle ones, and a third as many each that send head and body."""

    def __init__(self, address: str, key: str, connections: int) -> None:
        host, _, port = address.removeprefix("http://").partition(":")
        self._to = (host, int(port))
        self._asks = f"GET /api/v2/health HTTP/1.1\r\nHost: {host}\r\nX-Arcanna-Api-Key: {key}\r\n\r\n".encode()
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle_ones = connections
        head = f"POST /api/v1/events HTTP/1.1\r\nHost: {host}\r\nX-Arcanna-Api-Key: {key}\r\n"
        sending = [
            (b"", head.encode()),
            (f"{head}Content-Length: 5000\r\n\r\n".encode(), b'{"job_id": 1' + b" " * 1_000),
        ] * (connections // 3)
        self.sending = len(sending)
        self._sent: list[tuple[bytes, bytes]] = [(b"", b"")] * connections + sending
        """By each: what at once, and what a byte a second."""
        self._statuses: Counter[int] = Counter()
        self._open, self._over = threading.Event(), threading.Event()

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        """All of them are connected in the block."""
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(lambda: asyncio.run(self._run()))
            try:
                if not self._open.wait(60):
                    raise BrokenError("not all connections were taken within a minute")
                yield
            finally:
                self._over.set()
            running.result()

    def answers(self, seconds: float) -> dict[int, int]:
        """Statuses that those which send were answered with, how many of each; waits so long for all."""
        until = time.monotonic() + seconds
        while self._statuses.total() < self.sending and time.monotonic() < until:
            time.sleep(0.1)
        return dict(self._statuses)

    def idle_ones_asked(self, most: int) -> dict[int, int]:
        """Statuses that so many of the idle connections are answered with when they ask after all; 0: it is closed.

        Raises:
            BrokenError: there was no answer within half a minute.
        """
        if self._loop is None:
            raise RuntimeError("nothing is connected")
        asked = asyncio.run_coroutine_threadsafe(self._ask_idle_ones(most), self._loop)
        try:
            return dict(asked.result(30))
        except TimeoutError as error:
            asked.cancel()
            raise BrokenError(f"{most} idle connections asked in the end and were not answered in time") from error

    async def _ask_idle_ones(self, most: int) -> Counter[int]:
        every = max(1, len(self._idle) // most)
        return Counter([await self._asked(*each) for each in self._idle[::every][:most]])

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        try:
            writer.write(self._asks)
            said = await reader.readline()
        except ConnectionError:
            return 0
        return int(said.split()[1]) if said.startswith(b"HTTP/1.1 ") else 0

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        connected = [await asyncio.open_connection(*self._to) for _ in self._sent]
        self._idle = connected[: self._idle_ones]
        tasks = [
            asyncio.create_task(self._one(reader, writer, *sent))
            for (reader, writer), sent in zip(connected, self._sent, strict=True)
        ]
        self._open.set()
        await asyncio.to_thread(self._over.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _, writer in connected:
            writer.close()

    async def _one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, at_once: bytes, slowly: bytes
    ) -> None:
        writer.write(at_once)
        if not slowly:
            return
        answered = asyncio.ensure_future(reader.read(64))
        for byte in slowly:
            with contextlib.suppress(OSError):
                writer.write(bytes([byte]))
            if (await asyncio.wait([answered], timeout=1.0))[0]:
                break
        said = await answered
        self._statuses[int(said.split()[1]) if said.startswith(b"HTTP/1.1 ") else 0] += 1
