"""The API against its own description: whatever is asked, an answer of a status and a shape that stand there.

schemathesis asks a server of its own, with a key that has every scope, about jobs that are in use.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from cli.terminal import Terminal, serve
from schemes import ask, check, put_in_use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.terminal import Serving

LONG = os.environ.get("TRUELINE_TEST_LONG") == "1"
CASES = 20_000 if LONG else 1_000
EXAMPLES = 500 if LONG else 16
"""For each operation, of the phases that make cases up."""
SEED = None if LONG else 1


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server with the jobs that schemathesis.toml names."""
    with serve(Terminal(tmp_path_factory.mktemp("schemathesis"))) as running:
        headers = {"X-Arcanna-Api-Key": running.key}
        with httpx.Client(base_url=running.address, headers=headers, timeout=120) as client:
            put_in_use(client)
        yield running


@pytest.fixture(scope="module")
def report(seeded: Serving, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What schemathesis found, in all its phases."""
    return ask(seeded.address, seeded.key, tmp_path_factory.mktemp("report"), EXAMPLES, SEED)


def test_no_answer_breaks_what_is_described_and_all_was_asked(report: dict[str, Any]) -> None:
    assert check(report) >= CASES


def test_every_operation_was_also_asked_what_it_answers_well(report: dict[str, Any], seeded: Serving) -> None:
    described = httpx.get(f"{seeded.address}/openapi.json").json()["paths"]
    refused = [
        operation
        for operation, phases in report["valid_rates"].items()
        if not sum(phase["accepted"] for phase in phases.values()) and answers_well(described, operation)
    ]
    assert refused == []


def answers_well(described: dict[str, Any], operation: str) -> bool:
    """Whether there is anything that an operation answers with a 2xx."""
    method, path = operation.split(" ", 1)
    return any(status.startswith("2") for status in described[path][method.lower()]["responses"])
