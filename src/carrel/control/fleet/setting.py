"""One change that a person asks for: a plan of one action, so it can be undone like any other."""

from datetime import UTC, datetime, timedelta
from typing import Protocol, cast

from carrel.control.fleet import asking, observing
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.schedule import LONGEST_TTL, SHORTEST_EXTENSION, SHORTEST_TTL
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.plans import Deed, Plan
from carrel.domain.governance.saying import moment, span
from carrel.errors import BadInputError, RefusedError
from carrel.planning.planner import milliseconds


def ttl(ctx: FleetContext, name: str, length: timedelta | None, reason: str = "") -> Plan:
    """Make the plan that sets a workspace's time to live; None: it has none any more.

    Raises:
        BadInputError: `bad_ttl`.
        NotFoundError: `unknown_fleet_workspace`.
        RefusedError: `ttl_refused` by the template or the policy.
    """
    if length is not None and not SHORTEST_TTL <= length <= LONGEST_TTL:
        raise BadInputError(
            "bad_ttl",
            f"A workspace can't live for {span(length)}.",
            why="The backend takes from 1 minute to 30 days.",
            cure="Write a time such as 8h; `none` takes the time to live away.",
        )
    seen = observing.look(ctx, name)
    workspace, rules = seen.workspaces[0], _rules(ctx)
    _must_be_free(workspace, seen)
    if rules is not None:
        rules.allowed(workspace, seen, length)
    argument = None if length is None else milliseconds(length)
    wanted = asking.action(ctx, workspace, Deed.SET_TTL, reason, argument=argument)
    return asking.plan(ctx, seen, (wanted,), note=_about_deadline(workspace, length))


def _must_be_free(workspace: FleetWorkspace, seen: Observation) -> None:
    """Refuse where the template sets the time to live: the backend would refuse it, too."""
    template = seen.templates.get(workspace.template_id)
    if template is not None and not template.allow_user_autostop:
        raise RefusedError(
            "ttl_refused",
            f"The time to live of {workspace.full_name} is not set: its template sets it.",
            why=f"Template {template.name!r} lets nobody have a time to live of their own.",
            cure="Change the template's default, or let its users choose, on the deployment.",
        )


def _about_deadline(workspace: FleetWorkspace, length: timedelta | None) -> str:
    """Say what a new time to live means for a running build, which is not what people expect."""
    if not workspace.running:
        return ""
    deadline = workspace.build.deadline
    if length is None:
        return "It runs: its deadline is taken away, too." if deadline else ""
    keeps = f"with its deadline at {moment(deadline, UTC)}" if deadline else "without a deadline"
    return f"It runs, and goes on {keeps}: a time to live counts from the next start on."


def extend(ctx: FleetContext, name: str, length: timedelta, reason: str = "") -> Plan:
    """Make the plan that moves a running workspace's deadline: so much later than it is now.

    Raises:
        BadInputError: `bad_extension`.
        RefusedError: `no_deadline`, `beyond_max_deadline`, `extension_refused` by the policy.
        NotFoundError: `unknown_fleet_workspace`.
    """
    seen = observing.look(ctx, name)
    workspace, rules = seen.workspaces[0], _rules(ctx)
    deadline = (
        _later(ctx, workspace, length)
        if rules is None
        else rules.extension(workspace, ctx.now(), length)
    )
    wanted = asking.action(ctx, workspace, Deed.SET_DEADLINE, reason, argument=deadline.isoformat())
    return asking.plan(ctx, seen, (wanted,))


class _Rules(Protocol):
    """The settings of the policy on times to live, as far as setting one goes."""

    def allowed(
        self, workspace: FleetWorkspace, observation: Observation, wanted: timedelta | None
    ) -> timedelta | None: ...

    def extension(self, workspace: FleetWorkspace, at: datetime, wanted: timedelta) -> datetime: ...


def _rules(ctx: FleetContext) -> _Rules | None:
    """Return the rules in force; None: there are none."""
    held = ctx.configured("time_to_live")
    return None if held is None else cast("_Rules", held.settings)


def _later(ctx: FleetContext, workspace: FleetWorkspace, length: timedelta) -> datetime:
    build = workspace.build
    if not workspace.running or build.deadline is None:
        raise RefusedError(
            "no_deadline",
            f"{workspace.full_name} has no deadline to move.",
            why="It does not run." if not workspace.running else "Nothing will stop it by time.",
            cure="`carrel ttl set` gives it a time to live; that counts from its next start on.",
        )
    wanted = build.deadline + length
    if wanted < ctx.now() + SHORTEST_EXTENSION:
        raise BadInputError(
            "bad_extension",
            f"{workspace.full_name} can't end at {wanted:%Y-%m-%d %H:%M} UTC.",
            why="The backend wants a deadline at least 30 minutes ahead.",
            cure="Give it more time, or stop it.",
        )
    if build.max_deadline is not None and wanted > build.max_deadline:
        raise RefusedError(
            "beyond_max_deadline",
            f"{workspace.full_name} must stop by {build.max_deadline:%Y-%m-%d %H:%M} UTC.",
            why="Its template requires that stop.",
            cure=f"Extend it by {build.max_deadline - build.deadline} at most.",
        )
    return wanted
