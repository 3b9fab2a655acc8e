"""Moments read from texts and shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.instants import (
    format_instant,
    from_micros,
    is_bare_date,
    parse_end,
    parse_instant,
    parse_start,
    to_micros,
)

moments = st.datetimes(datetime(1900, 1, 2), datetime(2299, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2025-01-01", "2025-01-01T00:00:00Z"),
        ("2025-01-01T10:20", "2025-01-01T10:20:00Z"),
        ("2025-01-01T10:20:30", "2025-01-01T10:20:30Z"),
        ("2025-01-01 10:20:30Z", "2025-01-01T10:20:30Z"),
        ("2025-01-01T10:20:30.5Z", "2025-01-01T10:20:30.500000Z"),
        ("2025-01-01T10:20:30,25Z", "2025-01-01T10:20:30.250000Z"),
        ("2025-01-01T10:20:30.123456999Z", "2025-01-01T10:20:30.123456Z"),
        ("2025-01-01T00:00:00+02:00", "2024-12-31T22:00:00Z"),
        ("2025-01-01T00:00:00 02:00", "2024-12-31T22:00:00Z"),
        ("2025-01-01T00:00:00+0200", "2024-12-31T22:00:00Z"),
        ("2025-01-01T00:00:00-02", "2025-01-01T02:00:00Z"),
        ("2025-01-01T00:00:00+0000", "2025-01-01T00:00:00Z"),
        ("2024-02-29", "2024-02-29T00:00:00Z"),
        ("1900-01-01", "1900-01-01T00:00:00Z"),
        ("2299-12-31T23:59:59.999999Z", "2299-12-31T23:59:59.999999Z"),
        ("2300-01-01T01:00:00+02:00", "2299-12-31T23:00:00Z"),
    ],
)
def test_a_date_or_time_is_read_as_a_moment_in_utc(text: str, shown: str) -> None:
    assert format_instant(parse_instant(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "now",
        "20250101",
        "2025-1-1",
        "2025-01",
        "1735689600",
        "2025-01-01T",
        "2025-01-01T10",
        "2025-01-01Z",
        "2025-13-01",
        "2025-00-10",
        "2025-02-29",
        "2025-01-32",
        "2025-01-01T24:00",
        "2025-01-01T10:60",
        "2025-01-01T10:20:60",
        "2025-01-01T10:20:30.",
        "2025-01-01T10:20:30+24:00",
        "2025-01-01T10:20:30+10:60",
        "2025-01-01T10:20:30 Z",
        "2025-01-01T10:20:30+2",
        "2025-01-01T10:20:30++02:00",
        " 2025-01-01",
        "2025-01-01\n",
        "\uff12\uff10\uff12\uff15-01-01",
        "0000-01-01",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-01:00",
        "1899-12-31",
        "2300-01-01",
        "1900-01-01T00:00:00+00:01",
        "2299-12-31T23:59:59-00:01",
        "2025-01-01\x00",
        "�",
    ],
)
def test_every_other_text_is_refused_and_named(text: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the message is looked at here
        parse_instant(text)
    assert repr(text[:60]) in str(refused.value)


def test_a_date_is_its_midnight_as_a_start_and_the_next_midnight_as_an_end() -> None:
    assert parse_start("2024-12-31") == datetime(2024, 12, 31, tzinfo=UTC)
    assert parse_end("2024-12-31") == datetime(2025, 1, 1, tzinfo=UTC)
    assert parse_end("2024-12-31T00:00") == parse_start("2024-12-31T00:00") == datetime(2024, 12, 31, tzinfo=UTC)
    assert [is_bare_date(text) for text in ("2024-12-31", "2024-12-31T00:00", "soon")] == [True, False, False]


@given(moments)
def test_a_moment_shown_or_counted_is_the_same_moment_again(moment: datetime) -> None:
    assert parse_instant(format_instant(moment)) == moment
    assert from_micros(to_micros(moment)) == moment


@given(moments, offsets)
def test_a_moment_is_the_same_in_any_zone(moment: datetime, zone: timezone) -> None:
    elsewhere = moment.astimezone(zone)
    assert parse_instant(elsewhere.isoformat()) == moment
    assert parse_instant(elsewhere.isoformat().replace("+", " ")) == moment
    assert format_instant(elsewhere) == format_instant(moment)


def test_microseconds_are_counted_exactly_before_1970_too() -> None:
    assert to_micros(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1
    assert to_micros(datetime(1970, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == -3_600_000_000
