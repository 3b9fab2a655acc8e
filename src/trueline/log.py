"""The log: one JSON object a line, and nothing in it that is not the log's to tell.

What is never in it: a key, what is kept of one, and what people wrote. Keys are known by their form wherever they
stand. What an exception says is told only where it is our own sentence: engines, drivers and parsers quote what they
were given, so of theirs there are the kind, the code, and the words without what is quoted.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import ExcInfo, WrappedLogger

_KEY: Final = re.compile(r"(trl_[a-z2-7]{12})_[0-9A-Za-z]+(?:_[0-9a-f]*)?")
"""Also one that was cut off: the id alone opens nothing, and tells which key it was."""
_QUOTED: Final = re.compile(r"""(?<!\w)(?:'(?:[^'\\]|\\.)*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$))""", re.DOTALL)
_ENGINES_CODE: Final = re.compile(r"Code: (\d+)")
_ENGINES_NAME: Final = re.compile(r"\(([A-Z][A-Z0-9_]+)\)\s*$")
_DATABASES: Final = frozenset({"sqlalchemy", "pg8000", "sqlite3"})


def without_keys(text: str) -> str:
    """A text in which of every key only its id is left."""
    return _KEY.sub(r"\1_…", text)


def log_to_stderr(level: int = logging.INFO) -> None:
    """Write the log of this process, its libraries' too, to standard error; nothing below the level."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(told),
            structlog.processors.JSONRenderer(),
            _conceal_keys,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(Unfailing(sys.stderr)),  # type: ignore[arg-type]
        cache_logger_on_first_use=True,
    )
    logging.root.handlers = [_Libraries(max(level, logging.WARNING))]
    threading.excepthook = _thread_ended


class Unfailing:
    """A stream that goes on when its disk is full: a line of the log may be lost, and never a request with it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write, or lose what does not go in."""
        with contextlib.suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """Likewise."""
        with contextlib.suppress(OSError):
            self._stream.flush()


def told(exc_info: ExcInfo) -> str:
    """Where an exception came from and what may be told of it, and so of those it came from, the first one first."""
    return "\n".join(_lines(exc_info[1]))


def _lines(error: BaseException) -> Iterator[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _lines(cause)
        yield "which led to:"
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _lines(each)
            yield "which is one of those in:"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip("\n")
    yield f"{type(error).__module__}.{type(error).__qualname__}: {_said(error)}"


def _said(error: BaseException) -> str:
    library = type(error).__module__.partition(".")[0]
    if library == "trueline":
        return str(error)
    if library == "clickhouse_connect":
        found = (_ENGINES_CODE.search(str(error)), _ENGINES_NAME.search(str(error)))
        return " ".join(each[1] for each in found if each) or "no code"
    if library in _DATABASES:
        return _database_said(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename is not None else error.strerror
    return _QUOTED.sub("'…'", str(error))


def _database_said(error: BaseException) -> str:
    """The kind and code alone: statements have values, and so has what PostgreSQL tells of a row."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorname", None)
    if code is None and cause.args and isinstance(cause.args[0], dict):
        code = cause.args[0].get("C")
    return f"{type(cause).__name__} {code or 'without a code'}"


def _conceal_keys(_: WrappedLogger, __: str, line: Any) -> str:  # noqa: ANN401 - by now a line
    return without_keys(line)


class _Libraries(logging.Handler):
    """What libraries log, in the form of our own log."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        more: dict[str, Any] = {"exc_info": record.exc_info} if record.exc_info else {}
        level = min(record.levelno // 10 * 10, logging.CRITICAL)  # libraries may have levels between
        log.log(level, _QUOTED.sub("'…'", record.getMessage()), logger=record.name, **more)


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and ended.exc_type is not SystemExit:
        structlog.get_logger("trueline.threads").error("a thread has ended", exc_info=ended.exc_value)
