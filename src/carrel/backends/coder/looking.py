"""Sees one workspace and what policies need besides, in a few requests that are sent at once."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

from carrel.backends.coder.client import Client
from carrel.backends.coder.features import licence_hidden
from carrel.backends.coder.paging import walk
from carrel.backends.coder.people import (
    GroupSeen,
    joined,
    read_default_quiet_hours,
    read_group,
    read_quiet_hours,
    read_user,
)
from carrel.backends.coder.reading import record
from carrel.backends.coder.templates import read_template
from carrel.backends.coder.workspaces import Sight, read_sight
from carrel.domain.fleet.deployment import Deployment, Source
from carrel.domain.fleet.naming import named, unknown
from carrel.domain.fleet.observation import Gap, Observation
from carrel.domain.fleet.people import Organization, QuietHours, User
from carrel.domain.fleet.templates import Template
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.records import dataclass
from carrel.errors import FailedError

T = TypeVar("T")

_AT_ONCE = 8
_PAGE = 100
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_ABSENT = "fleet_not_offered"


@dataclass(slots=True)
class Look:
    """One look at one workspace.

    Attributes:
        client: Whom to ask.
        at: The present moment.
        finish: Adds to a sight who is at work in it.
        gaps: What could not be seen.
    """

    client: Client
    at: datetime
    finish: Callable[[Sight], FleetWorkspace]
    gaps: list[Gap] = field(default_factory=list[Gap])

    def see(self, name: str, deployment: Callable[[], Deployment]) -> Observation:
        """See it.

        Raises:
            NotFoundError: `unknown_fleet_workspace`.
            BadInputError: `ambiguous_workspace`.
            FailedError: As `Client.read`.
        """
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.submit(deployment)
            default = pool.submit(self._part, "quiet_hours", self._default, None)
            sight = self._sight(name)
            one = sight.workspace
            owner = one.owner_id
            nobody: User | None = None
            user = pool.submit(self._part, "users", lambda: self._user(owner), nobody)
            hours = pool.submit(self._part, "quiet_hours", lambda: self._hours(owner), None)
            groups = pool.submit(self._part, "groups", lambda: self._groups(owner), ())
            template = pool.submit(
                self._part, "templates", lambda: self._template(one.template_id), None
            )
            known = found.result()
            workspace = self.finish(sight)
            return self._observation(
                known, workspace, template.result(), user.result(),
                groups.result() if known.source("groups") is Source.NATIVE else (),
                (hours.result(), default.result()),
            )  # fmt: skip

    def _observation(
        self,
        deployment: Deployment,
        workspace: FleetWorkspace,
        template: Template | None,
        user: User | None,
        groups: tuple[GroupSeen, ...],
        hours: tuple[QuietHours | None, QuietHours | None],
    ) -> Observation:
        native = deployment.source("quiet_hours") is Source.NATIVE
        own, default = hours if native else (None, None)
        if licence_hidden(deployment):
            why = "What the deployment's licence offers could not be seen."
            self.gaps += [Gap(one, why) for one in ("quiet_hours", "groups", "connections")]
        organization = Organization(workspace.organization_id, workspace.organization)
        return Observation(
            at=self.at,
            deployment=deployment,
            workspaces=(workspace,),
            templates={template.template_id: template} if template else {},
            users=joined(
                {user.user_id: user} if user else {},
                groups,
                {workspace.owner_id: own} if own else {},
            ),
            groups={one.group.group_id: one.group for one in groups},
            organizations={organization.organization_id: organization},
            default_quiet_hours=default,
            gaps=tuple(sorted(self._true_gaps(deployment), key=lambda gap: (gap.what, gap.why))),
        )

    def _true_gaps(self, deployment: Deployment) -> list[Gap]:
        """Leave out what is not offered anyway: its absence is no gap."""
        by_licence = {"quiet_hours", "groups"}
        return [
            gap
            for gap in self.gaps
            if gap.what not in by_licence or deployment.source(gap.what) is not Source.OURS
            if gap.what != "groups" or deployment.source("groups") is Source.NATIVE
            or licence_hidden(deployment)
        ]  # fmt: skip

    def _part(self, what: str, look: Callable[[], T], otherwise: T) -> T:
        try:
            return look()
        except FailedError as error:
            if error.code == "token_refused":
                raise
            self.gaps.append(Gap(what, f"{error.what} {error.why}".strip(), error.cure))
            return otherwise

    def _sight(self, name: str) -> Sight:
        owner, slash, alone = name.partition("/")
        if slash:
            path = f"/users/{quote(owner, safe='')}/workspace/{quote(alone, safe='')}"
        elif _ID.fullmatch(name):
            path = f"/workspaces/{name.lower()}"
        else:
            return self._by_name(name)
        try:
            sight = read_sight(record(self.client.document(path)))
        except FailedError as error:
            if error.code == _ABSENT:
                raise unknown(name, self.client.address) from None
            raise
        if sight is None:
            raise unknown(name, self.client.address)
        return sight

    def _by_name(self, name: str) -> Sight:
        """Find by name alone; dormant ones are hidden unless they are asked for."""
        query = f'name:"{name.replace(chr(34), "")}"'
        sights: dict[str, Sight] = {}
        for asked in (query, f"{query} dormant:true"):
            for item in walk(self.client, "/workspaces", "workspaces", asked, _PAGE):
                sight = read_sight(item)
                if sight is not None:
                    sights[sight.workspace_id] = sight
        found = named((one.workspace for one in sights.values()), name, self.client.address)
        return sights[found.workspace_id]

    def _user(self, user_id: str) -> User | None:
        return read_user(record(self.client.document(f"/users/{user_id}")))

    def _hours(self, user_id: str) -> QuietHours | None:
        found = self._offered(f"/users/{user_id}/quiet-hours")
        return read_quiet_hours(found) if found is not None else None

    def _default(self) -> QuietHours | None:
        found = read_default_quiet_hours(self.client.document("/deployment/config"))
        return found.schedule if found else None

    def _groups(self, user_id: str) -> tuple[GroupSeen, ...]:
        path = "/groups"
        answer = self._offered(path, {"has_member": user_id})
        if answer is None:
            return ()
        items = self.client.items(path, answer)
        seen = [group for item in items if (group := read_group(item)) is not None]
        # That it was found by this member counts, whether or not its members are shown.
        return tuple(GroupSeen(one.group, frozenset({user_id}), 0) for one in seen)

    def _template(self, template_id: str) -> Template | None:
        return read_template(record(self.client.document(f"/templates/{template_id}")))

    def _offered(self, path: str, query: dict[str, str | int] | None = None) -> object:
        try:
            return self.client.document(path, query or {})
        except FailedError as error:
            if error.code == _ABSENT:
                return None
            raise
