"""Spans of time as people write them: 90m, 2h, 1d12h."""

import re
from datetime import timedelta

from carrel.errors import BadInputError

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)")
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def span_of(text: str, *, unit: str = "") -> timedelta:
    """Return the span of time that a text means.

    Args:
        text: Such as `90m`, `2h`, `1d12h`.
        unit: What a number alone counts; none: a number alone is refused.

    Raises:
        BadInputError: `bad_duration`.
    """
    written = text.strip().lower()
    if unit and re.fullmatch(r"\d+(?:\.\d+)?", written):
        written += unit
    parts = _PART.findall(written)
    if not parts or _PART.sub("", written).strip():
        raise _bad(text)
    try:
        found = sum((float(number) * _UNITS[name] for number, name in parts), timedelta())
    except OverflowError:
        raise _bad(text) from None
    if found <= timedelta():
        raise _bad(text, why="It must be longer than nothing.")
    return found


def brief_span(length: timedelta) -> str:
    """Return a span for a column of a table: its two largest units, such as `2d 1h` or `35m`."""
    minutes = round(abs(length) / timedelta(minutes=1))
    sign = "-" if length < timedelta(0) and minutes else ""
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days:,}d {hours}h" if hours else f"{sign}{days:,}d"
    if hours:
        return f"{sign}{hours}h {minutes}m" if minutes else f"{sign}{hours}h"
    return f"{sign}{minutes}m"


def _bad(text: str, why: str = "It has numbers with units: s, m, h, d or w.") -> BadInputError:
    return BadInputError(
        "bad_duration",
        f"{text!r} is no span of time.",
        why=why,
        cure="Write it as 90m, 2h or 1d12h.",
    )
