"""Spans of time and moments, as people write them and read them."""

from datetime import UTC, datetime, timedelta

import pytest

from carrel.cli.fleets.moments import moment_of
from carrel.cli.fleets.spans import brief_span, span_of
from carrel.errors import BadInputError

NOW = datetime(2026, 11, 21, 16, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90m", 90 * MINUTE),
        ("2h", 2 * HOUR),
        (" 1D12h ", 36 * HOUR),
        ("1h 30min", 90 * MINUTE),
        ("1.5h", 90 * MINUTE),
        ("1w", 7 * DAY),
        ("45s", timedelta(seconds=45)),
    ],
)
def test_spans_are_read(text: str, span: timedelta) -> None:
    assert span_of(text) == span


@pytest.mark.parametrize(
    "text", ["", "h", "2", "-2h", "2 hours", "0h", "2h!", "1e400d", "9" * 400 + "h", "²h"]
)
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        span_of(text)
    assert caught.value.code == "bad_duration"


def test_a_number_alone_counts_in_the_unit_that_a_command_says() -> None:
    assert span_of("12", unit="h") == 12 * HOUR
    assert span_of("5", unit="m") == 5 * MINUTE


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (35 * MINUTE, "35m"),
        (2 * HOUR, "2h"),
        (90 * MINUTE, "1h 30m"),
        (2 * DAY + HOUR + MINUTE, "2d 1h"),
        (DAY - timedelta(seconds=1), "1d"),
        (timedelta(seconds=5), "0m"),
    ],
)
def test_columns_have_the_two_largest_units(span: timedelta, told: str) -> None:
    assert brief_span(span) == told


def test_moments_are_days_moments_or_spans_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    assert moment_of("2026-11-01", NOW) == datetime(2026, 11, 1, tzinfo=UTC)
    assert moment_of("2026-11-01", NOW, ends=True) == datetime(2026, 11, 2, tzinfo=UTC)
    assert moment_of("2026-11-01T18:00+01:00", NOW) == datetime(2026, 11, 1, 17, tzinfo=UTC)
    assert moment_of("7d", NOW) == NOW - 7 * DAY
    for wrong in ("yesterday", "2026-13-01", "", "9999999w"):
        with pytest.raises(BadInputError) as caught:
            moment_of(wrong, NOW)
        assert caught.value.code == "bad_moment"
