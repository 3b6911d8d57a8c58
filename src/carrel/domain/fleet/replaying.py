"""Recorded documents back into observations; a workspace is made only when it is asked for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from carrel.domain.fleet import cells
from carrel.domain.fleet.cells import Lazy
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.recording import ALONE, HEAD, MAPS, WORKSPACES, Numbered
from carrel.domain.fleet.workspaces import FleetWorkspace


class Replay:
    """Turns documents back into observations, one after the other.

    Attributes:
        touched: Ids of the workspaces that the last document made, changed or took away; after a
            document that stands alone also those that it does not know any more.
    """

    def __init__(self) -> None:
        self.touched: frozenset[str] = frozenset()
        self._frame: Observation | None = None
        self._head: dict[str, Any] = {}
        self._maps = {name: _Things(name) for name in MAPS}
        self._workspaces: dict[str, Lazy] = {}
        self._ids: list[str] = []

    def take(self, document: Mapping[str, Any]) -> None:
        """Go on by one document; the first must stand alone."""
        alone = ALONE in document
        before = self._workspaces if alone else {}
        if alone:
            self._workspaces, self._ids = {}, []
            self._maps = {name: _Things(name) for name in MAPS}
        self.touched = self._take_workspaces(document.get(WORKSPACES, {})) | frozenset(before)
        for name, things in self._maps.items():
            if name in document:
                things.take(document[name])
        self._frame = self._framed(document)

    @property
    def frame(self) -> Observation:
        """The last observation without its workspaces."""
        return cast("Observation", self._frame)

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
        for key, row in changes.get("new", {}).items():
            self._workspaces[key] = Lazy(row)
            self._ids.append(key)
            touched.append(key)
        for number, changed in changes.get("changed", {}).items():
            key = self._ids[int(number)]
            self._workspaces[key].change(changed)
            touched.append(key)
        for number in changes.get("gone", ()):
            key = self._ids[number]
            del self._workspaces[key]
            touched.append(key)
        return frozenset(touched)

    def _framed(self, document: Mapping[str, Any]) -> Observation:
        at = cells.moment_of(document["at"])
        maps: dict[str, Any] = {name: one.values for name, one in self._maps.items()}
        last = self._frame
        if last is not None and not any(key in document for key in HEAD):
            return replace(last, at=at, **maps)
        self._head |= {key: document[key] for key in HEAD if key in document}
        quiet = self._head["quiet"]
        return Observation(
            at=at,
            deployment=cells.DEPLOYMENT.value(self._head["deployment"]),
            workspaces=(),
            default_quiet_hours=None if quiet is None else cells.QUIET_HOURS.value(quiet),
            gaps=tuple(cells.GAP.value(one) for one in self._head["gaps"]),
            **maps,
        )


class _Things:
    """One kind of thing: its values, made anew where they changed."""

    def __init__(self, name: str) -> None:
        self._kind = MAPS[name]
        self._numbered = Numbered()
        self.values: dict[str, Any] = {}

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
