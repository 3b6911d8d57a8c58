"""When a Coder deployment stops a workspace by itself: its own algorithm, step for step.

Kept apart from what we want: this module answers what the backend will do, so that a timeline
can be shown, drift be found, and a simulator behave alike. A moment is always handed in.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from carrel.domain.fleet.templates import Template
from carrel.domain.records import dataclass

LEEWAY = timedelta(hours=2)
"""A required stop nearer than this is left to the next required day (one hour before 2024-11)."""
OLD_LEEWAY = timedelta(hours=1)
BUFFER = timedelta(minutes=15)
"""The search for a day's quiet start begins so long before its midnight."""
EPOCH = date(2023, 1, 2)
"""The Monday that weeks are counted from."""
BUMP_AFTER = 0.05
"""The part of a bump that must have gone by before activity moves a deadline again."""
SHORTEST_TTL = timedelta(minutes=1)
LONGEST_TTL = timedelta(days=30)
SHORTEST_EXTENSION = timedelta(minutes=30)
"""A deadline can't be moved to a moment nearer than this."""

NextStart = Callable[[datetime], datetime | None]
"""Gives the first autostart after a moment; None when there is none."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """When a build's workspace is stopped; None: never by itself.

    Attributes:
        deadline: When it will be stopped.
        max_deadline: The latest moment that activity and people can move `deadline` to.
    """

    deadline: datetime | None
    max_deadline: datetime | None


@dataclass(frozen=True, slots=True)
class DailyTime:
    """One time of day in one zone: the only kind of cron line that quiet hours may be."""

    hour: int
    minute: int
    zone: ZoneInfo

    @property
    def at(self) -> time:
        """The time of day."""
        return time(self.hour, self.minute)

    def next_after(self, moment: datetime) -> datetime:
        """Return the first such time after a moment, in UTC.

        As the backend's cron library does it: a time that daylight saving skips does not come
        that day, and one that comes twice comes twice.
        """
        day = moment.astimezone(self.zone).date() - timedelta(days=1)
        while True:
            for at in self._on(day):
                if at > moment:
                    return at
            day += timedelta(days=1)

    def _on(self, day: date) -> list[datetime]:
        wall = datetime.combine(day, self.at)
        found = {wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC): None for fold in (0, 1)}
        return sorted(at for at in found if at.astimezone(self.zone).replace(tzinfo=None) == wall)


@lru_cache(maxsize=1024)
def parse_daily(schedule: str) -> DailyTime:
    """Read a cron line such as `CRON_TZ=Europe/Berlin 30 18 * * *`; without a zone it is UTC.

    Raises:
        ValueError: It is no single daily time, or nobody knows the zone.
    """
    zone, fields = split_zone(schedule)
    parts = fields.split()
    if len(parts) != 5 or parts[2:] != ["*", "*", "*"]:  # noqa: PLR2004 - cron has five fields
        raise ValueError(f"{schedule!r} is not one daily time, such as `CRON_TZ=UTC 0 18 * * *`")
    minute, hour = parts[:2]
    if not (minute.isdecimal() and hour.isdecimal()):
        raise ValueError(f"{schedule!r} is not one daily time: it needs one minute and one hour")
    at = time(int(hour), int(minute))  # refuses 24:00 and 0:60 itself
    return DailyTime(at.hour, at.minute, zone)


def split_zone(schedule: str) -> tuple[ZoneInfo, str]:
    """Split `CRON_TZ=ZONE fields` into the zone and the fields; without a zone it is UTC.

    Raises:
        ValueError: Nobody knows the zone.
    """
    text = schedule.strip()
    name = "UTC"
    for prefix in ("CRON_TZ=", "TZ="):
        if text.startswith(prefix):
            name, _, text = text.removeprefix(prefix).partition(" ")
            break
    return zone_named(name), text.strip()


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Raises:
        ValueError: Nobody knows it.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no known time zone, such as `Europe/Berlin`") from error


def time_to_live(own: timedelta | None, template: Template) -> timedelta | None:
    """Return the time to live that counts; None: it is stopped by hand.

    A workspace's own one counts only if its template allows users to set it.
    """
    ttl = own if template.allow_user_autostop else template.default_ttl
    return ttl if ttl and ttl > timedelta(0) else None


def deadlines(
    started: datetime,
    own_ttl: timedelta | None,
    template: Template,
    *,
    next_start: NextStart | None = None,
    quiet: DailyTime | None = None,
    leeway: timedelta = LEEWAY,
) -> Deadlines:
    """Work out what a start build gets when its job ends.

    Args:
        started: When the job ended.
        own_ttl: The workspace's own time to live.
        template: Its template.
        next_start: Gives the next autostart, where the workspace has one.
        quiet: The owner's quiet hours; None: the deployment offers none.
        leeway: How near a required stop may be and still count.

    Raises:
        ValueError: The backend itself would refuse: a result in the past, a day before weeks
            were counted, or no required day within a week.
    """
    ttl = time_to_live(own_ttl, template)
    deadline = started + ttl if ttl else None
    following = next_start(started) if ttl and next_start else None
    if deadline and ttl and following and deadline > following:
        deadline = following + ttl
    latest = max_deadline(started, template, quiet, leeway=leeway)
    if latest and (deadline is None or latest < deadline):
        deadline = latest
    if any(at is not None and at < started for at in (deadline, latest)):
        raise ValueError("The deadline worked out lies in the past.")
    return Deadlines(deadline, latest)


def max_deadline(
    started: datetime,
    template: Template,
    quiet: DailyTime | None,
    *,
    leeway: timedelta = LEEWAY,
) -> datetime | None:
    """Return when the template's autostop requirement stops a workspace at the latest.

    None when the template requires nothing, or the deployment has no quiet hours.

    Raises:
        ValueError: As for `deadlines`.
    """
    if not template.required_days or quiet is None:
        return None
    day = (started + leeway).astimezone(quiet.zone).date()
    if template.required_weeks > 1:
        day = applicable_day(day, template.required_weeks)
    if _quiet_start(day, quiet) < started + leeway:
        day += timedelta(days=1)
    for ahead in range(7):
        candidate = day + timedelta(days=ahead)
        if candidate.weekday() in template.required_days:
            return _quiet_start(candidate, quiet)
    raise ValueError("The template's autostop requirement names no day of the week.")


def applicable_day(day: date, weeks: int) -> date:
    """Return the day itself in an applicable week, else the Monday of the next such week.

    Raises:
        ValueError: The day lies before the Monday that weeks are counted from.
    """
    if day < EPOCH:
        raise ValueError(f"Weeks are counted from {EPOCH}, which lies after {day}.")
    number = (day - EPOCH).days // 7
    beyond = number % weeks
    return day if not beyond else EPOCH + timedelta(weeks=number + weeks - beyond)


def bumped(
    at: datetime,
    now: Deadlines,
    bump: timedelta,
    *,
    ttl: timedelta | None = None,
    following: datetime | None = None,
) -> datetime | None:
    """Return the deadline after activity at a moment: moved ahead, or as it is. Never nearer.

    Args:
        at: The moment of the activity.
        now: The running build's deadlines.
        bump: How far the template lets activity move it; zero: not at all.
        ttl: The time to live that counts.
        following: The next autostart, where the workspace has one.
    """
    if now.deadline is None or bump <= timedelta(0):
        return now.deadline
    span = bump
    if following is not None and at + bump > following:
        span = following - at + (ttl or timedelta(0))
    if now.deadline - at > span * (1 - BUMP_AFTER):
        return now.deadline
    moved = max(now.deadline, at + span)
    return min(moved, now.max_deadline) if now.max_deadline else moved


def _quiet_start(day: date, quiet: DailyTime) -> datetime:
    midnight = datetime.combine(day, time(), quiet.zone).astimezone(UTC)
    return quiet.next_after(midnight - BUFFER)
