"""Seeing the fleet, and finding one workspace in it by name."""

from difflib import get_close_matches

from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.errors import CarrelError, NotFoundError


def observe(ctx: FleetContext) -> Observation:
    """See the whole fleet; what has surely not changed is not read again."""
    try:
        ctx.seen = ctx.fleet.observe(ctx.seen)
    except CarrelError as error:
        ctx.heed(error)
        raise
    _noted(ctx, "fleet.observed", ctx.seen)
    return ctx.seen


def _noted(ctx: FleetContext, action: str, seen: Observation) -> None:
    facts: dict[str, object] = {
        "level": "debug",
        "workspaces": len(seen.workspaces),
        "running": sum(one.on for one in seen.workspaces),
        "users": len(seen.users),
        "gaps": [gap.what for gap in seen.gaps],
    }
    ctx.log(action, facts)


def recent(ctx: FleetContext) -> Observation:
    """Return the last observation while it is fresh enough to decide on, else a new one."""
    seen = ctx.seen
    if seen is not None and ctx.now() - seen.at < ctx.safety.freshness:
        return seen
    return observe(ctx)


def look(ctx: FleetContext, name: str) -> Observation:
    """See one workspace and what policies need to judge it; cheap in a fleet of any size.

    Raises:
        NotFoundError: `unknown_fleet_workspace`.
        BadInputError: `ambiguous_workspace`.
    """
    seen = ctx.fleet.look(name)
    _noted(ctx, "workspace.observed", seen)
    return seen


def find(ctx: FleetContext, name: str) -> FleetWorkspace:
    """Find a workspace by `owner/name`, by name alone where that is unique, or by id.

    Raises:
        NotFoundError: `unknown_fleet_workspace`.
        BadInputError: `ambiguous_workspace`.
    """
    return look(ctx, name).workspaces[0]


def known_user(seen: Observation, user: str) -> None:
    """Refuse the name of a user that there is not, unless not all could be seen.

    Raises:
        NotFoundError: `unknown_fleet_user`.
    """
    wanted = user.casefold()
    people = {
        name.casefold() for one in seen.users.values() for name in (one.username, one.user_id)
    }
    owners = any(one.owned_by(user) for one in seen.workspaces)
    if wanted not in people and not owners and not seen.lacks("users", "workspaces"):
        near = get_close_matches(wanted, people, n=1)
        raise NotFoundError(
            "unknown_fleet_user",
            f"Nobody is called {user!r} on {seen.deployment.url}.",
            cure=f"Did you mean {near[0]!r}?" if near else "Write the name as Coder shows it.",
        )
