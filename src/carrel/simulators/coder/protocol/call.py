"""One request, as an endpoint sees it, and its answer."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import cast

from carrel.domain.records import dataclass
from carrel.simulators.coder.life import Life
from carrel.simulators.coder.model.history import Licence
from carrel.simulators.coder.model.people import Person
from carrel.simulators.coder.model.workspaces import Space
from carrel.simulators.coder.model.world import World
from carrel.simulators.coder.protocol.rights import Caller
from carrel.simulators.coder.refusals import RefusalError, forbidden, hidden, invalid
from carrel.simulators.coder.wire.workspaces import Shelf


def an_object(value: object) -> dict[str, object] | None:
    """Return a JSON object that was sent; None when it is something else."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def a_list(value: object) -> list[object] | None:
    """Return a JSON list that was sent; None when it is something else."""
    return cast("list[object]", value) if isinstance(value, list) else None


@dataclass(slots=True)
class Site:
    """What all endpoints work on."""

    world: World
    life: Life
    shelf: Shelf


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer.

    Attributes:
        status: The HTTP status.
        content: What is written as JSON, or JSON that is written already; None: no body.
        headers: Headers beside the usual ones.
    """

    status: int = 200
    content: object = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        site: What it works on.
        caller: Who asks.
        names: What the path names.
        query: What follows the question mark, the first value of each.
        body: The JSON object that was sent, or nothing.
    """

    site: Site
    caller: Caller
    names: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, object]

    @property
    def world(self) -> World:
        """The state of the deployment."""
        return self.site.world

    def need(self, resource: str, action: str, owner_id: str = "") -> None:
        """Refuse what the caller may not do."""
        if not self.caller.may(resource, action, owner_id):
            raise forbidden()

    def need_licence(self, feature: str) -> None:
        """Refuse what was not paid for: the free program does not know the path at all."""
        licence = self.world.setup.licence
        if licence is Licence.AGPL:
            raise RefusalError(404, "Route not found.")
        if licence is Licence.NONE:
            raise RefusalError(403, f"{feature} is a Premium feature. Contact sales!")

    def person(self, name: str = "user") -> Person:
        """Return the user that the path names by `me`, id or username."""
        wanted = self.names[name]
        if wanted == "me":
            return self.caller.person
        for person in self.world.people.values():
            if wanted in {person.user_id, person.username}:
                return person
        raise hidden()

    def space(self, action: str = "read") -> Space:
        """Return the workspace that the path names, for an action on it."""
        space = self.world.spaces.get(self.names["workspace"])
        if space is None or not self.caller.sees(space):
            raise hidden()
        if space.deleted and self.query.get("include_deleted") != "true":
            raise RefusalError(410, f"Workspace {space.workspace_id!r} was deleted.")
        self.need("workspace", action, space.owner_id)
        return space

    def number(self, name: str, default: int = 0) -> int:
        """Return a number of the query."""
        text = self.query.get(name, "")
        if not text:
            return default
        if not text.lstrip("-").isdecimal() or int(text) < 0:
            invalid(name, f"Query param {name!r} must be a valid positive integer: {text!r}")
        return int(text)

    def moment(self, text: object, name: str) -> datetime:
        """Return a moment that was sent."""
        try:
            moment = datetime.fromisoformat(str(text))
        except ValueError:
            invalid(name, f"{text!r} is no RFC 3339 time")
        if moment.tzinfo is None:
            invalid(name, f"{text!r} has no zone")
        return moment
