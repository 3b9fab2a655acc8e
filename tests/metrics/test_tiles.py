"""Intervals that tile a window."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.instants import format_instant, from_micros, parse_micros
from trueline.metrics.tiles import WIDTHS, how_many, tiling

moments = st.integers(parse_micros("1900-01-01"), parse_micros("2299-12-31"))


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("1h", "2025-03-01T12:00:00Z"),
        ("1d", "2025-03-01T00:00:00Z"),
        ("7d", "2025-02-27T00:00:00Z"),
        ("15d", "2025-02-26T00:00:00Z"),
        ("30d", "2025-02-11T00:00:00Z"),
    ],
)
def test_an_interval_begins_at_a_multiple_of_its_width_in_utc(name: str, begins: str) -> None:
    moment = parse_micros("2025-03-01T12:34:56.789Z")
    (only,) = tiling(moment, moment, WIDTHS[name], None, None)
    assert format_instant(from_micros(only.start)) == begins
    assert (only.key, only.end) == (only.start, only.start + WIDTHS[name])


def test_before_1970_they_begin_before_their_moments_too() -> None:
    (only,) = tiling(-1, -1, WIDTHS["1d"], None, None)
    assert (only.start, only.end) == (-WIDTHS["1d"], 0)


def test_the_first_and_the_last_are_cut_to_the_window() -> None:
    start, end = parse_micros("2025-01-01T10:30:00Z"), parse_micros("2025-01-01T12:15:00Z")
    tiles = tiling(start, end - 1, WIDTHS["1h"], start, end)
    assert [(format_instant(from_micros(each.start)), format_instant(from_micros(each.end))) for each in tiles] == [
        ("2025-01-01T10:30:00Z", "2025-01-01T11:00:00Z"),
        ("2025-01-01T11:00:00Z", "2025-01-01T12:00:00Z"),
        ("2025-01-01T12:00:00Z", "2025-01-01T12:15:00Z"),
    ]
    assert tiles[0].key == parse_micros("2025-01-01T10:00:00Z")


@given(moments, st.integers(0, 100 * WIDTHS["1d"]), st.sampled_from(sorted(WIDTHS)))
def test_they_tile_without_a_gap_and_are_as_many_as_was_said(first: int, more: int, name: str) -> None:
    width, last = WIDTHS[name], first + more
    tiles = tiling(first, last, width, None, None)
    assert len(tiles) == how_many(first, last, width)
    assert tiles[0].start <= first < tiles[0].end
    assert tiles[-1].start <= last < tiles[-1].end
    assert all(before.end == after.start for before, after in itertools.pairwise(tiles))
