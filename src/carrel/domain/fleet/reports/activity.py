"""Activity: who was connected for how long, on how many days, to what, between two moments."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from carrel.domain.fleet.history import Connection
from carrel.domain.fleet.reports import days, naming
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.reports.report import (
    NO_MATTER,
    Chart,
    Fact,
    Field,
    Kind,
    Note,
    Report,
    Row,
)
from carrel.domain.fleet.reports.sessions import joined
from carrel.domain.records import dataclass

FIELDS = (
    Field("user", "User", Kind.NAME),
    Field("hours", "Hours", Kind.HOURS),
    Field("days", "Days", Kind.COUNT),
    Field("sessions", "Sessions", Kind.COUNT),
    Field("workspaces", "Workspaces", Kind.COUNT),
    Field("last_at", "Last connected", Kind.MOMENT, "not then"),
    Field("last_seen_at", "Last seen", Kind.MOMENT, "never", detail=True),
    Field("user_id", "Id", detail=True),
)
_Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class _Person:
    """What one person did."""

    stretches: tuple[_Stretch, ...]
    sessions: int
    workspaces: int
    last: datetime


def make(ground: Ground) -> Report:
    """Tell how long each user was connected; who was not is told on request."""
    since, until = ground.span
    people = _people(ground)
    by_day: Counter[date] = Counter()
    touched: dict[str, set[date]] = {}
    for name, person in people.items():
        mine = touched.setdefault(name, set())
        for begin, end in person.stretches:
            for day, length in days.shared(ground, begin, end):
                by_day[day] += round(length.total_seconds())
                mine.add(day)
    logged = ground.connections is not None
    rows = _counted_here(ground, people, touched) if logged else _counted_there(ground)
    rows.sort(key=lambda row: (-_number(row[1]), str(row[0])))
    hours = {day: seconds / 3600 for day, seconds in by_day.items()}
    counted = ground.connections if ground.connections is not None else ground.usage
    used = [row for row in rows if _number(row[1]) > 0]
    return Report(
        name="activity",
        title="Activity",
        at=ground.at,
        fields=FIELDS,
        rows=tuple(rows if ground.everything else [row for row in rows if _was_there(row)]),
        facts=(
            Fact("active", "Active users", naming.known(len(used), counted)),
            Fact("users", "Users", len(ground.users)),
            Fact("hours", "Hours connected",
                 naming.known(sum(_number(row[1]) for row in rows), counted), Kind.HOURS),
        ),
        charts=(
            *([Chart("Hours connected by day", "Day", "hours", days.filled(ground, hours),
                     in_time=True, kind=Kind.HOURS)] if people else []),
            Chart("Hours connected, by user", "User", "hours",
                  naming.by_size({str(row[0]): _number(row[1]) for row in used}), kind=Kind.HOURS),
        ),
        notes=(*ground.notes, *_limits(ground)),
        since=since,
        until=until,
        nothing="Nobody was connected." if counted is not None else naming.UNSEEN,
        of="users",
    )  # fmt: skip


def merged(stretches: Iterable[_Stretch]) -> list[_Stretch]:
    """Join stretches of time that overlap, so that nothing is counted twice."""
    found: list[_Stretch] = []
    for begin, end in sorted(stretches):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def _people(ground: Ground) -> dict[str, _Person]:
    connections: dict[str, list[Connection]] = {}
    for one in ground.connections or ():
        connections.setdefault(one.user or one.owner, []).append(one)
    return {name: _person(ground, mine) for name, mine in connections.items()}


def _person(ground: Ground, mine: list[Connection]) -> _Person:
    since, until = ground.span
    clipped = [(max(one.connected_at, since), min(ground.ends(one), until)) for one in mine]
    return _Person(
        stretches=tuple(merged(one for one in clipped if one[0] < one[1])),
        sessions=len(joined(mine)),
        workspaces=len({one.workspace_id for one in mine}),
        last=min(max(ground.ends(one) for one in mine), until),
    )


def _counted_here(
    ground: Ground, people: dict[str, _Person], touched: dict[str, set[date]]
) -> list[Row]:
    known = {one.username: one for one in ground.users}
    rows: list[Row] = []
    for name, person in people.items():
        user = known.get(name)
        spent = sum((end - begin for begin, end in person.stretches), timedelta(0))
        seen, user_id = (user.last_seen_at, user.user_id) if user else (None, None)
        rows.append(
            (name, naming.hours(spent), len(touched[name]), person.sessions, person.workspaces,
             person.last, seen, user_id)
        )  # fmt: skip
    absent = (one for one in ground.users if one.username not in people)
    rows += [(one.username, 0.0, 0, 0, 0, None, one.last_seen_at, one.user_id) for one in absent]
    return rows


def _counted_there(ground: Ground) -> list[Row]:
    """Return what the backend counted, which is no more than the time."""
    used = {one.user_id: one.used for one in ground.usage or ()}
    return [
        (one.username,
         naming.known(naming.hours(used.get(one.user_id, timedelta(0))), ground.usage),
         NO_MATTER, NO_MATTER, NO_MATTER, NO_MATTER, one.last_seen_at, one.user_id)
        for one in ground.users
    ]  # fmt: skip


def _was_there(row: Row) -> bool:
    return _number(row[1]) > 0 or _number(row[3]) > 0


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _limits(ground: Ground) -> tuple[Note, ...]:
    if ground.connections is not None or ground.usage is None:
        return ()
    why = "The hours are the backend's own count, for whole days up to the last full hour."
    return (Note(why, "A licence with the connection log tells sessions and workspaces, too."),)
