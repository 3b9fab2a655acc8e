"""A question right after an acknowledgement includes it, and the gate would tell if it did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gate import BrokenError
from oracle import JobTerms, Oracle
from own_writes import ASKED, Writer, write_and_read
from writing import LABELS, Job

if TYPE_CHECKING:
    import http.client
    from pathlib import Path

WRITES = 36


def test_what_was_acknowledged_is_in_the_next_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read = write_and_read(tmp_path, WRITES, seed=1)
    assert read.written.total() == WRITES
    assert read.asked.total() == 2 * WRITES
    assert set(read.asked) == set(ASKED)
    with capsys.disabled():
        print(f"\nown writes: {read}")  # noqa: T201 - the figure of the gate


def test_the_first_request_of_a_job_leaves_something_to_ask_about() -> None:
    for seed in range(1_000):  # one in ten lines is no event, and one in twenty requests has a single line
        job = Job(1, by_bucket=False, told=Oracle(JobTerms(LABELS)))
        Writer(0, seed).next(job).tell(job.told)
        assert job.told.sent


def test_a_write_that_is_not_in_the_next_answer_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(writer: Writer, connection: http.client.HTTPConnection, key: str) -> None:
        pending = writer.pending
        assert pending is not None
        job, request = pending
        if job.told.sent:
            request.tell(job.told)  # as if it had been acknowledged before it could be seen
        else:
            send(writer, connection, key)

    send = Writer.send
    monkeypatch.setattr(Writer, "send", late)
    with pytest.raises(BrokenError, match=r"right after (POST|PUT) .* instead of|right after .* no field"):
        write_and_read(tmp_path, WRITES, seed=2)
