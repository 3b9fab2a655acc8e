"""What the official client offers its users: what the scopes of their key open, and no tool for what is not here."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from clients.client import FOLDER, environment
from trueline.service.keys import KNOWN_SCOPES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from clients.client import Client

FOR_ANYBODY = {"health_check", "generate_code_instructions"}
BY_SCOPE = {
    "read:job_metrics": {"metrics_job", "metrics_job_and_latest_model", "metrics_model"},
    "read:event_query": {"get_fields_mapping", "query_arcanna_events"},
    "write:event_feedback": {"add_feedback_to_event"},
    "read:event_export": {"export_event_by_id"},
    "execute:reprocess_events": {"reprocess_events", "reprocess_event_by_id"},
    "execute:job_operations": {"start_job", "stop_job", "train_job"},
    "read:resources": {
        *("get_resources", "search_jobs", "get_job_details", "search_integrations", "get_integration_details"),
        *("integration_parameters_schema", "list_integration_types", "get_integration_type_metadata"),
        "get_job_category_metadata",
    },
    "write:resources": {"upsert_resources", "setup_job", "setup_integration"},
    "delete:resources": {"delete_resources"},
}
NEEDING_TWO = {
    "metrics_model_request_recompute_metrics": {"read:job_metrics", "execute:recompute_model_metrics"},
    "transfer_event": {"read:event_export", "write:events"},
}
NOT_HERE = {
    *("add_agentic_notes", "execute_code", "save_code", "list_agentic_workflows", "get_agentic_workflow_by_id"),
    *("create_agentic_workflow", "update_agentic_workflow", "run_agentic_workflow", "test_agentic_workflow"),
    *("agents_tool_discovery", "get_llm_integrations"),
}


def test_a_key_with_every_scope_is_offered_every_tool_but_those_of_parts_that_are_not_here(management: Client) -> None:
    offered = set(management.tools())
    assert offered == FOR_ANYBODY.union(*BY_SCOPE.values(), NEEDING_TWO)
    assert not offered & NOT_HERE


@pytest.mark.parametrize(
    "scopes",
    [
        ["read:job_metrics"],
        ["read:job_metrics:job:1234"],
        ["read:event_export", "write:events"],
        ["execute:job_operations", "read:event_query", "admin:keys"],
        [scope for scope in KNOWN_SCOPES if scope not in {"write:events", "execute:recompute_model_metrics"}],
    ],
    ids=" ".join,
)
def test_a_key_is_offered_what_its_scopes_open(
    scopes: list[str], management_with: Callable[[Sequence[str]], Client]
) -> None:
    granted = {":".join(scope.split(":")[:2]) for scope in scopes}
    wanted = FOR_ANYBODY.union(*(tools for scope, tools in BY_SCOPE.items() if scope in granted))
    wanted |= {tool for tool, needed in NEEDING_TWO.items() if needed <= granted}
    with management_with(scopes) as client:
        assert set(client.tools()) == wanted


def test_a_tool_that_is_not_offered_cannot_be_called(management_with: Callable[[Sequence[str]], Client]) -> None:
    with (
        management_with(["read:job_metrics"]) as client,
        pytest.raises(AssertionError, match="Unknown tool: train_job"),
    ):
        client.call("train_job", job_id=1)


def test_the_client_does_not_start_with_a_key_that_is_no_good(server: str, tmp_path: Path) -> None:
    settings = {"ARCANNA_HOST": server, "ARCANNA_MANAGEMENT_API_KEY": "no key"}
    ended = subprocess.run(
        [FOLDER / "arcanna-mcp-server"],
        env=environment(settings),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert "Failed to get API key scope. Status code: 401" in ended.stderr


@pytest.mark.parametrize(
    ("command", "key", "tool", "wanted"),
    [
        ("arcanna-mcp-server", "ARCANNA_MANAGEMENT_API_KEY", "health_check", "OK"),
        ("arcanna-mcp-input-server", "ARCANNA_INPUT_API_KEY", "health_check_input_server", True),
    ],
)
def test_a_user_starts_it_by_its_command_and_talks_to_it_over_its_pipes(  # noqa: PLR0913, PLR0917 - what is given
    command: str, key: str, tool: str, wanted: object, server: str, admin_key: str, tmp_path: Path
) -> None:
    introduction = {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    with subprocess.Popen(
        [FOLDER / command],
        env=environment({"ARCANNA_HOST": server, key: admin_key}),
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        try:
            for message in (
                {"id": 1, "method": "initialize", "params": introduction},
                {"method": "notifications/initialized"},
                {"id": 2, "method": "tools/call", "params": {"name": tool, "arguments": {}}},
            ):
                running.stdin.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
            running.stdin.flush()
            messages = (json.loads(line) for line in running.stdout if line.startswith("{"))  # it also says hello
            answer = next(message for message in messages if message.get("id") == 2)
        finally:
            running.kill()
    (told,) = answer["result"]["content"]
    assert json.loads(told["text"])["status"] == wanted
