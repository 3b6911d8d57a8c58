"""Which users and connections a report is about, by the names that somebody gave."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from carrel.domain.fleet.history import Connection
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.people import User
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.scopes import Scope, applies, called, matches


def users(scope: Scope, seen: Observation, chosen: Iterable[FleetWorkspace]) -> tuple[User, ...]:
    """Return the users that fit: by name and group, and as owners where more is asked for.

    Args:
        scope: What is asked for.
        seen: The whole fleet.
        chosen: The workspaces of it that fit.
    """
    owners = {one.owner_id for one in chosen}
    by_workspace = not _elsewhere(scope).empty
    fits = _fits(scope, seen)
    found = (
        one
        for one in seen.users.values()
        if fits(one) and (not by_workspace or one.user_id in owners)
    )
    return tuple(sorted(found, key=lambda one: one.username))


def connections(
    scope: Scope, seen: Observation, found: Iterable[Connection]
) -> tuple[Connection, ...]:
    """Return the connections that fit: users and groups are of those who connected.

    Where the log does not say who that was, it counts as the owner.
    """
    where = _elsewhere(scope)
    fits = applies(where, seen)
    ids = {one.workspace_id for one in seen.workspaces if fits(one)}
    by_user = _fits(scope, seen)
    known = {one.username: by_user(one) for one in seen.users.values()}

    def who_fits(name: str) -> bool:
        fitting = known.get(name)
        if fitting is None:
            named = not scope.users or matches(scope.users, called((name,)))
            fitting = known[name] = named and not scope.groups
        return fitting

    return tuple(
        one
        for one in found
        if (where.empty or one.workspace_id in ids) and who_fits(one.user or one.owner)
    )


def _elsewhere(scope: Scope) -> Scope:
    """Return what a scope says of workspaces themselves."""
    return replace(scope, users=(), groups=())


def _fits(scope: Scope, seen: Observation) -> Callable[[User], bool]:
    def fits(user: User) -> bool:
        own = called((user.username,), user.user_id)
        if scope.users and not matches(scope.users, own):
            return False
        groups = [seen.groups[key] for key in user.groups if key in seen.groups]
        theirs = called((one.name for one in groups), *(one.group_id for one in groups))
        return not scope.groups or matches(scope.groups, theirs)

    return fits
