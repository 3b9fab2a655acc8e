"""A disk that fills up: nothing is lost or corrupt, and the gate would tell if it were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from full_disk import Patient, fill_and_compare
from gate import BrokenError, NotRunError

if TYPE_CHECKING:
    from pathlib import Path


def test_writes_are_refused_while_the_disk_is_full_and_taken_in_afterwards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        came = fill_and_compare(tmp_path, 1, seed=1)
    except NotRunError as reason:
        pytest.skip(str(reason))
    assert came.rounds == 1
    assert came.refused.keys() >= {"events", "votes", "a training"}
    assert came.read > 0
    with capsys.disabled():
        print(f"\nfull disk: {came}")  # noqa: T201 - the figure of the gate


def test_a_write_that_is_refused_and_never_sent_again_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forget(client: Patient, status: int, said: bytes) -> bool:
        taken = answered(client, status, said)
        if not taken and client.pending is not None:
            job, request = client.pending
            request.tell(job.told)
            client.pending = None
        return taken

    answered = Patient.answered
    monkeypatch.setattr(Patient, "answered", forget)
    try:
        with pytest.raises(BrokenError, match=r"instead of|should be accepted"):
            fill_and_compare(tmp_path, 1, seed=2)
    except NotRunError as reason:
        pytest.skip(str(reason))
