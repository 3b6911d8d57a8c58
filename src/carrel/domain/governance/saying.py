"""How moments and spans of time are said in reasons."""

from datetime import datetime, timedelta, tzinfo
from functools import lru_cache


@lru_cache(maxsize=4096)  # the same few moments are said of a whole fleet
def moment(at: datetime, zone: tzinfo) -> str:
    """Say a moment on a zone's wall clock, with the zone named."""
    return f"{at.astimezone(zone).isoformat(' ')[:16]} {zone}"


def span(length: timedelta) -> str:
    """Say a span of time, such as `1 h 30 min`; less than a minute is said in seconds."""
    seconds = round(length.total_seconds())
    if 0 < seconds < 60 and seconds % 60:  # noqa: PLR2004 - a minute
        return f"{seconds} s"
    minutes = round(seconds / 60)
    days, rest = divmod(abs(minutes), 24 * 60)
    hours, minutes_left = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes_left, "min")]
    said = " ".join(f"{number} {unit}" for number, unit in parts if number)
    return ("-" if minutes < 0 else "") + (said or "0 min")
