"""The catalog of a data folder on its own: unlike the ledger it may be opened while a server runs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trueline.catalog.store import Catalog
    from trueline.settings import Settings


@contextmanager
def stored_catalog(settings: Settings) -> Iterator[Catalog]:
    """The catalog that a server with these settings has."""
    from trueline.service.stores import open_catalog  # noqa: PLC0415 - takes its time to load

    catalog = open_catalog(settings)
    try:
        yield catalog
    finally:
        catalog.close()
