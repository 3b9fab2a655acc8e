"""Every error, rendered to HTTP in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from trueline.catalog.errors import CatalogError, StoreFull
from trueline.ledger.errors import (
    JobGoneError,
    LedgerAwayError,
    LedgerBusyError,
    LedgerDamagedError,
    LedgerFullError,
    QueryGivenUpError,
    QueryTimeoutError,
)
from trueline.log import without_keys
from trueline.service.errors import (
    ConflictError,
    DrawNotFoundError,
    EventNotFoundError,
    InvalidRequestError,
    JobNotFoundError,
    ModelNotFoundError,
    NotStillError,
    PartMissingError,
    TooLargeError,
    TooMuchWaitingError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

_log = structlog.get_logger("trueline.api")

_STATUS = {
    JobNotFoundError: 404,
    EventNotFoundError: 404,
    DrawNotFoundError: 404,
    ConflictError: 409,
    TooLargeError: 413,
    PartMissingError: 501,
}
_RETRY_AFTER_SECONDS = "1"
_FIRST_ERROR = 400


class UnauthorizedError(Exception):
    """No key, or one that is unknown, revoked or expired."""


class ForbiddenError(Exception):
    """A key without the scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"The key lacks the scope {scope}")


class BusyError(Exception):
    """More wait for a thread than can be answered in time."""

    def __init__(self) -> None:
        super().__init__("Too many requests are waiting: try again later")


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response; keys stay in their order, floats are written in full.

    Errors may quote what was sent: where that is an access key they show its id alone.
    """
    encoded: bytes = msgspec.json.encode(body)
    if status >= _FIRST_ERROR:
        encoded = without_keys(encoded.decode()).encode()
    return Response(encoded, status, dict(headers or {}), "application/json")


def problem(location: tuple[str | int, ...], message: str, kind: str = "value_error") -> Response:
    """A 422 that names what is wrong."""
    return answer({"detail": [{"loc": location, "msg": message, "type": kind}]}, 422)


def install(app: FastAPI) -> None:
    """Teach an app to render every error."""
    for error, status in _STATUS.items():
        app.add_exception_handler(error, _sentence(status))
    app.add_exception_handler(UnauthorizedError, _unauthorized)
    app.add_exception_handler(ForbiddenError, _sentence(403))
    app.add_exception_handler(ModelNotFoundError, _no_model)
    app.add_exception_handler(BusyError, _too_many)
    app.add_exception_handler(TooMuchWaitingError, _too_many)
    app.add_exception_handler(InvalidRequestError, _invalid)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(JobGoneError, _job_gone)
    app.add_exception_handler(QueryTimeoutError, _busy)
    app.add_exception_handler(QueryGivenUpError, _busy)
    app.add_exception_handler(LedgerBusyError, _busy)
    app.add_exception_handler(LedgerAwayError, _busy)
    app.add_exception_handler(NotStillError, _busy)
    app.add_exception_handler(LedgerDamagedError, _damaged)
    app.add_exception_handler(LedgerFullError, _disk_full)
    app.add_exception_handler(StoreFull, _disk_full)
    app.add_exception_handler(CatalogError, _catalog_away)
    app.add_exception_handler(SQLAlchemyError, _catalog_away)


def _sentence(status: int) -> Any:  # noqa: ANN401 - Starlette's own type for handlers
    def handle(_: Request, error: Exception) -> Response:
        return answer({"error": str(error)}, status)

    return handle


def _unauthorized(_: Request, __: Exception) -> Response:
    return answer({"error": "A valid key is needed in the header X-Arcanna-Api-Key"}, 401)


def _no_model(_: Request, error: Exception) -> Response:
    assert isinstance(error, ModelNotFoundError)  # noqa: S101 - registered for it
    return answer({"error": str(error), "details": error.details}, 404)


def _too_many(_: Request, error: Exception) -> Response:
    seconds = error.seconds if isinstance(error, TooMuchWaitingError) else _RETRY_AFTER_SECONDS
    return answer({"error": str(error)}, 429, {"Retry-After": str(seconds)})


def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidRequestError)  # noqa: S101 - registered for it
    return problem(error.location, str(error))


def _unreadable(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    detail = [{"loc": each["loc"], "msg": _reason(each), "type": each["type"]} for each in error.errors()]
    return answer({"detail": detail}, 422)


def _reason(problem: dict[str, Any]) -> str:
    message: str = problem["msg"]
    return f"{message}: {problem['ctx']['error']}" if problem["type"] == "json_invalid" else message


def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    return answer({"error": str(error.detail)}, error.status_code, error.headers)


def _catalog_away(_: Request, error: Exception) -> Response:
    _log.error("the catalog does not answer", exc_info=error)
    return answer({"error": "The catalog does not answer"}, 503, {"Retry-After": _RETRY_AFTER_SECONDS})


def _job_gone(_: Request, __: Exception) -> Response:
    return answer({"error": str(JobNotFoundError())}, 404)


def _busy(_: Request, error: Exception) -> Response:
    _log.warning("busy", reason=str(error), cause=type(error.__cause__).__name__)
    return answer({"error": str(error)}, 503, {"Retry-After": _RETRY_AFTER_SECONDS})


def _disk_full(_: Request, error: Exception) -> Response:
    _log.error("the disk is full", reason=str(error))
    return answer({"error": f"Not written, since {error}; free some space and send it again"}, 507)


def _damaged(_: Request, error: Exception) -> Response:
    _log.error("the ledger is damaged", exc_info=error)
    return answer({"error": str(error)}, 500)


def unexpected(error: Exception) -> Response:
    """A 500 that says no more than where to look."""
    _log.error("unexpected error", exc_info=error)
    return answer({"error": "Something went wrong here; the log has it under this response's X-Request-Id"}, 500)
