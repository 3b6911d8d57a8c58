"""A pass over a fleet in one call, as tests of plans need it."""

from carrel.control.fleet import applying, deciding, plans
from carrel.control.fleet.applying import Report
from carrel.control.fleet.context import FleetContext
from carrel.domain.governance.plans import Plan, Purpose


def made(ctx: FleetContext) -> Plan:
    """Make and store the plan of a pass."""
    return plans.store(ctx, deciding.plan(ctx, Purpose.GOVERN))


def states(report: Report) -> list[str]:
    """Tell how far each action came."""
    return [str(one.state) for one in report.progress]


def govern(ctx: FleetContext) -> Report:
    """Make a plan and apply it."""
    return applying.apply(ctx, made(ctx).plan_id)
