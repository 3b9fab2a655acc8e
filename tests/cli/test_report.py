"""``trueline report``, locally and through a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.terminal import Serving, Terminal

ROWS = "verdict,found,host\nbenign,attack,a\nattack,attack,a\nbenign,,b\n"
IMPORT = (
    "import", "a.csv", "--job", "told", "--create", "--labels", "benign,attack", "--decision", "verdict",
    "--truth", "found",
)  # fmt: skip
ASKED = ("report", "told", "--group-by", "host", "--top", "1", "--level", "0.9", "--interval", "30d")


def test_a_report_is_the_same_locally_and_through_a_server_and_is_printed(terminal: Terminal) -> None:
    terminal.write("a.csv", ROWS)
    assert terminal.run(*IMPORT).code == 0
    told = json.loads(terminal.run(*ASKED, "--json").out)
    assert told["policies"]["explicit"]["confusion_matrix"] == [[0, 0], [1, 1]]
    assert [value["value"] for value in told["groups"]["values"]] == ["a"]
    ended = terminal.run(*ASKED)
    assert ended.code == 0, ended.err
    for line in (
        "Missed attack: 1 event, of 1 reviewed and decided otherwise",
        "100 % of these events; of all events decided otherwise at most 100 %, at 90 %",
        "Of all events reviewed 2 of 3 (66.7 %); Undecided: 0",
        "Scores, explicit: accuracy 0.500 [",
        "(other values)",
        "Time saved: ",
    ):
        assert line in " ".join(ended.out.split()), ended.out  # wherever its lines break


def test_why_things_were_reviewed_is_printed_where_some_were(terminal: Terminal) -> None:
    terminal.write("a.csv", ROWS)
    assert terminal.run(*IMPORT).code == 0
    ended = terminal.run("report", "told")
    section = ended.out.partition("Why they were reviewed")[2].partition("Errors cost")[0]
    assert [line.split()[:6] for line in section.splitlines() if "said" in line] == [
        ["benign", "not", "said", "1/1", "1.000", "[0.207"],
        ["attack", "not", "said", "0/1", "0.000", "[0.000"],
    ], ended.out
    empty = terminal.run("report", "told", "--filter", "host is z")
    assert empty.code == 0, empty.err
    assert "Why they were reviewed" not in empty.out


def test_people_confidence_and_models_are_printed_where_asked_for(terminal: Terminal) -> None:
    terminal.write("a.csv", ROWS)
    assert terminal.run(*IMPORT).code == 0
    also = ("--also", "agreement", "--also", "models", "--promised-error-rate", "0.05")
    ended = terminal.run("report", "told", *also)
    assert ended.code == 0, ended.err
    for line in (
        "How far people agree: 2 events with votes",
        "Model less analysts: from -1.000 to 1.000: on no decided subject is there a vote and a consensus of the",
        "Is its confidence worth anything: 2 of 3 reviewed",
        "Expected calibration error, of 0 in reviewed bands: from 0.000 to 1.000: no decision with a confidence was",
        "At most 5 % wrong: too few were reviewed to promise 5.00%, even had all been right",
        "Which is better, in events: the decision before, or the decision in force",
        "Flips of 0 events that both decided",
    ):
        assert line in " ".join(ended.out.split()), ended.out  # wherever its lines break
    assert "Which is better" not in terminal.run("report", "told").out
    missing = terminal.run("report", "told", "--first-model", "a")
    assert missing.code == 2
    assert "second_model is missing" in missing.err


def test_a_report_through_a_server(serving: Serving) -> None:
    serving.terminal.write("a.csv", ROWS)
    assert serving.run(*IMPORT).code == 0
    told = json.loads(serving.run(*ASKED, "--filter", "host is b", "--json").out)
    assert (told["level"], told["policies"]["reviewed"]["overall"]["total"]["events"]) == (0.9, 1)
    assert told["costs"]["missed"]["overall"]["rate"]["interval"] == {"low": 0.0, "high": 1.0}
    assert serving.run("report", "told", "--interval", "2h").code == 1
    also = json.loads(serving.run("report", "told", "--also", "agreement", "--also", "models", "--json").out)
    assert (also["agreement"]["subjects_with_votes"], also["confidence"], also["models"]["flips"]) == (2, None, [])
