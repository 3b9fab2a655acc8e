"""Intervals as the clock on the wall has them."""

from __future__ import annotations

from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from trueline.instants import format_instant, from_micros, parse_micros
from trueline.metrics.local_time import local_bounds

HOUR = 3_600_000_000


def bounds(first: str, last: str, interval: str, zone: str) -> list[str]:
    found = local_bounds(parse_micros(first), parse_micros(last), interval, ZoneInfo(zone))
    return [format_instant(from_micros(bound)) for bound in found]


def test_hours_hold_the_first_and_the_last_moment_and_no_more() -> None:
    assert bounds("2025-01-01T05:59:59.999999", "2025-01-01T07:00:00", "1h", "UTC") == [
        "2025-01-01T05:00:00Z",
        "2025-01-01T06:00:00Z",
        "2025-01-01T07:00:00Z",
        "2025-01-01T08:00:00Z",
    ]


def test_hours_where_the_clock_is_half_an_hour_apart() -> None:
    assert bounds("2025-01-01T05:45", "2025-01-01T05:45", "1h", "Asia/Kolkata") == [
        "2025-01-01T05:30:00Z",
        "2025-01-01T06:30:00Z",
    ]


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2025-03-30", "Europe/Berlin", 23),
        ("2025-10-26", "Europe/Berlin", 25),
        ("2025-06-01", "Europe/Berlin", 24),
        ("2018-11-04", "America/Sao_Paulo", 23),  # its midnight is skipped
        ("2025-11-02", "America/Havana", 25),  # its midnight comes twice
        ("2025-04-06", "Australia/Lord_Howe", 24.5),
    ],
)
def test_a_day_is_as_long_as_its_clock_says(day: str, zone: str, hours: float) -> None:
    noon = parse_micros(f"{day}T12:00:00")
    begins, ends = local_bounds(noon, noon, "1d", ZoneInfo(zone))
    assert (ends - begins) / HOUR == hours
    by_hour = local_bounds(begins, ends - 1, "1h", ZoneInfo(zone))
    assert (by_hour[0], by_hour[-1]) == (begins, ends)
    assert all(0 < after - before <= HOUR for before, after in pairwise(by_hour))


def test_a_day_that_a_zone_left_out_is_none() -> None:
    assert bounds("2011-12-29T12:00", "2011-12-31T00:00", "1d", "Pacific/Apia") == [
        "2011-12-29T10:00:00Z",
        "2011-12-30T10:00:00Z",
        "2011-12-31T10:00:00Z",
    ]


def test_weeks_are_counted_from_1970_also_before_it() -> None:
    assert bounds("1969-12-31T12:00", "1970-01-07T23:00", "7d", "UTC") == [
        "1969-12-25T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "1970-01-08T00:00:00Z",
    ]
    assert len(bounds("2025-01-01", "2025-12-31", "30d", "Europe/Berlin")) == 14
