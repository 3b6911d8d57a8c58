"""What a person asks for by name becomes a plan, so that it can be undone like any other."""

from collections.abc import Iterable

from carrel.control.fleet import deeds
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.plans import Action, Deed, Plan, Purpose, sealed


def action(
    ctx: FleetContext,
    workspace: FleetWorkspace,
    deed: Deed,
    reason: str,
    *,
    number: int = 1,
    argument: str | int | None = None,
) -> Action:
    """Make an action that somebody asked for; without a reason it says who."""
    return Action(
        number=number,
        deed=deed,
        workspace_id=workspace.workspace_id,
        workspace=workspace.full_name,
        owner_id=workspace.owner_id,
        policy="person",
        reason=reason or f"{ctx.actor} asked for it.",
        argument=argument,
        expected_build=workspace.build.number,
        before=deeds.before(workspace),
    )


def plan(
    ctx: FleetContext,
    seen: Observation,
    actions: Iterable[Action],
    *,
    held_back: Iterable[tuple[str, str]] = (),
    note: str = "",
) -> Plan:
    """Make the plan of such actions; it is not stored, and nothing is done."""
    return sealed(
        Plan(
            plan_id="",
            hash="",
            purpose=Purpose.SET,
            fleet=ctx.address,
            made_at=ctx.now(),
            observed_at=seen.at,
            made_by=ctx.actor,
            actions=tuple(actions),
            held_back=tuple(held_back),
            notes=(note,) if note else (),
        )
    )
