"""Every change of the clock in a leap year, in every zone that has one."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
_BEGIN, _END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)


@cache
def clock_changes() -> tuple[tuple[ZoneInfo, datetime], ...]:
    """Return each first minute that another offset holds; of zones that change alike, one."""
    known: dict[tuple[tuple[datetime, timedelta], ...], str] = {}
    for name in sorted(available_timezones()):
        turns = tuple(_turns(ZoneInfo(name)))
        if turns:
            known.setdefault(((_BEGIN, _offset(ZoneInfo(name), _BEGIN)), *turns), name)
    return tuple((ZoneInfo(name), at) for turns, name in known.items() for at, _ in turns[1:])


def _turns(zone: ZoneInfo) -> list[tuple[datetime, timedelta]]:
    found: list[tuple[datetime, timedelta]] = []
    day = _BEGIN
    while day < _END:
        if _offset(zone, day) != _offset(zone, day + DAY):
            at = next(
                at
                for at in (day + n * MINUTE for n in range(1, 1441))
                if _offset(zone, at) != _offset(zone, day)
            )
            found.append((at, _offset(zone, at)))
        day += DAY
    return found


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset
