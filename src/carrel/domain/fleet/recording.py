"""Observations as small documents: each says only what differs from the one before.

A month of a large fleet is mostly repetition. What changes at every look without meaning
anything is left out: while somebody is at work in a workspace, its `last_used_at` is the moment
of the observation, and when a user was last seen is kept to the hour.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

from carrel.domain.fleet.deployment import Deployment, Feature, Source
from carrel.domain.fleet.observation import Gap, Observation
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

Document = dict[str, Any]
"""JSON values. Moments and spans are whole microseconds."""

Thing = TypeVar("Thing")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_AT_WORK = frozenset({Work.CONNECTED, Work.WORKING})


@dataclass(frozen=True, slots=True)
class _Cell:
    """How a value of one type is written and read."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _same(value: object) -> object:
    return value


def _moment(value: datetime | None) -> int | None:
    return None if value is None else (value - _EPOCH) // _MICROSECOND


def _as_moment(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(microseconds=value)


def _span(value: timedelta | None) -> int | None:
    return None if value is None else value // _MICROSECOND


def _as_span(value: int | None) -> timedelta | None:
    return None if value is None else timedelta(microseconds=value)


def _member(kind: type[StrEnum]) -> _Cell:
    members = {str(one): one for one in kind}
    return _Cell(str, members.__getitem__)


_PLAIN = _Cell(_same, _same)
_MOMENT = _Cell(_moment, _as_moment)
_SPAN = _Cell(_span, _as_span)
_SET = _Cell(sorted, frozenset)


class _Kind(Generic[Thing]):
    """Writes and reads one dataclass, whole or as the fields that differ."""

    def __init__(self, made: type[Thing], cells: Mapping[str, _Cell]) -> None:
        self._made = made
        names = [one.name for one in fields(cast("Any", made))]
        self._cells = {name: cells.get(name, _PLAIN) for name in names}

    def whole(self, value: Thing) -> Document:
        """Write every field."""
        return {name: cell.write(getattr(value, name)) for name, cell in self._cells.items()}

    def differing(self, old: Thing, new: Thing) -> Document:
        """Write the fields that differ."""
        return {
            name: cell.write(value)
            for name, cell in self._cells.items()
            if (value := getattr(new, name)) != getattr(old, name)
        }

    def made(self, document: Mapping[str, Any]) -> Thing:
        """Read a whole value."""
        cells = self._cells
        return self._made(**{name: cells[name].read(cell) for name, cell in document.items()})

    def changed(self, old: Thing, document: Mapping[str, Any]) -> Thing:
        """Read the fields that differ from an older value."""
        cells = self._cells
        read = {name: cells[name].read(cell) for name, cell in document.items()}
        return cast("Thing", replace(cast("Any", old), **read))

    def cell(self) -> _Cell:
        """Return the cell that holds such a value, or None, within another."""
        return _Cell(
            lambda value: None if value is None else self.whole(value),
            lambda document: None if document is None else self.made(document),
        )


_BUILD = _Kind(
    Build,
    {
        "transition": _member(Transition),
        "status": _member(BuildStatus),
        "created_at": _MOMENT,
        "started_at": _MOMENT,
        "completed_at": _MOMENT,
        "deadline": _MOMENT,
        "max_deadline": _MOMENT,
    },
)
_ACTIVITY = _Kind(Activity, {"work": _member(Work), "since": _MOMENT})
_QUIET = _Kind(QuietHours, {})
_FEATURE = _Kind(Feature, {"source": _member(Source)})
_GAP = _Kind(Gap, {})
_DEPLOYMENT = _Kind(
    Deployment,
    {
        "features": _Cell(
            lambda value: [_FEATURE.whole(one) for one in value],
            lambda cells: tuple(_FEATURE.made(one) for one in cells),
        ),
        "missing": _Cell(list, tuple),
    },
)
_WORKSPACE = _Kind(
    FleetWorkspace,
    {
        "build": _BUILD.cell(),
        "activity": _ACTIVITY.cell(),
        "task": _member(TaskStatus),
        "created_at": _MOMENT,
        "last_used_at": _MOMENT,
        "ttl": _SPAN,
        "next_start_at": _MOMENT,
        "dormant_at": _MOMENT,
        "deleting_at": _MOMENT,
    },
)
_TEMPLATE = _Kind(
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
_USER = _Kind(User, {"last_seen_at": _MOMENT, "groups": _SET, "quiet_hours": _QUIET.cell()})
_GROUP = _Kind(Group, {})
_ORGANIZATION = _Kind(Organization, {})

_MAPS: tuple[tuple[str, _Kind[Any]], ...] = (
    ("templates", _TEMPLATE),
    ("users", _USER),
    ("groups", _GROUP),
    ("organizations", _ORGANIZATION),
)


def settled(observation: Observation) -> Observation:
    """Return an observation without what changes at every look and means nothing."""
    return replace(
        observation,
        workspaces=tuple(_settled(one, observation.at) for one in observation.workspaces),
        users={key: _to_the_hour(user) for key, user in observation.users.items()},
    )


def recorded(observation: Observation, previous: Observation | None) -> Document:
    """Return the document of an observation.

    Args:
        observation: A settled one.
        previous: The settled one before it; None makes a document that stands alone.

    Returns:
        Keys `at`; `deployment`, `quiet` and `gaps` where they differ; per kind of thing what is
        `new`, `changed` and `gone`.
    """
    document: Document = {"at": _moment(observation.at)}
    if previous is None or observation.deployment != previous.deployment:
        document["deployment"] = _DEPLOYMENT.whole(observation.deployment)
    if previous is None or observation.default_quiet_hours != previous.default_quiet_hours:
        document["quiet"] = _QUIET.cell().write(observation.default_quiet_hours)
    if previous is None or observation.gaps != previous.gaps:
        document["gaps"] = [_GAP.whole(gap) for gap in observation.gaps]
    old = {} if previous is None else _by_id(previous.workspaces)
    put = _differences(_WORKSPACE, old, _by_id(observation.workspaces), _without_use)
    if put:
        document["workspaces"] = put
    for name, kind in _MAPS:
        before: Mapping[str, Any] = {} if previous is None else getattr(previous, name)
        if put := _differences(kind, before, getattr(observation, name)):
            document[name] = put
    return document


class Replay:
    """Turns documents back into observations, one after the other.

    Attributes:
        touched: Ids of the workspaces that the last document made, changed or took away.
    """

    def __init__(self) -> None:
        self.touched: frozenset[str] = frozenset()
        self._last: Observation | None = None
        self._workspaces: dict[str, FleetWorkspace] = {}
        self._maps: dict[str, dict[str, Any]] = {name: {} for name, _ in _MAPS}

    def take(self, document: Mapping[str, Any]) -> None:
        """Go on by one document; the first must stand alone."""
        at = cast("datetime", _as_moment(document["at"]))
        changes = document.get("workspaces", {})
        _apply(_WORKSPACE, self._workspaces, changes)
        self.touched = frozenset().union(*(changes[key] for key in changes))
        for name, kind in _MAPS:
            if name in document:
                self._maps[name] = dict(self._maps[name])
                _apply(kind, self._maps[name], document[name])
        last = self._last
        self._last = Observation(
            at=at,
            deployment=_DEPLOYMENT.made(document["deployment"])
            if "deployment" in document
            else cast("Observation", last).deployment,
            workspaces=(),
            default_quiet_hours=_QUIET.cell().read(document["quiet"])
            if "quiet" in document
            else cast("Observation", last).default_quiet_hours,
            gaps=tuple(_GAP.made(one) for one in document["gaps"])
            if "gaps" in document
            else cast("Observation", last).gaps,
            **self._maps,
        )

    @property
    def frame(self) -> Observation:
        """The last observation without its workspaces."""
        return cast("Observation", self._last)

    def workspace(self, workspace_id: str) -> FleetWorkspace | None:
        """Return one workspace as it was seen last."""
        found = self._workspaces.get(workspace_id)
        return None if found is None else _settled(found, self.frame.at)

    def observation(self) -> Observation:
        """Return the last observation, whole; its workspaces in the order of their ids."""
        workspaces = (self._workspaces[key] for key in sorted(self._workspaces))
        at = self.frame.at
        return replace(self.frame, workspaces=tuple(_settled(one, at) for one in workspaces))


def _settled(workspace: FleetWorkspace, at: datetime) -> FleetWorkspace:
    if workspace.activity.work not in _AT_WORK or workspace.last_used_at == at:
        return workspace
    return replace(workspace, last_used_at=at)


def _to_the_hour(user: User) -> User:
    seen = user.last_seen_at
    if seen is None:
        return user
    return replace(user, last_seen_at=seen.replace(minute=0, second=0, microsecond=0))


def _without_use(old: FleetWorkspace, new: FleetWorkspace) -> FleetWorkspace:
    """Return the old one with the new one's last use, where that says nothing."""
    if new.activity.work not in _AT_WORK or old.activity.work not in _AT_WORK:
        return old
    return replace(old, last_used_at=new.last_used_at)


def _by_id(workspaces: Iterable[FleetWorkspace]) -> dict[str, FleetWorkspace]:
    return {one.workspace_id: one for one in workspaces}


def _differences(
    kind: _Kind[Thing],
    old: Mapping[str, Thing],
    new: Mapping[str, Thing],
    seen: Callable[[Thing, Thing], Thing] = lambda before, _: before,
) -> Document:
    made: Document = {}
    changed: Document = {}
    for key, value in new.items():
        before = old.get(key)
        if before is None:
            made[key] = kind.whole(value)
        elif (before := seen(before, value)) != value:
            changed[key] = kind.differing(before, value)
    gone = dict.fromkeys(sorted(old.keys() - new.keys()))
    parts = (("new", made), ("changed", changed), ("gone", gone))
    return {name: part for name, part in parts if part}


def _apply(kind: _Kind[Any], things: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, document in changes.get("new", {}).items():
        things[key] = kind.made(document)
    for key, document in changes.get("changed", {}).items():
        things[key] = kind.changed(things[key], document)
    for key in changes.get("gone", ()):
        del things[key]
