"""Keys and free text stay out of the log and of errors, and the gate would tell if they did not."""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING

import pytest

import concealed
from concealed import Secrets, Sending, check_noted, compare_times, conceal, notes_taken
from gate import BrokenError
from trueline.service.keys import KeyRing
from wire import Answer, Wire

if TYPE_CHECKING:
    from pathlib import Path

CHANCE = random.Random(1)  # noqa: S311 - test data
KEY = "trl_abcdefghij23_" + "x1Y" * 14 + "z_0123abcd"
TELLS_ALL = """
import sys
import trueline.log

trueline.log._said = str
trueline.log.without_keys = str
sys.path.insert(0, {gates!r})
import talkative

talkative.main(sys.argv[1])
"""


def test_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = conceal(tmp_path, 300, seed=1)
    assert "nothing told" in figures
    assert sum(map(int, re.findall(r"(\d+) x \d{3}", figures))) == 300  # each request once, and nothing else
    with capsys.disabled():
        print(f"\nconcealed: {figures}")  # noqa: T201 - the figure of the gate


def test_a_log_that_has_what_exceptions_say_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "tells_all.py"
    script.write_text(TELLS_ALL.format(gates=str(concealed.TALKATIVE.parent)), encoding="utf-8")
    monkeypatch.setattr(concealed, "TALKATIVE", script)
    monkeypatch.setattr(concealed, "_FAILING_SHARE", 0.9)
    with pytest.raises(BrokenError, match="told"):
        conceal(tmp_path, 100, seed=2)


@pytest.mark.parametrize(
    ("status", "body"), [(422, KEY), (422, KEY[:40]), (200, f'{{"accepted":0,"rejected":["{KEY}"]}}'), (500, "")]
)
def test_an_answer_that_tells_a_key_or_is_a_fault_is_noticed(status: int, body: str) -> None:
    sending = Sending(Wire("http://127.0.0.1:1", KEY), Secrets([], ["x1Yx1Yx1Yx1Yx1Y"]), [], 1, [], "", CHANCE)
    with pytest.raises(BrokenError):
        sending.look("GET /", Answer(status, [], body.encode()), failing=False)
    sending.look("GET /", Answer(200, [], KEY.encode()), failing=False)  # a document has what was sent


def test_notes_are_counted_where_they_were_taken_and_nowhere_else() -> None:
    lines = b'{"note":"word"}\n{"note":"word"}\n{"label":"Drop"}\n{"note":"a word"}'
    taken = json.dumps({"accepted": 3, "replaced": 0, "rejected": [{"line": 2, "error": "unknown event"}]}).encode()
    vote, query = "/api/v1/events/{job}/{event}/feedback", "/api/v2/events/{job}/{event}/feedback"
    assert notes_taken("/api/v2/jobs/{job}/votes/bulk", lines, "word", Answer(200, [], taken)) == 2
    assert notes_taken("/api/v2/jobs/{job}/votes/bulk", lines, "word", Answer(503, [], b"{}")) == 0
    assert notes_taken(vote, b'{"closing_notes":"word"}', "word", Answer(200, [], b"{}")) == 1
    assert notes_taken(vote, b'{"closing_notes":"word"}', "word", Answer(422, [], b"{}")) == 0
    assert notes_taken(vote, b'{"label":"Drop"}', "word", Answer(200, [], b"{}")) == 0
    assert notes_taken(query, b'{"closing_notes":"word"}', "word", Answer(200, [], b"{}")) == 0  # its body is not read


@pytest.mark.parametrize(("noted", "requests"), [(0, 10), (49, 10_000)])
def test_hardly_any_note_shows_nothing(noted: int, requests: int) -> None:
    with pytest.raises(BrokenError, match="nothing is shown"):
        check_noted(noted, requests)
    check_noted(noted + 1, requests)


def test_a_comparison_letter_by_letter_is_noticed() -> None:
    def answer(wrong: str) -> None:
        for one, other in zip(wrong, KEY, strict=True):
            if one != other:
                return
            KeyRing.__doc__ and sum(range(30))

    with pytest.raises(BrokenError, match="takes longer"):
        compare_times(answer, KEY, 300, CHANCE)
