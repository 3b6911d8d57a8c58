"""Explaining one workspace, and linting the policies on what can be seen."""

from datetime import datetime

from carrel.control.fleet import deciding, observing
from carrel.control.fleet.context import FleetContext
from carrel.domain.governance.verdicts import Finding
from carrel.planning import explaining, linting
from carrel.planning.explaining import Explanation


def explain(ctx: FleetContext, name: str, *, at: datetime | None = None) -> Explanation:
    """Explain one workspace: costs a few requests in a fleet of any size.

    Args:
        ctx: The fleet.
        name: `owner/name`, a name alone where it is unique, or an id.
        at: The moment to decide for, on what is seen now; now, when none is given.

    Raises:
        NotFoundError: `unknown_fleet_workspace`.
        BadInputError: `ambiguous_workspace`.
    """
    seen = observing.look(ctx, name)
    held = deciding.situation(ctx, seen, at=at)
    return explaining.explain(seen.workspaces[0], ctx.policies, held)


def check(ctx: FleetContext) -> tuple[Finding, ...]:
    """Lint the policies in force on the whole fleet as it is."""
    return linting.check_policies(ctx.policies, observing.recent(ctx))
