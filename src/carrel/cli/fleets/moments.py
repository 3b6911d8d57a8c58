"""Moments as people write them: a day, a moment, or a span of time ago."""

import re
from datetime import UTC, date, datetime, time, timedelta

from carrel.cli.fleets.spans import span_of
from carrel.errors import BadInputError

_CLOCK = re.compile(r"\d\d:\d\d")


def moment_of(text: str, now: datetime, *, ends: bool = False) -> datetime:
    """Return the moment that a text means, in UTC.

    A day alone is its first moment in the person's own zone, or its last where a time ends;
    a moment without a zone is in the person's own.

    Args:
        text: Such as `2026-11-01`, `2026-11-01T18:00+01:00`, or `7d` for seven days ago.
        now: What a span counts from.
        ends: Whether it ends a time.

    Raises:
        BadInputError: `bad_moment`.
    """
    written = text.strip()
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return _moment(written, now)
    if ends:
        day += timedelta(days=1)
    return datetime.combine(day, time()).astimezone().astimezone(UTC)  # the day is local


def coming(text: str, now: datetime) -> datetime:
    """Return the moment that a text means: `+8h` is in eight hours, `22:00` when it is so next.

    Raises:
        BadInputError: `bad_moment` or `bad_duration`.
    """
    written = text.strip()
    if written.startswith("+"):
        return now + span_of(written[1:], unit="h")
    if _CLOCK.fullmatch(written) is None:
        return moment_of(written, now)
    try:
        clock = time.fromisoformat(written)
    except ValueError:
        return moment_of(written, now)
    today = datetime.combine(now.astimezone().date(), clock)
    found = today.astimezone().astimezone(UTC)
    return found if found > now else (today + timedelta(days=1)).astimezone().astimezone(UTC)


def _moment(written: str, now: datetime) -> datetime:
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    try:
        return now - span_of(written)
    except (BadInputError, OverflowError) as error:
        raise BadInputError(
            "bad_moment",
            f"{written!r} is no moment.",
            why="It is a day, a moment, or how long ago.",
            cure="Write it as 2026-11-01, 2026-11-01T18:00 or 7d.",
        ) from error
