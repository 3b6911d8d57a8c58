"""Autostart schedules: a time of day on some weekdays, the only cron line the deployment takes."""

from datetime import datetime
from functools import lru_cache

from carrel.domain.fleet.schedule import DailyTime, parse_daily

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
WHOLE_WEEK = frozenset(range(7))


@lru_cache(maxsize=4096)
def weekly(schedule: str) -> tuple[DailyTime, frozenset[int]]:
    """Read `CRON_TZ=ZONE m h * * DOW` into a time of day and weekdays, Monday is 0.

    Raises:
        ValueError: It is something else.
    """
    head, _, days = schedule.strip().rpartition(" ")
    return parse_daily(f"{head} *"), _weekdays(days)


def next_start(schedule: str, after: datetime, allowed: frozenset[int]) -> datetime | None:
    """Return the first autostart after a moment; None when there is none within two weeks."""
    time, days = weekly(schedule)
    moment = after
    for _ in range(15):
        moment = time.next_after(moment)
        if moment.astimezone(time.zone).weekday() in days & allowed:
            return moment
    return None


def _weekdays(text: str) -> frozenset[int]:
    if text == "*":
        return WHOLE_WEEK
    found: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = part.partition("-")
        begin, end = _day(first), _day(last or first)
        found.update(range(begin, end + 1))
    if not found:
        raise ValueError(f"{text!r} names no weekday")
    return frozenset((day - 1) % 7 for day in found)


def _day(text: str) -> int:
    if text in DAYS:
        return DAYS.index(text)
    if text.isdecimal() and int(text) <= 7:  # noqa: PLR2004 - both 0 and 7 are Sunday
        return int(text)
    raise ValueError(f"{text!r} is no weekday")
