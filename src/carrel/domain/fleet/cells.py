"""Values of a fleet as rows of plain cells, and back: what recordings are made of.

A row is a list of JSON values, one a field, always in the same order; moments and spans are whole
microseconds. A workspace's last build and its activity stand in its own row.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

from carrel.domain.fleet.deployment import Deployment, Feature, Source
from carrel.domain.fleet.observation import Gap
from carrel.domain.fleet.people import Group, Organization, QuietHours, User
from carrel.domain.fleet.templates import Template
from carrel.domain.fleet.workspaces import (
    Activity,
    Build,
    BuildStatus,
    FleetWorkspace,
    TaskStatus,
    Transition,
    Work,
)

Row = list[Any]
Thing = TypeVar("Thing")
_Codec = tuple[Callable[[Any], Any], Callable[[Any], Any]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PER_SECOND = 1_000_000


def cell_of(at: datetime) -> int:
    """Write a moment."""
    return (at - _EPOCH) // _MICROSECOND


def moment_of(cell: int) -> datetime:
    """Read a moment."""
    # Seconds and the rest apart take half the time of one number.
    return _EPOCH + timedelta(0, cell // _PER_SECOND, cell % _PER_SECOND)


def _span_cell(length: timedelta) -> int:
    return length // _MICROSECOND


def _span_of(cell: int) -> timedelta:
    return timedelta(microseconds=cell)


def _member(kind: type[StrEnum]) -> _Codec:
    return str, {str(one): one for one in kind}.__getitem__


_MOMENT: _Codec = (cell_of, moment_of)
_SPAN: _Codec = (_span_cell, _span_of)
_SET: _Codec = (sorted, frozenset)


class Kind(Generic[Thing]):
    """Writes and reads one kind of thing.

    Args:
        made: Its class, whose fields are the cells.
        codecs: How fields are written and read that are no plain JSON values; None stays None.
    """

    def __init__(self, made: type[Thing], codecs: Mapping[str, _Codec]) -> None:
        names = [one.name for one in fields(cast("Any", made))]
        self._made = made
        self._get = attrgetter(*names)
        self._codecs = [(n, *codecs[name]) for n, name in enumerate(names) if name in codecs]

    def row(self, value: Thing) -> Row:
        """Write a value."""
        row: Row = list(self._get(value))
        for n, write, _ in self._codecs:
            if row[n] is not None:
                row[n] = write(row[n])
        return row

    def value(self, row: Row) -> Thing:
        """Read a value."""
        cells = list(row)
        for n, _, read in self._codecs:
            if cells[n] is not None:
                cells[n] = read(cells[n])
        return self._made(*cells)


QUIET_HOURS = Kind(QuietHours, {})
FEATURE = Kind(Feature, {"source": _member(Source)})
GAP = Kind(Gap, {})
DEPLOYMENT = Kind(
    Deployment,
    {
        "features": (
            lambda found: [FEATURE.row(one) for one in found],
            lambda rows: tuple(FEATURE.value(row) for row in rows),
        ),
        "missing": (list, tuple),
    },
)
TEMPLATE = Kind(
    Template,
    {
        "default_ttl": _SPAN,
        "activity_bump": _SPAN,
        "required_days": _SET,
        "failure_ttl": _SPAN,
        "time_til_dormant": _SPAN,
        "time_til_delete": _SPAN,
        "notify_lead": _SPAN,
    },
)
USER = Kind(
    User,
    {
        "last_seen_at": _MOMENT,
        "groups": _SET,
        "quiet_hours": (QUIET_HOURS.row, QUIET_HOURS.value),
    },
)
SEEN = [one.name for one in fields(User)].index("last_seen_at")
GROUP = Kind(Group, {})
ORGANIZATION = Kind(Organization, {})


_CODECS: Mapping[str, _Codec] = {
    "build.transition": _member(Transition),
    "build.status": _member(BuildStatus),
    "build.created_at": _MOMENT,
    "build.started_at": _MOMENT,
    "build.completed_at": _MOMENT,
    "build.deadline": _MOMENT,
    "build.max_deadline": _MOMENT,
    "activity.work": _member(Work),
    "activity.since": _MOMENT,
    "task": _member(TaskStatus),
    "created_at": _MOMENT,
    "last_used_at": _MOMENT,
    "ttl": _SPAN,
    "next_start_at": _MOMENT,
    "dormant_at": _MOMENT,
    "deleting_at": _MOMENT,
}
_OWN = [one.name for one in fields(FleetWorkspace) if one.name not in {"build", "activity"}]
_BUILD = [f"build.{one.name}" for one in fields(Build)]
_ACTIVITY = [f"activity.{one.name}" for one in fields(Activity)]
_PATHS = [*_BUILD, *_ACTIVITY, *_OWN]
_GET = attrgetter(*_PATHS)
_WRITES = [(n, _CODECS[path][0]) for n, path in enumerate(_PATHS) if path in _CODECS]
_READS: list[Callable[[Any], Any] | None] = [
    _CODECS[path][1] if path in _CODECS else None for path in _PATHS
]
_OF_BUILD, _OF_ACTIVITY = len(_BUILD), len(_BUILD) + len(_ACTIVITY)
# The two stand among a workspace's own fields: the row is cut where they belong.
_NAMES = [one.name for one in fields(FleetWorkspace)]
_FIRST = _OF_ACTIVITY + _NAMES.index("build")
_SECOND = _FIRST + _NAMES.index("activity") - _NAMES.index("build") - 1

AT_WORK = frozenset({Work.CONNECTED, Work.WORKING})
"""While a workspace is so, it is in use at every moment."""

WORK, USED = _PATHS.index("activity.work"), _PATHS.index("last_used_at")
TRANSITION, STATUS = _PATHS.index("build.transition"), _PATHS.index("build.status")


def workspace_row(workspace: FleetWorkspace) -> Row:
    """Write a workspace."""
    row: Row = list(_GET(workspace))
    for n, write in _WRITES:
        if row[n] is not None:
            row[n] = write(row[n])
    return row


class Lazy:
    """A workspace that is made from its row when it is asked for, and then only what changed."""

    __slots__ = ("_activity", "_build", "_cells", "row")

    def __init__(self, row: Row) -> None:
        self.row = list(row)
        self._cells: Row = [
            cell if read is None or cell is None else read(cell)
            for read, cell in zip(_READS, row, strict=True)
        ]
        self._build: Build | None = None
        self._activity: Activity | None = None

    def change(self, changes: Row) -> None:
        """Take changed cells: each position is followed by its value."""
        numbers: Iterator[Any] = iter(changes)
        for number in numbers:
            n, cell = int(number), next(numbers)
            read = _READS[n]
            self.row[n] = cell
            self._cells[n] = cell if read is None or cell is None else read(cell)
            if n < _OF_BUILD:
                self._build = None
            elif n < _OF_ACTIVITY:
                self._activity = None

    def workspace(self, at: datetime) -> FleetWorkspace:
        """Make the workspace; while somebody is at work in it, it was last used at that moment."""
        cells = self._cells
        build = self._build
        if build is None:
            build = self._build = Build(*cells[:_OF_BUILD])
        activity = self._activity
        if activity is None:
            activity = self._activity = Activity(*cells[_OF_BUILD:_OF_ACTIVITY])
        if activity.work in AT_WORK:
            cells = list(cells)  # the recorder's own cell stays as it is, and so does ours
            cells[USED] = at
        own: tuple[Any, ...] = (
            *cells[_OF_ACTIVITY:_FIRST], build, *cells[_FIRST:_SECOND], activity, *cells[_SECOND:]
        )  # fmt: skip
        return FleetWorkspace(*own)
