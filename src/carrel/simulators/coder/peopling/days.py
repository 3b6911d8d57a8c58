"""What a person does on one day: a pure function of habits, day and chance."""

from datetime import date, datetime, time, timedelta
from random import Random

from carrel.domain.records import dataclass
from carrel.simulators.coder.model.people import Habits, Manner

APPEARS = 0.94
WEEKEND = 0.03
SECOND = 0.22
WEB_TOO = 0.15
LEFT_OPEN = {Manner.FORGETFUL: 0.6, Manner.FLAPPING: 0.85}
PAGED = 0.15
LOOKS_IN = 0.15


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody will be connected to a workspace.

    Attributes:
        desk: Which workspace of the person's desk.
        kind: By what.
        begins: From when.
        leaves: When the person goes away.
        ends: When the connection ends; later, when the editor is left open.
    """

    desk: int
    kind: str
    begins: datetime
    leaves: datetime
    ends: datetime


def visits(habits: Habits, day: date, desk: int, luck: Random) -> list[Visit]:
    """Return what a person does on a day.

    Args:
        habits: How the person lives.
        day: The day where the person lives.
        desk: How many workspaces the person has.
        luck: The chance of this person on this day.
    """
    if not desk or habits.manner is Manner.GONE:
        return []
    if habits.manner is Manner.MACHINE:
        return [_night_job(habits, day, place, luck) for place in range(min(desk, 3))]
    if habits.manner is Manner.RARE:
        return _short(habits, day, desk, luck) if luck.random() < LOOKS_IN else []
    found = [_page(habits, day, luck)] if _paged(habits, luck) else []
    if day.weekday() not in habits.weekdays:
        return found + (_short(habits, day, desk, luck) if luck.random() < WEEKEND else [])
    return found + (_working_day(habits, day, desk, luck) if luck.random() < APPEARS else [])


def _working_day(habits: Habits, day: date, desk: int, luck: Random) -> list[Visit]:
    begins = _clock(habits, day, habits.begins + luck.gauss(0, 0.4))
    lunch = begins + timedelta(hours=luck.uniform(3, 4))
    back = lunch + timedelta(minutes=luck.uniform(30, 60))
    leaves = begins + timedelta(hours=habits.hours + luck.gauss(0, 0.5))
    ends = leaves
    if luck.random() < LEFT_OPEN.get(habits.manner, 0.0):
        ends = leaves + timedelta(hours=luck.uniform(8, 18))
    found = [
        Visit(0, habits.tool, begins, lunch, lunch),
        Visit(0, habits.tool, back, leaves, ends),
    ]
    if desk > 1 and luck.random() < SECOND:
        other = luck.randrange(1, desk)
        end = back + (leaves - back) / 2
        found.append(Visit(other, "ssh", back, end, end))
    if luck.random() < WEB_TOO:
        end = begins + timedelta(minutes=20)
        found.append(Visit(0, luck.choice(("reconnecting_pty", "workspace_app")), begins, end, end))
    return found


def _short(habits: Habits, day: date, desk: int, luck: Random) -> list[Visit]:
    begins = _clock(habits, day, luck.uniform(10, 17))
    ends = begins + timedelta(hours=luck.uniform(0.5, 2.5))
    return [Visit(luck.randrange(desk), habits.tool, begins, ends, ends)]


def _paged(habits: Habits, luck: Random) -> bool:
    return habits.manner is Manner.ON_CALL and luck.random() < PAGED


def _page(habits: Habits, day: date, luck: Random) -> Visit:
    begins = _clock(habits, day, luck.uniform(0.5, 4.5))
    ends = begins + timedelta(minutes=luck.uniform(25, 100))
    return Visit(0, "ssh", begins, ends, ends)


def _night_job(habits: Habits, day: date, place: int, luck: Random) -> Visit:
    begins = _clock(habits, day, habits.begins + luck.uniform(0, 0.5) + place)
    ends = begins + timedelta(hours=luck.uniform(1, 4))
    return Visit(place, "ssh", begins, ends, ends)


def _clock(habits: Habits, day: date, hours: float) -> datetime:
    return datetime.combine(day, time(), habits.zone) + timedelta(hours=max(0.0, hours))
