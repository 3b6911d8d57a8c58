"""Stopping workspaces that a person names: a plan like any other, with what is kept held back."""

from collections.abc import Iterable

from carrel.control.fleet import asking, deciding, observing
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.naming import named
from carrel.domain.governance.plans import Action, Plan
from carrel.domain.governance.verdicts import Wish
from carrel.planning.precedence import Decision
from carrel.planning.stopping import Stopping, deed_for, stopping


def plan(ctx: FleetContext, names: Iterable[str], reason: str = "") -> Plan:
    """Make the plan that stops workspaces by name; it is not stored, and nothing is done.

    What a policy keeps, and what can't be stopped now, is held back with the reason.

    Raises:
        NotFoundError: `unknown_fleet_workspace`.
        BadInputError: `ambiguous_workspace`.
    """
    seen = observing.observe(ctx)
    wanted = dict.fromkeys(named(seen.workspaces, name, ctx.address).workspace_id for name in names)
    decisions = {one.workspace.workspace_id: one for one in deciding.decide(ctx, observation=seen)}
    actions: list[Action] = []
    held: list[tuple[str, str]] = []
    for one in (decisions[workspace_id] for workspace_id in wanted):
        why = _spared(one)
        if why:
            held.append((one.workspace.full_name, why))
        else:
            deed, number = deed_for(one.workspace), len(actions) + 1
            actions.append(asking.action(ctx, one.workspace, deed, reason, number=number))
    return asking.plan(ctx, seen, actions, held_back=held)


def _spared(decision: Decision) -> str:
    if decision.wish is Wish.KEEP and decision.winner is not None:
        return decision.winner.reason
    match stopping(decision.workspace.build):
        case Stopping.QUEUE:
            return ""
        case Stopping.UNDER_WAY:
            return "It is being stopped already."
        case Stopping.CONFLICT:
            return "Another build of it is under way; wait for its end."
        case _:
            return "It does not run."
