"""What the tests of the API share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
import structlog

from api.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from structlog.typing import EventDict, WrappedLogger


@pytest.fixture(scope="session", autouse=True)
def no_log() -> Iterator[None]:
    """Drop the log of the server under test: by default it shows every local variable of every failure."""

    def drop(_: WrappedLogger, __: str, ___: EventDict) -> EventDict:
        raise structlog.DropEvent

    structlog.configure(processors=[drop])
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def with_key(server: str, admin_key: str) -> Iterator[httpx.Client]:
    """A client with a key that has every scope; one for all tests, as making one takes long."""
    with httpx.Client(base_url=server, headers={"X-Arcanna-Api-Key": admin_key}, timeout=60) as opened:
        yield opened


@pytest.fixture
def caller(with_key: httpx.Client, fresh_title: Callable[[], str]) -> Caller:
    """Makes jobs and fills them."""
    return Caller(with_key, fresh_title)


@pytest.fixture(scope="session")
def anonymous(server: str) -> Iterator[httpx.Client]:
    """A client without a key."""
    with httpx.Client(base_url=server, timeout=60) as opened:
        yield opened
