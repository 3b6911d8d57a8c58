"""Governing: one pass observes, decides, plans, warns and applies; a watch repeats it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from carrel.control.fleet import (
    applying,
    deciding,
    forgetting,
    observing,
    plans,
    recording,
    settling,
    warning,
)
from carrel.control.fleet.applying import Report, Told
from carrel.control.fleet.context import FleetContext
from carrel.control.fleet.plans import Standing
from carrel.domain.governance.plans import Action, ActionState, Plan, Purpose
from carrel.domain.governance.warnings import Warned
from carrel.domain.records import dataclass
from carrel.errors import CarrelError

_MARGIN = timedelta(minutes=5)
"""How much earlier than its lead a warning is looked at, so that no pass misses it."""


Planned = Callable[[Plan], None]
"""Told of the plan that a pass works on, before anybody is warned and anything is done."""


def _untold(_: Plan) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass did.

    Attributes:
        plan: What was found to do; it has no actions when all is well.
        report: What became of it; None when there was nothing to do.
        warned: Who was told.
    """

    plan: Plan
    report: Report | None = None
    warned: tuple[Warned, ...] = ()


@dataclass(frozen=True, slots=True)
class Missed:
    """A pass that could not be made; nothing was done on doubt."""

    at: datetime
    error: CarrelError


def once(ctx: FleetContext, told: Told = applying.quiet, *, planned: Planned = _untold) -> Pass:
    """Make one pass. One that finds nothing to do writes nothing but what it saw.

    Old plans are forgotten first; see `forgetting`.

    Raises:
        RefusedError: `frozen`.
    """
    ctx.thaw()
    settling.settle_all(ctx)
    made = rehearse(ctx)
    if ctx.seen is not None:
        recording.record(ctx, ctx.seen)
    current = standing(ctx, made)
    if current is None:
        return Pass(made)
    planned(current)
    warned = warning.warn(ctx, current)
    return Pass(current, applying.apply(ctx, current.plan_id, told), warned)


def rehearse(ctx: FleetContext) -> Plan:
    """Make the plan that a pass would work on; nothing is stored or done."""
    observing.observe(ctx)
    return deciding.plan(ctx, Purpose.GOVERN, horizon=horizon(ctx))


def horizon(ctx: FleetContext) -> timedelta:
    """Return how far ahead a pass has to look: those that it concerns must be warned in time."""
    return ctx.recipients.lead + _MARGIN if ctx.recipients.enabled else timedelta(0)


def watch(
    ctx: FleetContext,
    interval: timedelta,
    told: Told = applying.quiet,
    *,
    planned: Planned = _untold,
) -> Iterator[Pass | Missed]:
    """Make one pass after the other until the caller has enough; errors don't end it."""
    while True:
        began = ctx.now()
        try:
            yield once(ctx, told, planned=planned)
        except CarrelError as error:
            ctx.heed(error)
            ctx.log("govern.missed", {"code": error.code, "error": str(error)})
            yield Missed(began, error)
        left = interval - (ctx.now() - began)
        ctx.clock.wait(max(0.0, left.total_seconds()))


def standing(ctx: FleetContext, made: Plan) -> Plan | None:
    """Return the plan to work on: the last one, if it still wants the same, else the new one.

    What waits in older plans of the same purpose, made on the same terms, waits no more; plans
    on other terms, such as other filters, are another matter. None: there is nothing to do.
    """
    forgetting.forget(ctx)
    found: Plan | None = None
    for older in _open(ctx, made):
        if found is None and _goes_on(ctx, older) and _wants_the_same(older, made):
            found = older.plan
        else:
            why = "A newer look at the fleet has taken its place."
            plans.drop_waiting(ctx, older.plan.plan_id, why)
    if found is not None or not made.actions:
        return found
    return plans.store(ctx, made)


def keep(ctx: FleetContext, made: Plan) -> Plan:
    """Keep a plan that is only shown, so that just it can be applied later; nothing is done.

    Return it, or the one that was kept before and still wants the same.
    """
    forgetting.forget(ctx)
    if not made.actions:
        return made
    for older in _open(ctx, made):
        whole = len(older.plan.actions) == len(made.actions)
        if whole and _goes_on(ctx, older) and _wants_the_same(older, made):
            return older.plan
    return plans.store(ctx, made)


def _open(ctx: FleetContext, made: Plan) -> Iterator[Standing]:
    """Find the plans for the same, made on the same terms, in which something waits."""
    for line in plans.listing(ctx, limit=50):
        if line.purpose is made.purpose and not line.over:
            older = plans.get(ctx, line.plan_id)
            if older.plan.terms == made.terms and older.count(ActionState.WAITING):
                yield older


def _goes_on(ctx: FleetContext, older: Standing) -> bool:
    """Tell whether limits let a plan go on: what one that broke off left is for a new plan."""
    wrong = older.count(ActionState.FAILED) + older.count(ActionState.UNCERTAIN)
    return wrong < ctx.safety.max_failures and older.plan.stops <= ctx.safety.max_stops


def _wants_the_same(older: Standing, made: Plan) -> bool:
    waiting = [
        _key(older.plan.actions[one.number - 1])
        for one in older.progress
        if one.state is ActionState.WAITING
    ]
    return sorted(waiting) == sorted(map(_key, made.actions))


def _key(action: Action) -> tuple[str, ...]:
    due = action.due.isoformat() if action.due else ""
    parts = (action.workspace_id, action.deed, action.policy, due, action.argument)
    return (*(str(part) for part in parts), str(action.expected_build), str(action.warn))
