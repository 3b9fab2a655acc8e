"""``trueline audit`` on a data folder, and through a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli.terminal import Serving, Terminal

CSV = "id,verdict,truth\n" + "".join(f"a{number},Drop,\n" for number in range(40))
IMPORT = ("import", "events.csv", "--job", "alerts", "--id", "id", "--decision", "verdict")
DRAW = ("audit", "draw", "alerts", "--decision", "Drop", "--count", "3", "--seed", "week 48")


def test_an_audit_is_the_same_on_a_data_folder_and_through_a_server(terminal: Terminal, serving: Serving) -> None:
    drawn = []
    for place in (terminal, serving):
        (terminal if place is terminal else serving.terminal).write("events.csv", CSV)
        assert place.run("jobs", "create", "alerts", "--labels", "Drop,Escalate").code == 0
        assert place.run(*IMPORT).code == 0
        plan = place.run("audit", "plan", "alerts", "--bound", "0.2", "--level", "0.9").out
        assert "To promise at 0.9 that at most 0.2 are wrong" in plan
        assert ["Drop", "40", "0", "0", "9", "0"] in [row.split() for row in plan.splitlines()]
        assert "Escalate: there are none" in plan
        printed = place.run(*DRAW)
        assert len(printed.out.split()) == 3
        assert "3 of 40 events decided Drop, each with probability 0.075; reviewed 0" in printed.err
        assert place.run(*DRAW).out == printed.out
        body = json.loads(place.run(*DRAW, "--json").out)
        assert [each["id"] for each in body["drawn"]] == printed.out.split()
        assert printed.out.split()[0] in place.run("audit", "show", "alerts", body["draw_id"]).out
        assert json.loads(place.run("audit", "show", "alerts", body["draw_id"], "--json").out) == body
        filtered = place.run(*DRAW, "--filter", "arcanna.original_id is a7", "--start", "2000-01-01")
        assert (filtered.code, "3 cannot be drawn of 1 events decided Drop" in filtered.err) == (
            2 if place is terminal else 1,
            True,
        )
        missing = place.run("audit", "show", "alerts", "nothing")
        assert (missing.code, "Draw not found" in missing.err) == (1, True)
        drawn.append(body | {"drawn_at": ""})
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("plan", "nothing", "--bound", "0.01"), 1, "there is no job 'nothing'"),
        (("draw", "nothing", "--decision", "a", "--count", "1", "--seed", "s"), 1, "there is no job 'nothing'"),
        (("show", "nothing", "d"), 1, "there is no job 'nothing'"),
        (("plan", "alerts", "--bound", "2"), 2, "bound lies between 0 and 1"),
        (("draw", "alerts", "--decision", "c", "--count", "1", "--seed", "s"), 2, "'c' is not a label of this job"),
    ],
)
def test_errors_are_sentences(terminal: Terminal, arguments: tuple[str, ...], code: int, message: str) -> None:
    terminal.run("jobs", "create", "alerts", "--labels", "a,b")
    ended = terminal.run("audit", *arguments)
    assert ended.code == code
    assert message in ended.err
    assert "Traceback" not in ended.err
