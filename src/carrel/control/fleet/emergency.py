"""The emergency stop: the whole fleet, prebuilds paused first, resumable, in a plan of its own."""

from carrel.control.fleet import deciding, observing
from carrel.control.fleet.context import FleetContext
from carrel.domain.governance.plans import Plan
from carrel.errors import RefusedError
from carrel.planning import emergency


def plan(ctx: FleetContext, reason: str = "", *, include_excluded: bool = False) -> Plan:
    """Make the plan; it is not stored, and nothing is done.

    Raises:
        RefusedError: `emergency_stop_disabled`.
    """
    if not ctx.safety.emergency_stop_enabled:
        raise RefusedError(
            "emergency_stop_disabled",
            "The emergency stop is switched off here.",
            why="safety.emergency_stop_enabled is false.",
            cure="`carrel freeze` keeps Carrel from stopping anything, and always works; an "
            "administrator can switch the emergency stop on.",
        )
    seen = observing.observe(ctx)
    order = emergency.Emergency(
        at=ctx.now(),
        made_by=ctx.actor,
        reason=reason or "a person asked for it.",
        include_excluded=include_excluded,
        prebuilds_paused=ctx.fleet.prebuilds_paused(),
    )
    return emergency.stop_all(deciding.decide(ctx, observation=seen), seen, order, ctx.safety)
