"""A believable month of a large fleet, as documents: people with working days, forgotten runs.

Written straight as rows: to make 8,640 whole observations would take a quarter of an hour.
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from random import Random

from carrel.domain.fleet import cells
from carrel.domain.fleet.cells import Row
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.recording import Document, Recorder, settled
from carrel.domain.fleet.remembering import Record
from carrel.domain.fleet.workspaces import (
    Activity,
    Build,
    BuildStatus,
    FleetWorkspace,
    Transition,
    Work,
)
from carrel.testing.observations import fleet

STEP = timedelta(minutes=5)
_BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
_ALONE = 144
_ZONES = (-7, -5, 0, 1, 1, 2, 5, 8)
_DAYS_OFF = 5
_FORGETS, _COMES = 0.3, 0.55
_TURNS = 6
_BUMP = timedelta(hours=1)


@dataclass
class Month:
    """What was made.

    Attributes:
        records: As they are stored, oldest first.
        changes: How many cells-rows of workspaces changed.
        size: Bytes of all bodies.
    """

    records: list[Record]
    changes: int
    size: int


def month(workspaces: int, users: int, days: int, seed: int = 7) -> Month:
    """Make the days; the same seed gives the same ones."""
    random = Random(seed)
    first = _asleep(fleet(seed, workspaces=workspaces, users=users, groups=40, at=_BEGIN))
    spaces = {one.workspace_id: one for one in first.workspaces}
    numbers = {key: n for n, key in enumerate(spaces)}
    people = dict(first.users)
    places = {key: n for n, key in enumerate(people)}
    agenda = _agenda(random, {one.workspace_id: one.ttl for one in first.workspaces}, days)
    made = Month([], 0, 0)
    recorder = Recorder()
    rows = {key: cells.workspace_row(one) for key, one in spaces.items()}
    for step in range(days * 288):
        at = _BEGIN + step * STEP
        changed: dict[str, Row] = {}
        looked_in: dict[str, Row] = {}
        while agenda and agenda[0][0] <= at:
            when, _, key, what = heappop(agenda)
            spaces[key] = _moved(spaces[key], what, when)
            owner, hour = spaces[key].owner_id, when.replace(minute=0, second=0, microsecond=0)
            if people[owner].last_seen_at != hour:
                people[owner] = replace(people[owner], last_seen_at=hour)
                looked_in[str(places[owner])] = [cells.SEEN, cells.cell_of(hour)]
            row = cells.workspace_row(spaces[key])
            parts = [x for n, (a, b) in enumerate(zip(rows[key], row, strict=True)) if a != b
                     for x in (n, b)]  # fmt: skip
            rows[key] = row
            if parts:
                number = str(numbers[key])
                older = changed.get(number, [])
                pairs = dict(zip(older[::2], older[1::2], strict=True))
                pairs |= dict(zip(parts[::2], parts[1::2], strict=True))
                changed[number] = [x for pair in pairs.items() for x in pair]
        alone = step % _ALONE == 0
        if alone:
            seen = replace(first, at=at, workspaces=tuple(spaces.values()), users=people)
            document = recorder.document(settled(seen), alone=True)
        else:
            document = {
                "at": cells.cell_of(at),
                **_put("workspaces", changed),
                **_put("users", looked_in),
            }
        body = zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 6)
        made.records.append(Record(at, alone, body))
        made.changes += len(changed)
        made.size += len(body)
    return made


def _put(kind: str, changed: dict[str, Row]) -> Document:
    return {kind: {"changed": changed}} if changed else {}


def _asleep(seen: Observation) -> Observation:
    still = [
        replace(
            one,
            build=replace(one.build, transition=Transition.STOP, status=BuildStatus.SUCCEEDED,
                          deadline=None),
            activity=Activity(Work.IDLE, one.last_used_at, "It does not run."),
            is_prebuild=False,
        )
        for one in seen.workspaces
    ]  # fmt: skip
    return replace(seen, workspaces=tuple(still))


def _agenda(
    random: Random, keys: dict[str, timedelta | None], days: int
) -> list[tuple[datetime, int, str, str]]:
    agenda: list[tuple[datetime, int, str, str]] = []
    count = 0
    for key, ttl in keys.items():
        zone, on = random.choice(_ZONES), False
        eager = random.random()
        for day in range(days):
            midnight = _BEGIN + timedelta(days=day, hours=-zone)
            works = midnight.weekday() < _DAYS_OFF and random.random() < _COMES * eager
            if not works:
                continue
            at = began = midnight + timedelta(hours=random.gauss(9, 1))
            if not on:
                heappush(agenda, (at, count := count + 1, key, "start"))
            for _ in range(random.randrange(1, _TURNS)):
                at += timedelta(minutes=random.uniform(5, 40))
                heappush(agenda, (at, count := count + 1, key, "connect"))
                at += timedelta(minutes=random.uniform(20, 120))
                heappush(agenda, (at, count := count + 1, key, "leave"))
            on = random.random() < _FORGETS
            if on and ttl is not None and ttl < timedelta(days=1):  # it is stopped by itself
                on, at = False, max(began + ttl, at + _BUMP)
            if not on:
                heappush(agenda, (at + STEP, count := count + 1, key, "stop"))
    return agenda


def _moved(one: FleetWorkspace, what: str, at: datetime) -> FleetWorkspace:
    if what == "connect":
        return replace(one, activity=Activity(Work.CONNECTED, at, "Connected (ssh)."),
                       last_used_at=at)  # fmt: skip
    if what == "leave":
        idle = Activity(Work.IDLE, at, "No connection, and no agent at work.")
        ends = one.build.deadline
        build = replace(one.build, deadline=max(ends, at + _BUMP)) if ends else one.build
        return replace(one, activity=idle, last_used_at=at, build=build)
    number = one.build.number + 1
    starts = what == "start"
    build = Build(
        f"{one.workspace_id}-{number}", number,
        Transition.START if starts else Transition.STOP, BuildStatus.SUCCEEDED,
        "initiator", one.owner, at, at, at,
        deadline=at + one.ttl if starts and one.ttl and one.ttl < timedelta(days=1) else None,
    )  # fmt: skip
    why = "No connection, and no agent at work." if starts else "It does not run."
    return replace(one, build=build, dormant_at=None, activity=Activity(Work.IDLE, at, why))


def documents(made: Month) -> Iterator[Document]:
    """Read the records again."""
    for record in made.records:
        yield json.loads(zlib.decompress(record.body))
