"""Observations as small documents: each says only what differs from the one before.

A month of a large fleet is mostly repetition. What changes at every look without meaning
anything is left out: while somebody is at work in a workspace, its `last_used_at` is the moment
of the observation, and when a user was last seen is kept to the hour.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from carrel.domain.fleet import cells
from carrel.domain.fleet.cells import AT_WORK, STATUS, TRANSITION, USED, WORK, Kind, Row
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.people import User
from carrel.domain.fleet.workspaces import BuildStatus, FleetWorkspace, Transition

Document = dict[str, Any]
"""JSON values.

`at`; `alone` where it stands alone; `deployment`, `quiet` and `gaps` where they differ; and for
each kind of thing `new` rows by id, `changed` cells by number, and the numbers of what is `gone`.
Things are numbered in the order in which they came, from the last document that stands alone.
"""

WORKSPACES = "workspaces"
USERS = "users"
ALONE = "alone"
MAPS: Mapping[str, Kind[Any]] = {
    "templates": cells.TEMPLATE,
    USERS: cells.USER,
    "groups": cells.GROUP,
    "organizations": cells.ORGANIZATION,
}
_RUNS = (str(Transition.START), str(BuildStatus.SUCCEEDED))


class Numbered:
    """Rows of one kind of thing, each with the number that documents know it by."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.numbers: dict[str, int] = {}
        self.ids: list[str] = []

    def apply(self, changes: Mapping[str, Any]) -> None:
        """Take what a document says."""
        for key, row in changes.get("new", {}).items():
            self._number(key)
            self.rows[key] = list(row)
        for number, changed in changes.get("changed", {}).items():
            row = self.rows[self.ids[int(number)]]
            for n in range(0, len(changed), 2):
                row[changed[n]] = changed[n + 1]
        for number in changes.get("gone", ()):
            del self.rows[self.ids[number]]

    def differences(self, rows: Mapping[str, Row], *, ignore: bool = False) -> Document:
        """Return what changes these rows into others, and take it.

        Args:
            rows: The others.
            ignore: Whether the last use of a workspace at work says nothing.
        """
        new: Document = {}
        changed: Document = {}
        for key, row in rows.items():
            before = self.rows.get(key)
            if before is None:
                new[key] = row
            elif before != row and (cells_ := _changed(before, row, ignore=ignore)):
                changed[str(self.numbers[key])] = cells_
        gone = sorted(self.numbers[key] for key in self.rows.keys() - rows.keys())
        parts = (("new", new), ("changed", changed), ("gone", gone))
        found = {name: part for name, part in parts if part}
        self.apply(found)
        return found

    def touched(self, changes: Mapping[str, Any]) -> Iterator[str]:
        """Name what a document that was taken has made, changed or taken away."""
        yield from changes.get("new", ())
        for number in changes.get("changed", ()):
            yield self.ids[int(number)]
        for number in changes.get("gone", ()):
            yield self.ids[number]

    def _number(self, key: str) -> None:
        self.numbers[key] = len(self.ids)
        self.ids.append(key)


class Recorder:
    """Writes one document after the other; it can go on from documents that were written."""

    def __init__(self) -> None:
        self.at: datetime | None = None
        self._workspaces = Numbered()
        self._maps = {name: Numbered() for name in MAPS}
        self._head: Document = {}

    def take(self, document: Mapping[str, Any]) -> None:
        """Go on by a document that was written before."""
        if ALONE in document:
            self._clear()
        self.at = cells.moment_of(document["at"])
        self._workspaces.apply(document.get(WORKSPACES, {}))
        for name, things in self._maps.items():
            things.apply(document.get(name, {}))
        self._head |= {key: document[key] for key in HEAD if key in document}

    def running(self) -> frozenset[str]:
        """Return the ids of the workspaces that ran at the last document."""
        rows = self._workspaces.rows.items()
        return frozenset(key for key, row in rows if (row[TRANSITION], row[STATUS]) == _RUNS)

    def document(self, observation: Observation, *, alone: bool = False) -> Document:
        """Write an observation.

        Args:
            observation: A settled one, later than the last.
            alone: Whether the document stands alone; the first one always does.
        """
        document: Document = {"at": cells.cell_of(observation.at)}
        if alone or self.at is None:
            self._clear()
            document[ALONE] = True
        self.at = observation.at
        head = _head(observation)
        document |= {key: cell for key, cell in head.items() if self._head.get(key, _NONE) != cell}
        self._head = head
        rows = {one.workspace_id: cells.workspace_row(one) for one in observation.workspaces}
        if put := self._workspaces.differences(rows, ignore=True):
            document[WORKSPACES] = put
        for name, kind in MAPS.items():
            things = cast("Mapping[str, Any]", getattr(observation, name))
            rows = {key: kind.row(value) for key, value in things.items()}
            if put := self._maps[name].differences(rows):
                document[name] = put
        return document

    def _clear(self) -> None:
        self._workspaces = Numbered()
        self._maps = {name: Numbered() for name in MAPS}
        self._head = {}


HEAD = ("deployment", "quiet", "gaps")
_NONE = object()


def _head(observation: Observation) -> Document:
    quiet = observation.default_quiet_hours
    return {
        "deployment": cells.DEPLOYMENT.row(observation.deployment),
        "quiet": None if quiet is None else cells.QUIET_HOURS.row(quiet),
        "gaps": [cells.GAP.row(gap) for gap in observation.gaps],
    }


def _changed(before: Row, after: Row, *, ignore: bool) -> Row:
    still = ignore and before[WORK] in AT_WORK and after[WORK] in AT_WORK
    return [
        part
        for n, (old, new) in enumerate(zip(before, after, strict=True))
        if old != new and not (still and n == USED)
        for part in (n, new)
    ]


def settled(observation: Observation) -> Observation:
    """Return an observation without what changes at every look and means nothing."""
    return replace(
        observation,
        workspaces=tuple(_settled(observation.workspaces, observation.at)),
        users={key: _to_the_hour(user) for key, user in observation.users.items()},
    )


def _settled(workspaces: Iterable[FleetWorkspace], at: datetime) -> Iterator[FleetWorkspace]:
    for one in workspaces:
        if one.activity.work in AT_WORK and one.last_used_at != at:
            yield replace(one, last_used_at=at)
        else:
            yield one


def _to_the_hour(user: User) -> User:
    seen = user.last_seen_at
    if seen is None or not (seen.minute or seen.second or seen.microsecond):
        return user
    return replace(user, last_seen_at=seen.replace(minute=0, second=0, microsecond=0))
