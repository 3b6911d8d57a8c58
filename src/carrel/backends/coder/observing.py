"""Sees a whole fleet: pages at once, what is as it was not decoded again, gaps named."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import field
from datetime import datetime
from functools import partial
from typing import TypeVar

from carrel.backends.coder.answers import answer_unknown
from carrel.backends.coder.client import Client
from carrel.backends.coder.features import licence_hidden
from carrel.backends.coder.history import open_connections, quoted
from carrel.backends.coder.memory import Memory
from carrel.backends.coder.ownhours import OwnHours
from carrel.backends.coder.paging import Listing, read_all
from carrel.backends.coder.people import (
    DefaultQuietHours,
    GroupSeen,
    joined,
    read_default_quiet_hours,
    read_group,
    read_organization,
    read_user,
    user_id,
)
from carrel.backends.coder.reading import Record
from carrel.backends.coder.tasks import all_tasks, task_of
from carrel.backends.coder.templates import read_template
from carrel.backends.coder.workspaces import Sight, TaskSeen, finished, read_sight
from carrel.domain.fleet.deployment import Deployment, Source
from carrel.domain.fleet.history import Connection
from carrel.domain.fleet.observation import Gap, Observation
from carrel.domain.fleet.people import Organization, QuietHours, User
from carrel.domain.fleet.templates import Template
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.records import dataclass
from carrel.errors import FailedError

T = TypeVar("T")

_AT_ONCE = 6
_PAGE = 500
_REFUSED = "token_refused"
_HIDDEN = "What the deployment's licence offers could not be seen."
_BY_LICENCE = ("quiet_hours", "groups", "connections")
_LOOK_AGAIN = "Look again; if it stays so, look at the deployment's health."


def _sight_name(sight: Sight) -> str:
    return sight.workspace_id


_WORKSPACES, _DORMANT = (
    Listing("/workspaces", "workspaces", query, _PAGE, read_sight, _sight_name)
    for query in ("", "dormant:true")
)
_USERS = Listing("/users", "users", "", _PAGE, read_user, user_id)


@dataclass(slots=True)
class _Pass:
    """One reading of a fleet: what was seen so far, and what could not be."""

    client: Client
    memory: Memory
    deployment: Deployment
    at: datetime
    gaps: list[Gap] = field(default_factory=list[Gap])

    def native(self, feature: str) -> bool:
        return self.deployment.source(feature) is Source.NATIVE

    def part(self, what: str, look: Callable[[], T], otherwise: T) -> T:
        """Return what a look shows; when it fails, name the gap and go on without.

        Raises:
            FailedError: `token_refused`: then nothing else can be seen either.
        """
        try:
            return look()
        except FailedError as error:
            if error.code == _REFUSED:
                raise
            self.gaps.append(Gap(what, f"{error.what} {error.why}".strip(), error.cure))
            return otherwise

    def all_of(self, listing: Listing[T], what: str, pool: Executor) -> dict[str, T]:
        seen = read_all(self.client, self.memory, listing, pool)
        if seen.missing:
            why = f"{seen.missing} of the {what} could not be read: the list changed meanwhile."
            self.gaps.append(Gap(what, why, _LOOK_AGAIN))
        return dict(seen.values)

    def plain(self, path: str, parse: Callable[[Record], T | None]) -> tuple[T, ...]:
        """Return a list that a deployment sends in one piece."""
        content = self.client.read(path)

        def decode() -> tuple[T, ...]:
            items = self.client.items(path, self.client.decoded(path, content))
            return tuple(value for item in items if (value := parse(item)) is not None)

        return self.memory.recall(path, content, decode)


def observe(
    client: Client, memory: Memory, own: OwnHours, deployment: Deployment, at: datetime
) -> Observation:
    """See the whole fleet.

    Args:
        client: Whom to ask.
        memory: What was decoded in the last pass.
        own: Users' own quiet hours, as far as they are known.
        deployment: What was found out of it.
        at: The present moment.

    Raises:
        FailedError: `fleet_unreachable`, `token_refused`, `fleet_forbidden` or
            `fleet_answer_unknown`, when not even a part of the workspaces can be seen.
    """
    run = _Pass(client, memory, deployment, at)
    if licence_hidden(deployment):
        run.gaps += [Gap(what, _HIDDEN, _LOOK_AGAIN) for what in _BY_LICENCE]
    with ThreadPoolExecutor(_AT_ONCE) as pages, ThreadPoolExecutor(_AT_ONCE) as parts:
        around = _Around(run, pages, parts)
        sights = _sights(run, pages)
        connections = run.part("connections", partial(_connections, run, sights), None)
        tasks = around.tasks.result()
        workspaces = _finished(run, sights, tasks, connections)
        default = around.default.result()
        hours = _own_hours(run, own, default, workspaces, pages)
        observation = Observation(
            at=at,
            deployment=deployment,
            workspaces=workspaces,
            templates={one.template_id: one for one in around.templates.result()},
            users=joined(around.users.result(), around.groups.result(), hours),
            groups={one.group.group_id: one.group for one in around.groups.result()},
            organizations={one.organization_id: one for one in around.organizations.result()},
            default_quiet_hours=default.schedule if default else None,
            gaps=tuple(sorted(run.gaps, key=lambda gap: (gap.what, gap.why))),
        )
    memory.forget_unasked()
    return observation


class _Around:
    """What stands around the workspaces, being read while they are."""

    def __init__(self, run: _Pass, pages: Executor, parts: Executor) -> None:
        nobody: dict[str, User] = {}
        self.users = parts.submit(
            run.part, "users", partial(run.all_of, _USERS, "users", pages), nobody
        )
        self.templates = parts.submit(run.part, "templates", partial(_templates, run), ())
        self.organizations = parts.submit(
            run.part, "organizations", partial(_organizations, run), ()
        )
        self.groups = parts.submit(run.part, "groups", partial(_groups, run), ())
        self.tasks = parts.submit(run.part, "tasks", partial(_tasks, run), None)
        self.default = parts.submit(run.part, "quiet_hours", partial(_default_hours, run), None)


def _templates(run: _Pass) -> tuple[Template, ...]:
    return run.plain("/templates", read_template)


def _organizations(run: _Pass) -> tuple[Organization, ...]:
    return run.plain("/organizations", read_organization)


def _groups(run: _Pass) -> tuple[GroupSeen, ...]:
    if not run.native("groups"):
        return ()
    seen = run.plain("/groups", read_group)
    hidden = [one for one in seen if one.hidden]
    if hidden:
        most = max(hidden, key=lambda one: one.hidden)
        why = (
            f"Of {len(hidden)} groups not all members are shown; of {most.group.name!r}, "
            f"{most.hidden} are not."
        )
        run.gaps.append(Gap("groups", why, "Use a token of a user who may see all members."))
    return seen


def _tasks(run: _Pass) -> dict[str, TaskSeen]:
    return all_tasks(run.client) if run.native("tasks") else {}


def _default_hours(run: _Pass) -> DefaultQuietHours | None:
    if not run.native("quiet_hours"):
        return None
    path = "/deployment/config"
    found = read_default_quiet_hours(run.client.document(path))
    if found is None:
        raise answer_unknown(run.client.address, path, "It says nothing of quiet hours.")
    return found


def _sights(run: _Pass, pages: Executor) -> list[Sight]:
    """Return all workspaces: dormant ones are hidden unless they are asked for."""
    seen = run.all_of(_WORKSPACES, "workspaces", pages)
    none: dict[str, Sight] = {}
    seen |= run.part("workspaces", partial(run.all_of, _DORMANT, "workspaces", pages), none)
    return sorted(seen.values(), key=_place)


def _place(sight: Sight) -> tuple[str, str, str, str]:
    one = sight.workspace
    return (one.organization, one.owner, one.name, one.workspace_id)


def _connections(run: _Pass, sights: list[Sight]) -> dict[str, tuple[Connection, ...]] | None:
    """Return the open connections by workspace; None when the deployment keeps no log of them."""
    if not run.native("connections"):
        return None
    starts = [
        sight.workspace.build.created_at or sight.workspace.created_at
        for sight in sights
        if sight.workspace.running
    ]
    if not starts:
        return {}
    # No open connection is older than the run of the workspace that it goes to.
    found: dict[str, list[Connection]] = {}
    for one in open_connections(run.client, f"connected_after:{quoted(min(starts))}"):
        found.setdefault(one.workspace_id, []).append(one)
    return {name: tuple(ones) for name, ones in found.items()}


def _finished(
    run: _Pass,
    sights: list[Sight],
    tasks: dict[str, TaskSeen] | None,
    connections: Mapping[str, tuple[Connection, ...]] | None,
) -> tuple[FleetWorkspace, ...]:
    at = run.at
    none: tuple[Connection, ...] | None = None if connections is None else ()
    known = connections or {}
    return tuple(
        finished(
            sight,
            task_of(sight.workspace, tasks),
            known.get(sight.workspace.workspace_id, none),
            at,
        )
        for sight in sights
    )


def _own_hours(
    run: _Pass,
    own: OwnHours,
    default: DefaultQuietHours | None,
    workspaces: tuple[FleetWorkspace, ...],
    pool: Executor,
) -> Mapping[str, QuietHours]:
    """Return the own quiet hours of those whose workspaces run, where anybody may have own ones."""
    if default is None or not default.custom:
        return {}
    owners = sorted({one.owner_id for one in workspaces if one.running and not one.is_prebuild})
    unread = own.refresh(owners, run.at, pool)
    if unread:
        why = f"The own quiet hours of {unread} of {len(owners)} users are not read yet."
        run.gaps.append(Gap("quiet_hours", why, f"Look again: {own.most} are read each time."))
    return own.known(owners)
