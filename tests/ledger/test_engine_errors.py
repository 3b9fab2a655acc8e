"""What the engine's errors are told as."""

from __future__ import annotations

import socket

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from trueline.ledger.engine import Engine
from trueline.ledger.engine_errors import translated
from trueline.ledger.errors import LedgerAwayError, LedgerBusyError, LedgerDamagedError, LedgerError, LedgerFullError

PART = "(while reading from part /data/ledger/store/abc/def/all_1_1_0/ located on disk default)"


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        (76, f"Cannot open file: , errno: 24, strerror: Too many open files: {PART}", LedgerBusyError),
        (76, f"Cannot open file: , errno: 23, strerror: Too many open files in system: {PART}", LedgerBusyError),
        (173, f"Cannot mmap: , errno: 12, strerror: Cannot allocate memory: {PART}", LedgerBusyError),
        (76, f"Cannot open file: , errno: 2, strerror: No such file or directory: {PART}", LedgerDamagedError),
        (40, f"Checksum doesn't match: {PART}", LedgerDamagedError),
        (75, "Cannot write: , errno: 122, strerror: Disk quota exceeded", LedgerFullError),
        (62, "Syntax error", LedgerError),
    ],
)  # fmt: skip
def test_a_shortage_is_no_damage(code: int, said: str, told: type[LedgerError]) -> None:
    error = DatabaseError(said)
    error.code = code
    assert type(translated(error)) is told


def test_a_server_that_does_not_answer_is_away_and_its_address_untold() -> None:
    error = OperationalError("Error Timeout executing HTTP request attempt 1 (http://user@the-host:8123)")
    away = translated(error)
    assert isinstance(away, LedgerAwayError)
    assert "the-host" not in str(away)


def test_nor_is_the_address_told_where_none_can_be_opened() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        host, port = taken.getsockname()
        with pytest.raises(LedgerAwayError) as away:
            Engine(f"clickhouse://{host}:{port}", "trueline", query_seconds=1, query_memory_bytes=0, cache_bytes=0)
    assert str(port) not in str(away.value)
