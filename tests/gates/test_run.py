"""What the gates come to together: kept, broken, or not run; each is named, and the exit code says which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import run as gates
from gate import BrokenError, Gate, NotRunError

if TYPE_CHECKING:
    from pathlib import Path


def gate(name: str, error: Exception | None = None) -> Gate:
    def run(_: Path, count: int, seed: int) -> str:
        if error is not None:
            raise error
        return f"{count} counted from {seed}"

    return Gate(name=name, promise="it is kept", full=10, unit="rounds", run=run)


@pytest.mark.parametrize(
    ("made", "code", "last"),
    [
        ([gate("one"), gate("two")], 0, "every promise was kept"),
        ([gate("one"), gate("two", NotRunError("there is no disk"))], 3, "not run: two"),
        ([gate("one", BrokenError("lost")), gate("two")], 1, "broken: one"),
        ([gate("one", NotRunError("no")), gate("two", OSError("lost"))], 1, "broken: two\nnot run: one"),
    ],
)
def test_what_is_broken_or_was_not_run_is_named_in_the_end(
    made: list[Gate], code: int, last: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gates, "GATES", made)
    assert gates.main(["--share", "0.5", "--seed", "7"]) == code
    said = capsys.readouterr().out
    assert said.endswith(f"\n{last}\n")
    assert ("every promise was kept" in said) == (code == 0)


def test_a_gate_that_cannot_run_says_why(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(gates, "GATES", [gate("one"), gate("two", NotRunError("there is no disk"))])
    gates.main(["two"])
    said = capsys.readouterr().out
    assert "NOT RUN, since there is no disk" in said
    assert "one: " not in said
