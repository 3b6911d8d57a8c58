"""Seeing the fleet, and finding one workspace in it by name."""

from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.errors import BadInputError, NotFoundError


def observe(ctx: FleetContext) -> Observation:
    """See the whole fleet; what has surely not changed is not read again."""
    ctx.seen = ctx.fleet.observe(ctx.seen)
    return ctx.seen


def recent(ctx: FleetContext) -> Observation:
    """Return the last observation while it is fresh enough to decide on, else a new one."""
    seen = ctx.seen
    if seen is not None and ctx.now() - seen.at < ctx.safety.freshness:
        return seen
    return observe(ctx)


def find(ctx: FleetContext, name: str) -> FleetWorkspace:
    """Find a workspace by `owner/name`, by name alone where that is unique, or by id.

    Raises:
        NotFoundError: `unknown_fleet_workspace`.
        BadInputError: `ambiguous_workspace`.
    """
    wanted = name.casefold()
    seen = recent(ctx).workspaces
    exact = [
        one for one in seen if wanted in (one.workspace_id.casefold(), one.full_name.casefold())
    ]
    found = exact or [one for one in seen if one.name.casefold() == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise BadInputError(
            "ambiguous_workspace",
            f"{len(found)} workspaces are named {name!r}.",
            why=", ".join(sorted(one.full_name for one in found)[:5]) + ".",
            cure="Name it as OWNER/NAME.",
        )
    raise NotFoundError(
        "unknown_fleet_workspace",
        f"There is no workspace {name!r} at {ctx.address}.",
        cure="`carrel fleet ls` lists those that the token may see.",
    )
