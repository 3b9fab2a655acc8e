"""What tests share: one workspace and one server a process, since the engine opens one data folder a process."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import structlog
import uvicorn
from hypothesis import HealthCheck, settings

import processes
from api.caller import Caller
from forking import Forking
from trueline.api.app import create_app
from trueline.service.keys import KNOWN_SCOPES
from trueline.service.workspace import Workspace
from trueline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from structlog.typing import EventDict, WrappedLogger

LONGEST = (
    "test_stateful.py",
    "test_kept.py",
    "test_as_of.py",
    "test_schemathesis.py",
    "test_filter_cross_table.py",
    "test_compare.py",
    "test_schemes.py",
    "test_killed.py",
    "test_hostile.py",
    "test_mixed.py",
    "test_pressed.py",
    "test_fuzzed.py",
    "test_versions.py",
    "test_drained.py",
)
"""Files that take a minute and more, however few their tests are: begun last, they would leave the other core idle."""

# no test fails because a machine is slow
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

SHARED_DATA = Path(__file__).parent.parent.parent / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the longest files run first, and all others in the order they were found in."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture(scope="session", autouse=True)
def quick_commands() -> Iterator[None]:
    """Have gates and benchmarks run ``trueline`` by forking."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(processes, "commands", Forking())
        yield


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """An open workspace on stores of its own."""
    with Workspace.open(Settings(data=tmp_path_factory.mktemp("trueline"))) as opened:
        yield opened


@pytest.fixture(scope="session")
def admin_key(workspace: Workspace) -> str:
    """A key with every scope."""
    return workspace.access.create("tests", sorted(KNOWN_SCOPES))


@pytest.fixture(scope="session")
def no_log() -> Iterator[None]:
    """Drop the log of the server under test: by default it shows every local variable of every failure."""

    def drop(_: WrappedLogger, __: str, ___: EventDict) -> EventDict:
        raise structlog.DropEvent

    structlog.configure(processors=[drop])
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def server(workspace: Workspace, no_log: None) -> Iterator[str]:  # noqa: ARG001 - for its effect
    """The address of a server over the workspace, on loopback."""
    config = uvicorn.Config(create_app(workspace), host="127.0.0.1", port=0, log_config=None, access_log=False)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    deadline = time.monotonic() + 30
    while not running.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise RuntimeError("the server did not start")
        time.sleep(0.01)
    yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    running.should_exit = True
    thread.join(30)


@pytest.fixture
def client(server: str, admin_key: str) -> Iterator[httpx.Client]:
    """A client of the server with a key that has every scope."""
    with httpx.Client(base_url=server, headers={"X-Arcanna-Api-Key": admin_key}, timeout=60) as opened:
        yield opened


_numbers = itertools.count(1)


@pytest.fixture
def fresh_title(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes titles that no other job has."""
    return lambda: f"{request.node.name[:150]} {next(_numbers)}"


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


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; tests that need it are skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data is not beside the project: no {SHARED_DATA.parent.name}/{SHARED_DATA.name}")
    return SHARED_DATA
