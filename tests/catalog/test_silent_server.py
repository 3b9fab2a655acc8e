"""A PostgreSQL that takes connections and says nothing."""

from __future__ import annotations

import gc
import socket
from typing import TYPE_CHECKING

import pytest

from trueline.catalog import engine as catalog_engine
from trueline.catalog.engine import asking, connect, parse_dsn, writing
from trueline.catalog.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine


# the driver leaves its socket to be found
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("way", [asking, writing])
def test_it_is_unavailable(
    way: Callable[[Engine], AbstractContextManager[Connection]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_engine, "WAIT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = connect(parse_dsn(f"postgresql://nobody:secret@127.0.0.1:{silent.getsockname()[1]}/catalog"))
        with pytest.raises(StoreUnavailable) as told, way(engine):
            pytest.fail("it answered")
        engine.dispose()
    said = str(told.value)
    del told
    gc.collect()
    assert "secret" not in said
