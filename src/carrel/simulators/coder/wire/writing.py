"""How values travel: times, spans, ids, and JSON bytes."""

import json
from datetime import UTC, datetime, timedelta

ZERO_TIME = "0001-01-01T00:00:00Z"
"""What a Go program sends for a time that never was."""
NO_ID = "00000000-0000-0000-0000-000000000000"
PRESENT = "@present@"
"""Stands in cached JSON for the moment of the answer."""
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def stamp(moment: datetime) -> str:
    """Write a moment as RFC 3339."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def maybe(moment: datetime | None) -> str | None:
    """Write a moment, or null."""
    return None if moment is None else stamp(moment)


def or_zero(moment: datetime | None) -> str:
    """Write a moment, or Go's zero time."""
    return ZERO_TIME if moment is None else stamp(moment)


def millis(span: timedelta | None) -> int:
    """Write a span in milliseconds; none is 0."""
    return 0 if span is None else span // timedelta(milliseconds=1)


def weekdays(days: frozenset[int]) -> list[str]:
    """Write weekdays, of which Monday is 0."""
    return [DAYS[day] for day in sorted(days)]


def dumps(content: object) -> bytes:
    """Write JSON."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def present(content: bytes, now: datetime) -> bytes:
    """Put the moment of the answer where it belongs."""
    return content.replace(PRESENT.encode(), stamp(now).encode())
