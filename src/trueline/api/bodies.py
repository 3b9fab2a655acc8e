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
from trueline.service.lines import no_json

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from starlette.responses import Response


_DOCUMENT = "raw_body"
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


class BareRoute(APIRoute):
    """A route whose function, a coroutine, is given the parts of its path, as texts, and the request, and nothing else.

    It checks all of it itself, the key too: its dependencies are described, and never asked. For what comes by the
    hundred a second: working out what the parameters of any function are takes the framework longer than the rest does.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Answer with the function itself."""
        function: Callable[..., Coroutine[Any, Any, Response]] = self.endpoint

        async def handle(request: Request) -> Response:
            return await function(**request.path_params, request=request)

        return handle


class _JsonRequest(Request):
    async def json(self) -> Any:  # noqa: ANN401 - as it is in the framework
        body = await self.body()
        try:
            said = msgspec.json.decode(body)
            _check_depth(body, said, self.app.state.workspace.settings.max_json_depth)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            # the error that the framework turns into a 422
            raise json.JSONDecodeError(no_json(error, body), "", 0) from None
        return said


def _check_depth(body: bytes, said: object, most: int) -> None:
    """Refuse what is nested too deeply; a document in it counts from its own braces, when it is read as one.

    Raises:
        ValueError: there are more than `most` objects and lists inside each other.
    """
    if body.count(b"{") + body.count(b"[") <= most:  # as in nearly all
        return
    level: list[object] = [said]
    if isinstance(said, dict):
        level = [{name: value for name, value in said.items() if name != _DOCUMENT}]
    for _ in range(most):
        level = [each for value in level for each in _inside(value) if isinstance(each, dict | list)]
        if not level:
            return
    raise ValueError(f"nested more than {most} deep")


def _inside(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def read_object(body: bytes, max_depth: int) -> dict[str, Any]:
    """Read a JSON object, nested at most so deep; an empty body is an empty one.

    Raises:
        InvalidRequestError: it is something else.
    """
    if not body.strip():
        return {}
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
        _check_depth(body, said, max_depth)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidRequestError(("body",), f"the body is no JSON object: {no_json(error, body)}") from None
    return said


def read_model(body: bytes, model: type[_Model], max_depth: int) -> _Model:
    """Read a body of some shape, as strictly as `JsonRoute`.

    Raises:
        InvalidRequestError: it is no JSON object.
        RequestValidationError: it is of another shape.
    """
    try:
        return model.model_validate(read_object(body, max_depth))
    except ValidationError as error:
        raise RequestValidationError([each | {"loc": ("body", *each["loc"])} for each in error.errors()]) from None


class _WithDocument(msgspec.Struct):
    raw_body: msgspec.Raw


_with_document = msgspec.json.Decoder(_WithDocument)


def raw_body_of(body: bytes) -> bytes:
    """The member `raw_body` of a JSON object that is known to have it, to the letter as it was sent."""
    return bytes(_with_document.decode(body).raw_body)


def read_lines(body: bytes, most: int) -> list[bytes]:
    """Split an NDJSON body into its lines.

    Raises:
        TooLargeError: more than `most`.
    """
    lines = body.rstrip(b"\r\n").split(b"\n")
    if len(lines) > most:
        raise TooLargeError(f"a bulk request has at most {most} lines, not {len(lines)}")
    return lines
