"""Computations in the background, one at a time: of the same thing no more than one waits."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias

import structlog

from trueline.catalog.records import RecomputeStatus

if TYPE_CHECKING:
    from collections.abc import Callable

ModelKey: TypeAlias = tuple[int, str]
"""A job's id and the id of a model of it."""

_log = structlog.get_logger("trueline.recomputations")


class Recomputations:
    """The models whose metrics wait to be computed, and the thread that does it, made when it is first needed."""

    def __init__(self, compute: Callable[[int, str], None]) -> None:
        self._compute = compute
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="recomputations")
        self._lock = threading.Lock()
        self._waiting: dict[ModelKey, Future[None]] = {}
        self._under_way: tuple[ModelKey, Future[None]] | None = None

    def put(self, key: ModelKey) -> Future[None]:
        """Have a computation that begins from now on; done when it is over, however it went."""
        with self._lock:
            if key not in self._waiting:
                self._waiting[key] = self._worker.submit(self._run, key)
            return self._waiting[key]

    def status(self, key: ModelKey) -> RecomputeStatus | None:
        """Queued or in progress; None where neither."""
        with self._lock:
            if self._under_way is not None and self._under_way[0] == key:
                return RecomputeStatus.IN_PROGRESS
            return RecomputeStatus.QUEUED if key in self._waiting else None

    def next_end(self, key: ModelKey) -> Future[None] | None:
        """Done when the computation is over that is under way, else the one that waits; None where neither."""
        with self._lock:
            if self._under_way is not None and self._under_way[0] == key:
                return self._under_way[1]
            return self._waiting.get(key)

    def close(self) -> None:
        """Finish the computation under way; those that wait are cancelled, and nothing may be put from now on."""
        self._worker.shutdown(cancel_futures=True)

    def _run(self, key: ModelKey) -> None:
        with self._lock:
            self._under_way = key, self._waiting.pop(key)
        try:
            self._compute(*key)
        except Exception:  # noqa: BLE001 - the log tells
            _log.exception("a computation ended without a result", job_id=key[0], model_id=key[1])
        finally:
            with self._lock:
                self._under_way = None
