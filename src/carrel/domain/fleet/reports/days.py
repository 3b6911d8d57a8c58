"""Days on the reader's own calendar, for charts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta

from carrel.domain.fleet.reports.ground import Ground

_MOST_DAYS = 62
"""More columns than these are drawn a week each."""


def counted(ground: Ground, moments: Iterable[datetime]) -> tuple[tuple[str, float], ...]:
    """Return how many moments fall on each day of the time asked for; long times by weeks."""
    tally = Counter(ground.local(one).date() for one in moments)
    return filled(ground, {day: float(count) for day, count in tally.items()})


def filled(ground: Ground, numbers: Mapping[date, float]) -> tuple[tuple[str, float], ...]:
    """Return a number for every day of the time asked for, also where there was nothing."""
    since, until = ground.span
    first, last = ground.local(since).date(), ground.local(until).date()
    length = (last - first).days + 1
    step = 1 if length <= _MOST_DAYS else 7
    sums = dict.fromkeys(range(0, length, step), 0.0)
    for day, number in numbers.items():
        at = (day - first).days
        if 0 <= at < length:
            sums[at - at % step] += number
    return tuple(
        ((first + timedelta(days=at)).isoformat(), round(sums[at], 2)) for at in sorted(sums)
    )


def shared(ground: Ground, begin: datetime, end: datetime) -> Iterator[tuple[date, timedelta]]:
    """Yield each day that a stretch of time touches, with how much of it."""
    at = begin
    while at < end:
        until = min(end, _midnight_after(ground, at))
        yield ground.local(at).date(), until - at
        at = until


def _midnight_after(ground: Ground, at: datetime) -> datetime:
    """Return when the next day begins on the reader's calendar; a day may have 23 hours, or 25."""
    here = ground.local(at)
    guess = at + timedelta(days=1) - _since_midnight(here)
    there = ground.local(guess)
    if there.date() == here.date():
        return guess + timedelta(days=1) - _since_midnight(there)
    nearer = guess - _since_midnight(there)
    return guess if ground.local(nearer).date() == here.date() else nearer


def _since_midnight(here: datetime) -> timedelta:
    return timedelta(
        hours=here.hour, minutes=here.minute, seconds=here.second, microseconds=here.microsecond
    )
