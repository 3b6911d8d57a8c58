"""In a rehearsal whose time stands still, whoever waits asks for time to pass, by a header."""

from collections.abc import Mapping
from datetime import timedelta

HEADER = "carrel-let-pass"
LONGEST = timedelta(days=1)


def asking(seconds: float) -> dict[str, str]:
    """Return the header that asks for time to pass."""
    return {HEADER: f"{seconds:g}"}


def asked(headers: Mapping[str, str]) -> timedelta:
    """Return how much time is asked for by headers with names in small letters."""
    try:
        span = timedelta(seconds=float(headers.get(HEADER, "0")))
    except (ValueError, OverflowError):
        return timedelta(0)
    return min(max(span, timedelta(0)), LONGEST)
