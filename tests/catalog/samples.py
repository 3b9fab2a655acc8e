"""What tests of the catalog put into it, and many threads that do so at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trueline.catalog.records import Key, Model

if TYPE_CHECKING:
    from collections.abc import Callable

LABELS = ("Drop", "Investigate", "Escalate")
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)

MODEL = Model(
    job_id=1, id="m1", trained_at=NOON, active=True, training=1, recorded_at=NOON, request_digest="d1", activated=True
)
KEY = Key(
    id="abc",
    name="dashboard",
    scopes=("read:job_metrics",),
    jobs=None,
    created_at=NOON,
    expires_at=None,
    revoked_at=None,
    digest="0" * 64,
)


def at_once(count: int, work: Callable[[int], object]) -> list[object]:
    """Run the work in so many threads that all begin together; return what each gave back or raised."""
    gate = threading.Barrier(count)

    def run(number: int) -> object:
        gate.wait()
        try:
            return work(number)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
