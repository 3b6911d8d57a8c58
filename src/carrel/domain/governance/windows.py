"""Recurring windows of time: weekdays, overnight, zones, daylight saving, holidays.

A window begins (ends) at the first moment at which the wall clock of its zone shows its time or
a later one. So a time that daylight saving skips counts from the jump, and one that comes twice
counts the first time.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import chain
from zoneinfo import ZoneInfo

from carrel.domain.records import dataclass

EVERY_DAY = frozenset(range(7))
_DAY = timedelta(days=1)
_AROUND = 9
"""Days looked at around a moment: a week and what hangs over its ends."""
_NEAR = (-3, 2)
"""Days that mostly are enough: a stretch that reaches beyond them is followed."""
_FARTHEST = 60
"""A stretch of more days than this is taken to have no end."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window that begins on certain weekdays.

    Attributes:
        start: Wall-clock time at which it begins.
        end: At which it ends: on the next day if it is not after `start`.
        days: Weekdays on which it begins, Monday is 0.
    """

    start: time
    end: time
    days: frozenset[int] = EVERY_DAY


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days, from the first to the last, both counted: holidays, a vacation."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time without a break, from a moment up to another; None: without an end."""

    start: datetime
    end: datetime | None

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class State:
    """A moment among windows.

    Attributes:
        present: The stretch that it lies in; None outside.
        change: When inside and outside change places next; None: never.
        last_end: When the last stretch ended, outside and within the last days.
    """

    present: Stretch | None
    change: datetime | None
    last_end: datetime | None


@dataclass(frozen=True, slots=True)
class Timetable:
    """Windows that recur in one zone, and whole days that lie inside altogether.

    Attributes:
        zone: Whose wall clock counts.
        windows: The windows; those that meet are one.
        whole_days: Days that lie inside from midnight to midnight.
        free_days: Days on which no window begins.
        length: If given, every window is so long, whatever its end says.
    """

    zone: ZoneInfo
    windows: tuple[Window, ...] = ()
    whole_days: tuple[Days, ...] = ()
    free_days: tuple[Days, ...] = ()
    length: timedelta | None = None

    def state(self, at: datetime) -> "State":
        """Return everything about a moment that is cheap to know together."""
        day = self._day(at)
        near = _near(self, day)
        found = next((one for one in near if at in one), None)
        if found is not None:
            present = self._whole(found, day)
            return State(present, present.end, None)
        ends = [one.end for one in near if one.end is not None and one.end <= at]
        starts = [one.start for one in near if one.start > at]
        return State(
            None,
            starts[0] if starts else self._next_start(at),
            ends[-1] if ends else self.last_end(at),
        )

    def present(self, at: datetime) -> Stretch | None:
        """Return the stretch that a moment lies in; None outside."""
        return self.state(at).present

    def off(self, at: datetime) -> bool:
        """Tell whether a moment is on a day that lies inside altogether."""
        day = self._day(at)
        return any(day in days for days in self.whole_days)

    def following(self, at: datetime) -> Stretch | None:
        """Return the first stretch that begins after a moment; None: there is none."""
        day = self._day(at)
        for centre in self._centres(day):
            for one in self.merged(centre):
                if one.start > at:
                    start = self._true_start(one)
                    if start > at:
                        return Stretch(start, self._true_end(one))
        return None

    def last_end(self, at: datetime) -> datetime | None:
        """Return when the last stretch ended, at a moment outside; None: not in the last days."""
        ends = [
            one.end for one in self.merged(self._day(at)) if one.end is not None and one.end <= at
        ]
        return max(ends, default=None)

    def change(self, at: datetime) -> datetime | None:
        """Return when inside and outside change places next; None: never."""
        return self.state(at).change

    def _next_start(self, at: datetime) -> datetime | None:
        following = self.following(at)
        return following.start if following else None

    def _whole(self, found: Stretch, day: date) -> Stretch:
        """Follow a stretch beyond the days near by, where it may reach further."""
        start, end = found.start, found.end
        if self._day(start) < day + _NEAR[0] * _DAY + 2 * _DAY:
            start = self._true_start(found)
        if end is None or self._day(end) > day + _NEAR[1] * _DAY:
            end = self._true_end(found)
        return Stretch(start, end)

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def _centres(self, day: date) -> list[date]:
        """The days around which the next stretch can begin: soon, or at a far holiday."""
        far = sorted(days.first for days in self.whole_days if days.first > day)
        weeks = [day + timedelta(days=ahead) for ahead in range(0, 8 * _AROUND, _AROUND)]
        return [*weeks, *(first for first in far if first > weeks[-1])]

    def merged(self, centre: date, first: int = -_AROUND, last: int = _AROUND) -> list[Stretch]:
        """Return the stretches of the days around one; at both ends they may reach further."""
        days = (centre + timedelta(days=ahead) for ahead in range(first, last + 1))
        return _joined(chain.from_iterable(self._on(day) for day in days))

    def _on(self, day: date) -> list[tuple[datetime, datetime]]:
        found: list[tuple[datetime, datetime]] = []
        if any(day in days for days in self.whole_days):
            found.append((self._first(day, time()), self._first(day + _DAY, time())))
        if any(day in days for days in self.free_days):
            return found
        weekday = day.weekday()
        return found + [self._between(day, one) for one in self.windows if weekday in one.days]

    def _between(self, day: date, window: Window) -> tuple[datetime, datetime]:
        start = self._first(day, window.start)
        if self.length is not None:
            return start, start + self.length
        last = day if window.end > window.start else day + _DAY
        return start, self._first(last, window.end)

    def _first(self, day: date, at: time) -> datetime:
        return first_moment(datetime.combine(day, at), self.zone)

    def _true_start(self, found: Stretch) -> datetime:
        """Follow windows that meet back to where they began."""
        start, limit = found.start, found.start - _FARTHEST * _DAY
        while start > limit:
            before = self.merged(self._day(start - _DAY))
            earlier = next(one for one in before if start in one or one.end == start)
            if earlier.start >= start:
                break
            start = earlier.start
        return start

    def _true_end(self, found: Stretch) -> datetime | None:
        """Follow windows that meet to where they end; None: none is in sight."""
        end = found.end
        limit = found.start + _FARTHEST * _DAY
        while end is not None and end < limit:
            later = next((one for one in self.merged(self._day(end)) if end in one), None)
            if later is None or later.end is None:
                return end
            end = later.end
        return None


@lru_cache(maxsize=4096)
def _near(timetable: Timetable, day: date) -> tuple[Stretch, ...]:
    """Return the stretches near a day: the same for all of its moments, and asked for each."""
    return tuple(timetable.merged(day, *_NEAR))


def first_moment(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first moment, in UTC, at which a zone's wall clock shows a time or a later one."""
    aware = wall.replace(tzinfo=zone)
    before = aware.utcoffset() or timedelta()
    after = aware.replace(fold=1).utcoffset() or timedelta()
    utc = wall.replace(tzinfo=UTC)
    if before >= after:
        return utc - before
    # The clock jumps over it: the jump lies between the two readings.
    low, high = utc - after, utc - before
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(zone).replace(tzinfo=None) >= wall:
            high = middle
        else:
            low = middle
    return high


def _joined(pairs: "chain[tuple[datetime, datetime]]") -> list[Stretch]:
    found: list[Stretch] = []
    for start, end in sorted(pairs):
        last = found[-1] if found else None
        if start >= end:
            continue  # daylight saving jumped over the whole window
        if last is not None and last.end is not None and start <= last.end:
            found[-1] = Stretch(last.start, max(end, last.end))
        else:
            found.append(Stretch(start, end))
    return found
