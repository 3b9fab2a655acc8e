"""What Trueline has no part for: the client is told which part that is, and that it is not here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from clients.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.caller import Caller

TOOLS = "arcanna_mcp_server.tools"
CODE = {"source_code": "def transform(input_record):\n    return input_record", "input_test": {"a": 1}}


@pytest.fixture(scope="module")
def whole(server: str, admin_key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The client, told that agents and document retrieval are on this server too."""
    settings = {
        "ARCANNA_HOST": server,
        "ARCANNA_AGENTS_HOST": server,
        "ARCANNA_RAG_HOST": server,
        "ARCANNA_MANAGEMENT_API_KEY": admin_key,
    }
    with Client("arcanna_mcp_server", settings, tmp_path_factory.mktemp("whole") / "log") as running:
        yield running


@pytest.mark.parametrize(
    ("function", "arguments", "part"),
    [
        ("custom_code_block:execute_code", CODE, "code block"),
        ("custom_code_block:save_code", CODE | {"title": "t", "description": "d", "job_id": 1}, "code block"),
        ("generic_events:add_agentic_notes", {"job_id": 1, "event_id": "a", "agent_notes": "n"}, "agent"),
        ("generic_events:query_arcanna_events", {"job_ids": 1, "query_body": {"query": {}}}, "elasticsearch"),
        ("agentic:run_agentic_workflow", {"workflow_id": 1, "workflow_input": "i"}, "agent"),
        ("agentic:test_agentic_workflow", {"workflow_input": "i", "source_code": "s"}, "agent"),
        ("agentic:create_agentic_workflow", {"source_code": "s"}, "agent"),
        ("resources:integration_parameters_schema", {}, "integration"),
        ("resources_management:list_integration_types", {}, "integration"),
        ("resources_management:get_job_category_metadata", {}, "categories of jobs"),
        ("resources_management:get_integration_type_metadata", {"integration_type": "Elasticsearch"}, "integration"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_function_of_a_part_that_is_not_here_is_told_which(
    function: str, arguments: dict[str, Any], part: str, whole: Client
) -> None:
    answer = whole.plain(f"{TOOLS}.{function}", **arguments)
    if isinstance(answer, list):  # of the tools that also give the status
        status, answer = answer
        assert status == 501
    assert part in answer["error"].lower()


@pytest.mark.parametrize(
    ("method", "path", "part"),
    [
        ("POST", "/api/v2/inline_code_blocks/test", "code block"),
        ("POST", "/api/v2/inline_code_blocks/save", "code block"),
        ("POST", "/api/v2/events/raw_es_query", "elasticsearch"),
        ("POST", "/api/v2/events/1/a/add_agentic_notes", "agent"),
        ("GET", "/api/v1/agents-workflow/list", "agent"),
        ("GET", "/api/v1/agents-workflow/7", "agent"),
        ("POST", "/api/v1/agents-workflow/upsert", "agent"),
        ("POST", "/api/v1/agents-workflow/run/7", "agent"),
        ("POST", "/api/v1/agents-workflow/test/run", "agent"),
        ("GET", "/api/v1/tools-discovery", "agent"),
        ("GET", "/api/v1/agents-workflow/llm-providers", "agent"),
        ("POST", "/api/v1/rag/query", "retrieval of documents"),
        ("GET", "/api/v1/rag/list", "retrieval of documents"),
        ("GET", "/api/v2/resources/integration/parameters/schema", "integration"),
        ("GET", "/api/v2/resources/integration/metadata", "integration"),
        ("GET", "/api/v2/resources/job/metadata", "categories of jobs"),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_route_of_a_part_that_is_not_here_is_answered_501_and_names_it(
    method: str, path: str, part: str, slash: str, caller: Caller
) -> None:
    answer = caller.client.request(method, path + slash, json={} if method == "POST" else None)
    assert answer.status_code == 501
    assert part in answer.json()["error"].lower()


@pytest.mark.parametrize("tool", ["list_agentic_workflows", "agents_tool_discovery", "get_llm_integrations"])
def test_a_tool_that_only_passes_on_the_status_passes_on_that(tool: str, whole: Client) -> None:
    told = whole.plain(f"{TOOLS}.agentic:{tool}")
    assert told["error_message"].startswith("501")


def test_there_are_no_integrations(management: Client) -> None:
    assert management.call("search_integrations") == {"integrations": [], "total": 0}
    assert management.call("get_integration_details", title="any") == {"error": "Integration not found"}
    made = management.call("setup_integration", title="any", integration_type="Elasticsearch", parameters={})
    assert "integration" in made["error"]
