"""The engine reads dates as `trueline.instants` does."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from trueline.filters.operators import Comparison
from trueline.instants import format_instant, from_micros, parse_instant
from trueline.ledger.parameters import Parameters
from trueline.ledger.predicates import moment_text, text_compares

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine

TEXTS = 4_000
ODD = [
    "",
    " ",
    "2025",
    "\uff12\uff10\uff12\uff15-01-01",
    "2025-01-01\0",
    "0000-01-01",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59-23:59",
]


def generated(seed: int) -> list[str]:
    """Texts that are dates, and texts that are not quite."""
    choose = random.Random(seed)  # noqa: S311 - test data
    texts = []
    for _ in range(TEXTS):
        year = choose.choice(
            ["1899", "1900", "1969", "1970", "2000", "2024", "2025", "2100", "2299", "2300", "0000", "25"]
        )
        month, day = f"{choose.randint(0, 13):02}", f"{choose.choice([0, 1, 15, 28, 29, 30, 31, 32]):02}"
        text = f"{year}-{month}-{day}"
        if choose.random() < 0.8:
            text += choose.choice("T ") + f"{choose.choice([0, 9, 23, 24]):02}:{choose.choice([0, 59, 60]):02}"
            if choose.random() < 0.8:
                text += f":{choose.choice([0, 30, 59, 60]):02}"
                text += choose.choice(["", "", ".5", ",25", ".123456", ".1234567899", ".", ".000000"])
            text += choose.choice(
                [
                    "",
                    "Z",
                    "z",
                    "+00:00",
                    "-00:00",
                    "+0200",
                    " 02:00",
                    "-11",
                    "+23:59",
                    "-23:59",
                    "+24:00",
                    "+02:60",
                    "+2",
                ]
            )
        if choose.random() < 0.1:
            place = choose.randrange(len(text))
            text = text[:place] + choose.choice(["", " ", "x", "٣", "\n", "'", "00"]) + text[place + 1 :]
        texts.append(text)
    return [*ODD, *texts]


@pytest.mark.parametrize("comparison", [Comparison.LESS, Comparison.GREATER_OR_EQUAL])
@pytest.mark.parametrize("bound", ["2000-01-01", "2024-02-29T09:00:30.5Z"])
def test_the_engine_reads_dates_as_we_do(engine: Engine, comparison: Comparison, bound: str) -> None:
    texts, moment = generated(len(bound)), parse_instant(bound)
    into = Parameters(texts=texts)
    test = text_compares(comparison, "text", moment, into)
    rows = engine.rows(f"SELECT toUInt8({test}) FROM (SELECT arrayJoin({{texts:Array(String)}}) AS text)", into.values)  # noqa: S608
    read = [read_or_none(text) for text in texts]
    assert 500 < sum(each is not None for each in read) < TEXTS - 500
    for text, ours, (theirs,) in zip(texts, read, rows, strict=True):
        met = ours is not None and (ours < moment if comparison is Comparison.LESS else ours >= moment)
        assert bool(theirs) == met, text


def read_or_none(text: str) -> datetime | None:
    try:
        return parse_instant(text)
    except ValueError:
        return None


def test_the_engine_shows_moments_as_we_do(engine: Engine) -> None:
    choose = random.Random(1)  # noqa: S311 - test data
    first, last = datetime(1900, 1, 1, tzinfo=UTC), datetime(2299, 12, 31, tzinfo=UTC)
    seconds = [choose.randint(int(first.timestamp()), int(last.timestamp())) for _ in range(500)]
    micros = [second * 1_000_000 + choose.choice([0, 1, 500_000, 999_999]) for second in seconds]
    shown = moment_text("fromUnixTimestamp64Micro(micros, 'UTC')")
    rows = engine.rows(f"SELECT {shown} FROM (SELECT arrayJoin({{m:Array(Int64)}}) AS micros)", {"m": micros})  # noqa: S608
    assert [row[0] for row in rows] == [format_instant(from_micros(each)) for each in micros]
