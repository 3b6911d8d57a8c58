"""The state of a simulated deployment."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from carrel.domain.fleet.workspaces import BuildStatus
from carrel.domain.records import dataclass
from carrel.simulators.coder.chance import identity
from carrel.simulators.coder.model.agenda import Agenda
from carrel.simulators.coder.model.history import WEB, Deed, Interruption, Licence, Link
from carrel.simulators.coder.model.people import Org, Person, Team, Token
from carrel.simulators.coder.model.workspaces import Assignment, Job, Machine, Space

if TYPE_CHECKING:
    from carrel.simulators.coder.model.templates import Blueprint

SYSTEM = "system"
"""Name of the account that the deployment's own builds are made in."""
ADMIN = "admin"
"""Name of the account whose token may do everything."""
AUDITOR = "auditor"
"""Name of the account whose token may read everything."""
POOL = "prebuilds"
"""Name of the account that owns prebuilt workspaces."""


@dataclass(slots=True)
class Setup:
    """How the deployment is set up; may be changed while it runs.

    Attributes:
        version: Its release.
        licence: What was paid for.
        quiet_schedule: The default quiet hours; empty: none.
        quiet_custom: Users may choose their own.
        prebuilds_paused: Nobody refills the pools.
        provisioners: How many builds run at the same time; 0: they are gone.
        banners: What is announced to everybody.
        leeway: How near a required stop may be and still count.
    """

    version: str = "v2.35.3"
    licence: Licence = Licence.PREMIUM
    quiet_schedule: str = "CRON_TZ=UTC 0 0 * * *"
    quiet_custom: bool = True
    prebuilds_paused: bool = False
    provisioners: int = 20
    banners: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    leeway: timedelta = timedelta(hours=2)


class World:
    """Everything that a deployment knows, and the moment it is.

    Args:
        seed: Decides every chance and every id.
        now: The moment it begins.
        setup: How the deployment is set up.
    """

    def __init__(self, seed: int, now: datetime, setup: Setup | None = None) -> None:
        self.seed = seed
        self.now = now
        self.setup = setup or Setup()
        self.agenda = Agenda()
        self.orgs: dict[str, Org] = {}
        self.people: dict[str, Person] = {}
        self.teams: dict[str, Team] = {}
        self.blueprints: dict[str, Blueprint] = {}
        self.spaces: dict[str, Space] = {}
        self.jobs: dict[str, Job] = {}
        self.waiting: deque[Job] = deque()
        self.assignments: dict[str, Assignment] = {}
        self.tokens: dict[str, Token] = {}
        self.links: list[Link] = []
        self.open_links: dict[str, dict[str, Link]] = {}
        self.deeds: list[Deed] = []
        self.interruptions: list[Interruption] = []
        self.on_change: list[Callable[[Space], None]] = []
        self.on_built: list[Callable[[Space, Job], None]] = []
        self.revision = 0
        self.generation = 0
        self._counted: dict[str, int] = {}

    # --- finding ---------------------------------------------------------------------------

    def person(self, name: str) -> Person:
        """Return a user by username."""
        return next(one for one in self.people.values() if one.username == name)

    def space(self, full_name: str) -> Space:
        """Return a workspace that is not deleted by `owner/name`."""
        owner, _, name = full_name.partition("/")
        return next(
            one
            for one in self.alive()
            if one.name == name and self.people[one.owner_id].username == owner
        )

    def alive(self) -> Iterator[Space]:
        """Return the workspaces that are not deleted."""
        return (one for one in self.spaces.values() if not one.deleted)

    def history(self, space: Space | None = None) -> list[Job]:
        """Return all builds, or those of one workspace, in the order they were asked for."""
        return list(space.builds) if space else list(self.jobs.values())

    def connected(self) -> Iterable[Space]:
        """Return the workspaces that somebody is connected to."""
        return [self.spaces[key] for key, links in self.open_links.items() if links]

    def used_at(self, space: Space) -> datetime:
        """Return the last use of a workspace: while somebody is connected, it is the present."""
        return self.now if space.connections else space.used_at

    # --- changing --------------------------------------------------------------------------

    def new_id(self, kind: str) -> str:
        """Return an id that nothing else has."""
        number = self._counted[kind] = self._counted.get(kind, 0) + 1
        return identity(self.seed, kind, number)

    def changed(self, space: Space) -> None:
        """Tell everybody who keeps something about a workspace that it changed."""
        space.version += 1
        self.revision += 1
        for listener in self.on_change:
            listener(space)

    def changed_for_all(self) -> None:
        """Tell that something changed which shows in every workspace, such as a template."""
        self.generation += 1
        self.revision += 1

    def built(self, space: Space, job: Job) -> None:
        """Tell everybody who waits for builds that one has ended."""
        for listener in self.on_built:
            listener(space, job)

    def open_link(self, space: Space, user_id: str, kind: str) -> Link:
        """Connect somebody to a workspace."""
        link = Link(self.new_id("link"), space.workspace_id, user_id, kind, self.now)
        self.links.append(link)
        self.open_links.setdefault(space.workspace_id, {})[link.link_id] = link
        space.connections += 1
        space.connected_since = space.connected_since or self.now
        self.seen(user_id)
        self.changed(space)
        return link

    def close_link(self, link: Link, reason: str = "") -> None:
        """End a connection; what is ended stays ended."""
        links = self.open_links.get(link.workspace_id, {})
        if links.pop(link.link_id, None) is None:
            return
        space = self.spaces[link.workspace_id]
        link.closed_at, link.reason = self.now, reason
        space.connections -= 1
        space.used_at = self.now
        if not space.connections:
            space.connected_since = None
            self.open_links.pop(link.workspace_id)
        if link.kind not in WEB:
            self.seen(link.user_id)
        self.changed(space)

    def seen(self, user_id: str) -> None:
        """Note that a user did something."""
        person = self.people[user_id]
        person.last_seen_at = self.now
        if person.status == "dormant":
            person.status = "active"

    def note(  # the columns of the audit log
        self, user_id: str, action: str, kind: str, resource: tuple[str, str, str], **fields: object
    ) -> None:
        """Write a line into the audit log.

        Args:
            user_id: Who did it.
            action: What was done.
            kind: The type of resource.
            resource: Its id, its name and its organization's id.
            **fields: What else is known.
        """
        key, name, org = resource
        deed = Deed(
            self.new_id("deed"), self.now, user_id, action, kind, key, name, org, fields=fields
        )
        self.deeds.append(deed)

    def interrupted(self, space: Space, user_id: str, working: str) -> None:
        """Note that the latest build of a workspace hit somebody at work."""
        build = space.latest.build_id
        self.interruptions.append(
            Interruption(self.now, space.workspace_id, user_id, build, working)
        )

    def boot(self, space: Space) -> None:
        """Give a started workspace its agent."""
        space.machine = Machine(identity(self.seed, "agent", space.latest.build_id), self.now)

    def shut(self, space: Space, reason: str) -> None:
        """End a workspace's agent, and every connection with it."""
        space.machine = None
        for link in list(self.open_links.get(space.workspace_id, {}).values()):
            self.close_link(link, reason)

    def active_jobs(self) -> list[Job]:
        """Return the builds whose jobs have not ended."""
        return [
            space.latest
            for space in self.spaces.values()
            if space.builds and space.latest.status.active
        ]

    def failed(self, space: Space) -> bool:
        """Tell whether the latest build of a workspace failed."""
        return space.latest.status is BuildStatus.FAILED
