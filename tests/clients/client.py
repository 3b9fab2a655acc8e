"""A client as its users start it: a process of its own, with its own environment's Python."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / ".venv" / "clients" / ("Scripts" if os.name == "nt" else "bin")
DRIVER = Path(__file__).with_name("driver.py")


class ToolFailed(AssertionError):  # noqa: N818 - an assertion of the client's about what it was sent
    """The client raised: what it was answered is not what it takes."""


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a client: nothing of this project's, and its settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRUELINE_", "ARCANNA_"))}
    kept.pop("PYTHONPATH", None)  # the product is nothing to it
    return kept | dict(settings)


class Client:
    """A client whose tools a test calls."""

    def __init__(self, module: str, settings: Mapping[str, str], log: Path) -> None:
        self._log = log
        self._stderr = log.open("w")
        self._process = subprocess.Popen(
            [FOLDER / "python", DRIVER, module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            env=environment(settings),
            cwd=log.parent,  # a client reads .env files around it
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe(self._process.stdin).close()
        try:
            self._process.wait(30)
        finally:
            self._process.kill()
            self._pipe(self._process.stdout).close()
            self._stderr.close()

    def tools(self) -> dict[str, str]:
        """The tools that the client offers, and what it says of each."""
        offered: dict[str, str] = self._ask({"tools": True})
        return offered

    def call(self, tool: str, **arguments: object) -> Any:  # noqa: ANN401 - what JSON there is
        """What a tool answers through the client's own server, its own validation of the answer passed.

        Where the tool promises no structure, a list of one comes as what is in it: the protocol has it so.

        Raises:
            ToolFailed: the client has no such tool, or refuses what it was answered.
        """
        answer = self._ask({"call": tool, "arguments": arguments})
        if "structured" in answer:
            found = answer["structured"]
            # a list or a bare value is put under one name there
            return found["result"] if set(found) == {"result"} else found
        read = [json.loads(text) for text in answer["texts"]]
        return read[0] if len(read) == 1 else read

    def plain(self, function: str, **arguments: object) -> Any:  # noqa: ANN401 - as above
        """What a tool's function returns, ``module:function``, with no validation around it.

        Raises:
            ToolFailed: it raised.
        """
        return self._ask({"plain": function, "arguments": arguments})

    def _ask(self, asked: dict[str, object]) -> Any:  # noqa: ANN401 - as above
        stdin = self._pipe(self._process.stdin)
        stdin.write(json.dumps(asked) + "\n")
        stdin.flush()
        line = self._pipe(self._process.stdout).readline()
        if not line:
            raise RuntimeError(f"the client ended: {self._log.read_text()[-2000:]}")
        told = json.loads(line)
        if "error" in told:
            raise ToolFailed(told["error"])
        return told["answer"]

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe
