"""Where the stores of given settings are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trueline.catalog.engine import sqlite_dsn
from trueline.catalog.store import Catalog

if TYPE_CHECKING:
    from trueline.settings import Settings


def open_catalog(settings: Settings) -> Catalog:
    """Open the catalog; unlike the embedded ledger it may be open in several processes.

    Raises:
        CatalogError: it does not open, or was written by a newer version.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    return Catalog.open(settings.catalog_dsn or sqlite_dsn(settings.data.resolve() / "catalog.sqlite3"))
