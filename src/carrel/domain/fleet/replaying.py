"""Recorded documents back into observations; a workspace is made only when it is asked for."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from carrel.domain.fleet import cells
from carrel.domain.fleet.cells import SEEN, Lazy, Row
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.people import People
from carrel.domain.fleet.recording import ALONE, HEAD, MAPS, USERS, WORKSPACES, Numbered
from carrel.domain.fleet.workspaces import FleetWorkspace


class Replay:
    """Turns documents back into observations, one after the other.

    Attributes:
        touched: Ids of the workspaces that the last document made, changed or took away; after a
            document that stands alone also those that it does not know any more.
        upset: The last document changed what any workspace may be judged by: templates, groups,
            the deployment, gaps, or more of a user than when they were seen.
    """

    def __init__(self) -> None:
        self.touched: frozenset[str] = frozenset()
        self.upset = False
        self._frame: Observation | None = None
        self._head: dict[str, Any] = {}
        self._maps = _maps()
        self._workspaces: dict[str, Lazy] = {}
        self._ids: list[str] = []

    def take(self, document: Mapping[str, Any]) -> None:
        """Go on by one document; the first must stand alone."""
        if ALONE in document:
            self._take_alone(document)
        else:
            self.touched = self._take_workspaces(document.get(WORKSPACES, {}))
            self.upset = _upsets(document)
            for name, things in self._maps.items():
                if name in document:
                    things.take(document[name])
        self._frame = self._framed(document)

    def _take_alone(self, document: Mapping[str, Any]) -> None:
        """Begin anew; what is as it was before is not touched."""
        before, head = self._workspaces, dict(self._head)
        rows: Mapping[str, Row] = document.get(WORKSPACES, {}).get("new", {})
        self._workspaces, self._ids = {}, list(rows)
        touched = before.keys() - rows.keys()
        for key, row in rows.items():
            known = before.get(key)
            if known is None or known.row != row:
                known = Lazy(row)
                touched.add(key)
            self._workspaces[key] = known
        self.touched = frozenset(touched)
        maps = _maps()
        alike = True
        for name, things in maps.items():
            things.take(document.get(name, {}))
            alike = things.go_on_from(self._maps[name]) and alike
        self.upset = not alike or any(head.get(key) != document.get(key) for key in HEAD)
        self._maps = maps

    @property
    def frame(self) -> Observation:
        """The last observation without its workspaces."""
        return cast("Observation", self._frame)

    def ids(self) -> Iterable[str]:
        """Return the ids of all workspaces."""
        return self._workspaces.keys()

    def workspace(self, workspace_id: str) -> FleetWorkspace | None:
        """Return one workspace as it was seen last."""
        found = self._workspaces.get(workspace_id)
        return None if found is None else found.workspace(self.frame.at)

    def observation(self) -> Observation:
        """Return the last observation, whole; its workspaces in the order of their ids."""
        at, found = self.frame.at, self._workspaces
        return replace(
            self.frame, workspaces=tuple(found[key].workspace(at) for key in sorted(found))
        )

    def _take_workspaces(self, changes: Mapping[str, Any]) -> frozenset[str]:
        touched: list[str] = []
        new: Mapping[str, Row] = changes.get("new", {})
        for key, row in new.items():
            self._workspaces[key] = Lazy(row)
            self._ids.append(key)
            touched.append(key)
        moved: Mapping[str, Row] = changes.get("changed", {})
        for number, changed in moved.items():
            key = self._ids[int(number)]
            self._workspaces[key].change(changed)
            touched.append(key)
        gone: list[int] = changes.get("gone", [])
        for place in gone:
            key = self._ids[place]
            del self._workspaces[key]
            touched.append(key)
        return frozenset(touched)

    def _framed(self, document: Mapping[str, Any]) -> Observation:
        at = cells.moment_of(document["at"])
        maps: dict[str, Any] = {name: one.values for name, one in self._maps.items()}
        last, told = self._frame, {key: document[key] for key in HEAD if key in document}
        if last is not None and all(self._head[key] == cell for key, cell in told.items()):
            return replace(last, at=at, **maps)
        self._head |= told
        quiet = self._head["quiet"]
        return Observation(
            at=at,
            deployment=cells.DEPLOYMENT.value(self._head["deployment"]),
            workspaces=(),
            default_quiet_hours=None if quiet is None else cells.QUIET_HOURS.value(quiet),
            gaps=tuple(cells.GAP.value(one) for one in self._head["gaps"]),
            **maps,
        )


def _unseen(row: Row) -> Row:
    return [*row[:SEEN], *row[SEEN + 1 :]]


_QUIETLY = frozenset({"at", WORKSPACES, USERS})


def _upsets(document: Mapping[str, Any]) -> bool:
    users = document.get(USERS, {})
    return bool(document.keys() - _QUIETLY) or "gone" in users or not _only_seen(users)


def _only_seen(users: Mapping[str, Any]) -> bool:
    """Tell whether all that changed of users is when they were seen."""
    changed: Mapping[str, list[Any]] = users.get("changed", {})
    return all(len(one) == _PAIR and one[0] == SEEN for one in changed.values())


_PAIR = 2
"""A changed cell takes its place and its value."""


class _Things:
    """One kind of thing: its values, made anew where they changed."""

    def __init__(self, name: str) -> None:
        self._kind = MAPS[name]
        self._numbered = Numbered()
        self.values: dict[str, Any] = {}

    def go_on_from(self, other: "_Things") -> bool:
        """Keep the values of before if all are equal; tell whether workspaces are judged alike."""
        alike = self._numbered.rows == other._numbered.rows  # noqa: SLF001 - of the same kind
        if alike:
            self.values = other.values
        return alike

    def take(self, changes: Mapping[str, Any]) -> None:
        """Take what a document says; maps that were handed out stay as they are."""
        self._numbered.apply(changes)
        self.values = dict(self.values)
        for key in self._numbered.touched(changes):
            row = self._numbered.rows.get(key)
            if row is None:
                self.values.pop(key, None)
            else:
                self.values[key] = self._kind.value(row)


class _Users(_Things):
    """Users: their standing is the same as long as nothing changes but when they were seen."""

    def __init__(self) -> None:
        super().__init__(USERS)
        self.standing = object()

    def go_on_from(self, other: "_Things") -> bool:
        """Take over the standing of before if nothing else than that changed."""
        before, mine = other._numbered.rows, self._numbered.rows  # noqa: SLF001 - of the same kind
        alike = mine.keys() == before.keys() and all(
            _unseen(row) == _unseen(before[key]) for key, row in mine.items()
        )
        if alike and isinstance(other, _Users):
            self.standing = other.standing
            self.values = People(self.values, self.standing)
        return alike

    def take(self, changes: Mapping[str, Any]) -> None:
        """Take what a document says."""
        super().take(changes)
        if "new" in changes or "gone" in changes or not _only_seen(changes):
            self.standing = object()
        self.values = People(self.values, self.standing)


def _maps() -> dict[str, _Things]:
    return {name: _Users() if name == USERS else _Things(name) for name in MAPS}
