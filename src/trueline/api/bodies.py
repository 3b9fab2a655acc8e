"""Bodies of requests: how they are read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from trueline.api.access import valid_key, workspace
from trueline.service.errors import InvalidRequestError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.responses import Response


_Model = TypeVar("_Model", bound=BaseModel)


class JsonRoute(APIRoute):
    """A route whose body is JSON by the letter (RFC 8259): no NaN, no lone surrogate, UTF-8, not too deep."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Answer with the framework's handler, given a request that reads its body so."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            # before the body is looked at: whoever has no key learns of nothing but that
            await valid_key(request, await workspace(request))
            return await handle(_JsonRequest(request.scope, request.receive))

        return handle_strictly


class _JsonRequest(Request):
    async def json(self) -> Any:  # noqa: ANN401 - as it is in the framework
        try:
            return msgspec.json.decode(await self.body())
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            # the error that the framework turns into a 422
            raise json.JSONDecodeError(_reason(error), "", 0) from None


def read_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object; an empty body is an empty one.

    Raises:
        InvalidRequestError: it is something else.
    """
    if not body.strip():
        return {}
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidRequestError(("body",), f"the body is no JSON object: {_reason(error)}") from None


def read_model(body: bytes, model: type[_Model]) -> _Model:
    """Read a body of some shape, as strictly as `JsonRoute`.

    Raises:
        InvalidRequestError: it is no JSON object.
        RequestValidationError: it is of another shape.
    """
    try:
        return model.model_validate(read_object(body))
    except ValidationError as error:
        raise RequestValidationError([each | {"loc": ("body", *each["loc"])} for each in error.errors()]) from None


class _WithDocument(msgspec.Struct):
    raw_body: msgspec.Raw


_with_document = msgspec.json.Decoder(_WithDocument)


def raw_body_of(body: bytes) -> bytes:
    """The member `raw_body` of a JSON object that is known to have it, to the letter as it was sent."""
    return bytes(_with_document.decode(body).raw_body)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def read_lines(body: bytes, most: int) -> list[bytes]:
    """Split an NDJSON body into its lines.

    Raises:
        TooLargeError: more than `most`.
    """
    lines = body.rstrip(b"\r\n").split(b"\n")
    if len(lines) > most:
        raise TooLargeError(f"a bulk request has at most {most} lines, not {len(lines)}")
    return lines
