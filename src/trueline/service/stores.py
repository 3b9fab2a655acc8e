"""Where the stores of given settings are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from trueline.catalog.engine import name_of, parse_dsn, sqlite_dsn
from trueline.catalog.errors import StoreUnavailable
from trueline.catalog.schema import refuse_newer
from trueline.catalog.store import Catalog
from trueline.service.data_folder import make_data_folder

if TYPE_CHECKING:
    from trueline.settings import Settings


def refuse_catalog(settings: Settings) -> None:
    """Look, with nothing written, whether the catalog is one that can be opened.

    Raises:
        CatalogError: it was written by a newer version, or is damaged.
    """
    try:
        refuse_newer(parse_dsn(_dsn(settings)))
    except SQLAlchemyError as error:
        raise StoreUnavailable(name_of(parse_dsn(_dsn(settings)))) from error


def _dsn(settings: Settings) -> str:
    return settings.catalog_dsn or sqlite_dsn(settings.data.resolve() / "catalog.sqlite3")


def open_catalog(settings: Settings) -> Catalog:
    """Open the catalog; unlike the embedded ledger it may be open in several processes.

    Raises:
        CatalogError: it does not open, or was written by a newer version.
    """
    make_data_folder(settings)
    return Catalog.open(_dsn(settings))
