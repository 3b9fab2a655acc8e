"""The log tells what went wrong and where, and not what anybody wrote."""

from __future__ import annotations

import errno
import io
import json
import logging
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from clickhouse_connect.driver.exceptions import DatabaseError
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from trueline.catalog.engine import connect, parse_dsn, sqlite_dsn
from trueline.ledger.errors import LedgerError
from trueline.log import Unfailing, log_to_stderr, told, without_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "trl_abcdefghij23_" + "x1Y" * 14 + "z_0123abcd"
NOTE = "she said it's nothing"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines of the log so far."""
    before, hook, handlers = structlog.get_config(), threading.excepthook, logging.root.handlers
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    log_to_stderr()
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.configure(**before)
    threading.excepthook, logging.root.handlers = hook, handlers


def raised(error: BaseException, cause: BaseException | None = None) -> str:
    try:
        raise error from cause  # noqa: TRY301 - for its trace
    except BaseException as caught:  # noqa: BLE001 - that is the point
        return told((type(caught), caught, caught.__traceback__))


@pytest.mark.parametrize("end", [None, -1, -9, -20, 20])
def test_of_a_key_its_id_alone_is_left_also_where_it_was_cut(end: int | None) -> None:
    assert without_keys(f"unknown '{KEY[:end]}' and trl_of nothing") == (
        "unknown 'trl_abcdefghij23_…' and trl_of nothing"
    )


def test_no_line_has_a_key_wherever_it_stands(log: Callable[[], list[dict[str, Any]]]) -> None:
    structlog.get_logger("t").warning(f"a {KEY}", given={"deep": [KEY]}, exc_info=ValueError(KEY))
    (line,) = log()
    assert line["event"] == "a trl_abcdefghij23_…"
    assert line["given"] == {"deep": ["trl_abcdefghij23_…"]}
    assert "x1Y" not in json.dumps(line)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LedgerError("our own 'sentence'"), "trueline.ledger.errors.LedgerError: our own 'sentence'"),
        (
            DatabaseError(f"Code: 457. DB::Exception: Value {NOTE} cannot be parsed. (BAD_QUERY_PARAMETER)"),
            "DatabaseError: 457 BAD_QUERY_PARAMETER",
        ),
        (OperationalError("SELECT :n", {"n": NOTE}, sqlite3.OperationalError(NOTE)), "OperationalError without a code"),
        (SQLAlchemyError(NOTE), "SQLAlchemyError without a code"),
        (FileNotFoundError(2, "No such file", "a.sql"), "builtins.FileNotFoundError: No such file: a.sql"),
        (ValueError(f"could not convert {NOTE!r} to 1"), "builtins.ValueError: could not convert '…' to 1"),
        (ValueError("broken off 'she said it"), "builtins.ValueError: broken off '…'"),
        (KeyError(NOTE), "builtins.KeyError: '…'"),
    ],
)
def test_what_an_exception_says_is_told_without_what_it_quotes(error: Exception, said: str) -> None:
    lines = raised(error)
    assert lines.endswith(said)
    assert "she" not in lines.splitlines()[-1]
    assert 'test_log.py", line ' in lines


def test_causes_contexts_and_groups_are_told_the_first_one_first() -> None:
    lines = raised(LedgerError("last"), DatabaseError("Code: 60. DB::Exception: x 'y' (UNKNOWN_TABLE)"))
    assert lines.index("60 UNKNOWN_TABLE") < lines.index("which led to:") < lines.index("LedgerError: last")
    group = raised(ExceptionGroup("two", [ValueError("'a'"), KeyError("b")]))
    assert group.count("'…'") == 2


def test_postgresql_tells_its_code_and_not_the_row() -> None:
    error = type("DatabaseError", (Exception,), {"__module__": "pg8000.exceptions"})({"C": "23502", "D": NOTE})
    assert raised(error).endswith("DatabaseError 23502")


def test_errors_of_the_catalog_have_no_values_in_them(tmp_path: Path) -> None:
    engine = connect(parse_dsn(sqlite_dsn(tmp_path / "c")))
    with engine.connect() as connection, pytest.raises(OperationalError) as refused:
        connection.execute(text("SELECT * FROM nothing WHERE a = :a"), {"a": NOTE})
    engine.dispose()
    assert NOTE not in str(refused.value)
    talkative = create_engine("sqlite://")
    with talkative.connect() as connection, pytest.raises(OperationalError, match=NOTE):
        connection.execute(text("SELECT * FROM nothing WHERE a = :a"), {"a": NOTE})
    talkative.dispose()


def test_what_libraries_log_is_a_line_of_the_log(log: Callable[[], list[dict[str, Any]]]) -> None:
    library = logging.getLogger("some.library")
    library.info("not told")
    try:
        raise ValueError(repr(NOTE))  # noqa: TRY301 - as a library does
    except ValueError:
        library.exception("cannot read %r", NOTE)
    library.log(35, "between")
    line, between = log()
    assert (between["event"], between["level"]) == ("between", "warning")
    assert (line["event"], line["level"], line["logger"]) == ("cannot read '…'", "error", "some.library")
    assert "ValueError: '…'" in line["exception"]


def test_a_thread_that_ends_by_an_exception_is_a_line_of_the_log(log: Callable[[], list[dict[str, Any]]]) -> None:
    def fail() -> None:
        raise ValueError(repr(NOTE))

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    (line,) = log()
    assert line["event"] == "a thread has ended"
    assert line["exception"].endswith("ValueError: '…'")


class Full(io.StringIO):
    """A file on a disk that has no room."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_on_a_full_disk_loses_lines_and_fails_nobody() -> None:
    print("a line", file=Unfailing(Full()), flush=True)


def test_a_log_with_room_has_its_lines() -> None:
    stream = io.StringIO()
    print("a line", file=Unfailing(stream), flush=True)
    assert stream.getvalue() == "a line\n"
