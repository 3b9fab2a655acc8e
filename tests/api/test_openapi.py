"""The description of the API."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.routing import iter_route_contexts

from trueline.api.app import create_app
from trueline.api.not_here import NOT_HERE
from trueline.api.pages import PATHS as PAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from trueline.service.workspace import Workspace

OPEN = {"/healthz", "/readyz", "/metrics", "/api/v1/health"}
ALWAYS = {"401", "503"}
WITHOUT_PART = {(method, path.replace(":path", "")) for method, path in NOT_HERE}


@pytest.fixture(scope="module")
def document(anonymous: httpx.Client) -> dict[str, Any]:
    answer = anonymous.get("/openapi.json")
    assert answer.status_code == 200
    read: dict[str, Any] = json.loads(answer.text, parse_constant=pytest.fail)
    return read


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_every_route_of_the_app_is_described(document: dict[str, Any], workspace: Workspace) -> None:
    routes = {
        (method, (context.path or "").replace(":path", ""))
        for context in iter_route_contexts(create_app(workspace).routes)
        for method in (context.methods or ())
        if context.path not in {"/openapi.json", *PAGES}
    }
    assert {(method, path) for method, path, _ in operations(document)} == routes


def test_every_route_that_needs_a_key_says_so_and_what_it_may_answer(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        if path in OPEN:
            continue
        assert operation["security"] == [{"APIKeyHeader": []}]
        may = ALWAYS if path == "/api/v2/health" else {*ALWAYS, "403", "404", "408", "409", "413", "422", "429", "507"}
        assert may < set(operation["responses"])
        kind = "501" if (method, path) in WITHOUT_PART else "2"
        (good,) = (answer for status, answer in operation["responses"].items() if status.startswith(kind))
        assert good["content"]["application/x-tar" if path == "/api/v2/backup" else "application/json"]["schema"], path
        assert operation["description"], path


def test_routes_without_a_key_say_what_they_may_answer(document: dict[str, Any]) -> None:
    answers = {path: document["paths"][path]["get"]["responses"] for path in OPEN}
    assert set(answers["/readyz"]) == {"200", "503"}
    assert set(answers["/metrics"]["200"]["content"]) == {"text/plain"}


def test_every_part_of_a_path_is_described(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        described = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
        assert described == set(re.findall(r"\{(\w+)\}", path)), path


def test_patterns_are_of_the_kind_that_the_description_may_have(document: dict[str, Any]) -> None:
    """JSON Schema's are ECMAScript's, which has no \\A and no \\z."""
    assert re.search(r'"pattern": "[^"]*\\\\[AzZ]', json.dumps(document)) is None


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = list(references(document))
    assert found
    for reference in found:
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_description_names_no_other_host(document: dict[str, Any]) -> None:
    assert "http" not in json.dumps(document).replace("trueline_http", "")
