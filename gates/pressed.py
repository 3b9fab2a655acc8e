"""A server that is sent more than it can write, asked more than it can answer, and kept waiting by slow clients.

Flood: clients send bulk requests and single events without a pause, more of them than there is room for. Each is taken
or answered 429 with Retry-After; what was taken is there, once; memory stays within what follows from the settings;
others are answered. At full count it is done with little room, and with the room and the bodies there are by default.
Slow questions: clients ask what takes several times the budget where it may: that is measured first. Each is answered
503, in the words of the budget and soon after it, and the processor of the server is idle at once when they stop
asking: the engine has let go of them. Others, who ask and write, share the processors with them, but wait for none of
them to end, also while more of them come in with one key than that key may have answered at once.
Slow clients: connections that are idle, and others that send a head or a body a byte a second. Others are answered as
before, those that never come to an end are answered 408, and the idle ones are still open and answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate import Gate
from pressed_clients import REQUEST_SECONDS, slow_clients
from pressed_flood import BY_DEFAULT, flood
from pressed_questions import long_question, slow_questions
from processes import trueline

if TYPE_CHECKING:
    from pathlib import Path


def _run(folder: Path, count: int, seed: int) -> str:  # noqa: ARG001 - nothing here is by chance
    is_full = count >= 500  # noqa: PLR2004
    seconds = min(20.0, max(2.0, count / 50))
    flooded = 60.0 if is_full else seconds  # parts of parts are merged by then
    budget = 1.0
    key, another = (
        trueline("keys", "create", name, "--data", str(folder / "data"), folder=folder).strip()
        for name in ("gate", "another")
    )
    figures = [flood(folder, flooded, key)]
    if is_full:
        figures.append(flood(folder, flooded, key, BY_DEFAULT))
    question = long_question(folder, 20_000 if is_full else 10_000, budget, key)
    figures.append(slow_questions(folder, question, budget, key, another))
    figures.append(slow_clients(folder, count, min(seconds, REQUEST_SECONDS - 1), key))
    return "; ".join(figures)


GATE: Final = Gate(
    name="pressed",
    promise="more than can be written gets 429, long questions are stopped in the engine, slow clients change nothing",
    full=1_000,
    unit="idle connections",
    run=_run,
)
