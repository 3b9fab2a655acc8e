"""From the address of a database to an engine that keeps its word: what is answered is on disk."""

from __future__ import annotations

import sqlite3
import ssl
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from trueline.catalog.errors import StoreFull, StoreUnavailable, UnsupportedStore
from trueline.catalog.seal import seal

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = structlog.get_logger("trueline.catalog")

WAIT_SECONDS = 30
"""Longest wait for another writer, or for the server to answer."""
CONNECTIONS = 32
"""Kept open: one for each thread that requests are worked on in, and for the writers of events."""

_DISK_FULL = "'53100'"
"""What PostgreSQL says of it (class 53, insufficient resources)."""

WRITER_LOCK = 0x7472_7565_6C69_6E65
"""Number of the advisory lock in PostgreSQL: the name of the product in ASCII."""


def sqlite_dsn(file: Path) -> str:
    """Return the address of a SQLite file, whatever letters its path has."""
    return URL.create("sqlite", database=str(file)).render_as_string()


def parse_dsn(dsn: str) -> URL:
    """Read `sqlite:///path` or `postgresql://user:password@host:port/name`.

    Raises:
        UnsupportedStore: another kind of database, or SQLite without a file.
    """
    try:
        url = make_url(dsn)
    except ArgumentError:
        # Its message is not shown: it may quote the password.
        raise UnsupportedStore("the catalog's address is not of the form sqlite:///path or postgresql://…") from None
    if url.drivername in {"postgresql", "postgres", "postgresql+pg8000"}:
        return url.set(drivername="postgresql+pg8000")
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        if url.database in {None, "", ":memory:"} or url.query:
            raise UnsupportedStore("SQLite needs the path of a file, sqlite:///path, and takes no options")
        return url.set(drivername="sqlite+pysqlite")
    raise UnsupportedStore(f"the catalog is kept in sqlite or postgresql, not in {url.drivername!r}")


def name_of(url: URL) -> str:
    """Return what people know a store by: the path of its file, or its address without the password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.set(drivername="postgresql").render_as_string(hide_password=True)


def connect(url: URL) -> Engine:
    """Return an engine for an address from `parse_dsn`. It is for many threads; dispose of it at the end."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": WAIT_SECONDS}, pool_size=CONNECTIONS, hide_parameters=True)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = dict(url.query)
    arguments: dict[str, Any] = {
        "timeout": WAIT_SECONDS,
        "application_name": "trueline",
        "startup_params": {"TimeZone": "UTC"},
        "ssl_context": _tls(options.pop("sslmode", "disable"), options.pop("sslrootcert", None)),
    }
    if options:
        raise UnsupportedStore(f"unknown option {min(options)!r} of postgresql; known are sslmode and sslrootcert")
    # Each statement must see what was committed before it, whatever the server's default is: the wait for the
    # lock of the writers is itself a statement.
    return create_engine(
        url.set(query={}),
        connect_args=arguments,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_size=CONNECTIONS,
        hide_parameters=True,  # else every error shows them
    )


@contextmanager
def asking(engine: Engine) -> Iterator[Connection]:
    """Give a connection for one question, which is a transaction of its own and needs none around it.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    with _waiting_in_vain(engine), engine.execution_options(trueline_asks_once=True).connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a transaction that no other one writes beside: committed at the end, undone on an error.

    What was read in it still holds when it writes, in both databases alike. Writes of the catalog are rare.

    Raises:
        StoreFull: the disk has no room for it; it is undone.
        StoreUnavailable: the server does not answer.
    """
    try:
        with _waiting_in_vain(engine), engine.execution_options(trueline_writes=True).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITER_LOCK})
            yield connection
            if connection.dialect.name == "sqlite":
                seal(connection)
        if engine.dialect.name == "sqlite":
            _empty_log(engine)
    except DBAPIError as error:
        if _says_full(error):
            raise StoreFull from error
        raise


@contextmanager
def _waiting_in_vain(engine: Engine) -> Iterator[None]:
    """Tell of a server that says nothing, which the driver leaves to the system to say, as what it is."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(name_of(engine.url)) from error


@contextmanager
def looking(url: URL) -> Iterator[Connection | None]:
    """Give a connection that changes nothing, not even what SQLite writes on opening; None: no file yet."""
    if url.get_backend_name() != "sqlite":
        engine = connect(url)
    elif (file := Path(str(url.database)).absolute()).exists():
        engine = create_engine(
            URL.create("sqlite+pysqlite", database=file.as_uri(), query={"mode": "ro", "uri": "true"}),
            connect_args={"timeout": WAIT_SECONDS},
            hide_parameters=True,
        )
    else:
        yield None
        return
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _set_up_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - a connection of the driver
    # Transactions are begun below: the driver of its own would begin them late, after reads.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: a reader that turns writer fails without waiting when it was overtaken.
    options = connection.get_execution_options()
    if not options.get("trueline_asks_once", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("trueline_writes", False) else "BEGIN")


def _empty_log(engine: Engine) -> None:
    """Bring what was committed into the file, since SQLite takes a log that is damaged for one that ends there."""
    with asking(engine) as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")  # where somebody reads the log, the next write does it
        try:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
        except DBAPIError:  # as on a full disk: what was committed is, and the next write empties the log
            _log.warning("the catalog's log could not be emptied", exc_info=True)
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}")


def _says_full(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        # an extension of a file in shared memory that finds no room is told as that, and not as a full disk
        return error.orig.sqlite_errorcode in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}
    return _DISK_FULL in str(error.orig)


def _tls(mode: object, authority: object) -> ssl.SSLContext | None:
    if mode == "disable":
        if authority is not None:
            raise UnsupportedStore("sslrootcert needs sslmode=verify-full")
        return None
    if mode not in {"require", "verify-full"}:
        raise UnsupportedStore(f"sslmode is disable, require or verify-full, not {mode!r}")
    context = ssl.create_default_context(cafile=None if authority is None else str(authority))
    if mode == "require":
        # As libpq has it: encrypted, whoever the server is.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
