"""Runs inside the clients' own environment: a client imported once, its tools called by lines of JSON.

``python driver.py MODULE``: the module's ``server.mcp`` is the client. A line asks ``{"tools": true}`` (the tools
it offers and what it says of them), ``{"call": tool, "arguments": {...}}`` (through ``call_tool``, which validates
what the tool returns) or ``{"plain": "module:function", "arguments": {...}}`` (the function as it is). A line
answers ``{"answer": ...}`` or ``{"error": "<class>: <sentence>"}``.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import sys
from typing import Any


async def told(client: Any, asked: dict[str, Any]) -> object:  # noqa: ANN401 - untyped here
    """What the client answers."""
    if "tools" in asked:
        return {tool.name: tool.description for tool in await client.list_tools()}
    if "plain" in asked:
        module, _, function = asked["plain"].partition(":")
        found = getattr(importlib.import_module(module), function)(**asked["arguments"])
        return await found if inspect.isawaitable(found) else found
    answer = await client.call_tool(asked["call"], asked["arguments"])
    if isinstance(answer, tuple):  # with the structure that the tool's annotation promises, validated
        return {"structured": answer[1]}
    return {"texts": [part.text for part in answer]}


async def main() -> None:
    """Answer line by line until there are no more; what the client itself prints goes where errors go."""
    answers, sys.stdout = sys.stdout, sys.stderr
    client = importlib.import_module(f"{sys.argv[1]}.server").mcp
    for line in sys.stdin:
        try:
            told_back: dict[str, object] = {"answer": await told(client, json.loads(line))}
        except Exception as error:  # noqa: BLE001 - handed to the test, which judges it
            told_back = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(told_back, default=lambda model: model.model_dump()) + "\n")
        answers.flush()


asyncio.run(main())
