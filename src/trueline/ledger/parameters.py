"""Values on their way into a statement: always as bound parameters, never as text of it."""

from __future__ import annotations

from typing import Any


class Parameters:
    """Gathers the values of one statement and hands out the placeholders that stand for them."""

    def __init__(self, **fixed: Any) -> None:  # noqa: ANN401 - whatever the engine can bind
        self.values: dict[str, Any] = dict(fixed)

    def bind(self, value: object, kind: str) -> str:
        """Take a value in and return its placeholder, to be written into the statement.

        `kind` is the engine's name of its type, such as ``String`` or ``Int64``.
        """
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"{{{name}:{kind}}}"

    def text(self, value: str) -> str:
        """A placeholder for a text."""
        return self.bind(value, "String")

    def moment(self, micros: int) -> str:
        """An expression for a moment given in microseconds since 1970."""
        return f"fromUnixTimestamp64Micro({self.bind(micros, 'Int64')}, 'UTC')"
