"""Every test of the catalog runs on SQLite and on PostgreSQL, each in a database of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postgres import Postgres, PostgresMissing, running_postgres
from trueline.catalog.store import Catalog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    try:
        with running_postgres() as server:
            yield server
    except PostgresMissing as reason:
        pytest.skip(str(reason))


@pytest.fixture
def sqlite_dsn(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'catalog.sqlite'}"


@pytest.fixture
def postgres_dsn(postgres: Postgres) -> str:
    return postgres.new_database()


@pytest.fixture(params=["sqlite", "postgres"])
def dsn(request: pytest.FixtureRequest) -> str:
    address: str = request.getfixturevalue(f"{request.param}_dsn")
    return address


@pytest.fixture
def catalog(dsn: str) -> Iterator[Catalog]:
    with Catalog.open(dsn) as opened:
        yield opened
