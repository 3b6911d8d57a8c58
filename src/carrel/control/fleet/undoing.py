"""Undo: a plan of its own, made from what each action wrote down before it acted."""

from dataclasses import replace

from carrel.control.fleet import observing, plans, settling
from carrel.control.fleet.context import FleetContext
from carrel.domain.governance.plans import Plan
from carrel.domain.governance.saying import span
from carrel.errors import RefusedError
from carrel.planning import undoing


def plan(ctx: FleetContext, plan_id: str) -> Plan:
    """Make the plan that takes another one back; it is not stored, and nothing is done.

    Raises:
        NotFoundError: `unknown_plan`.
        RefusedError: `too_late_to_undo` after the rollback window; `plan_under_way` while what
            it sent may still happen.
    """
    settling.settle_all(ctx)
    standing = plans.get(ctx, plan_id)
    done, window = standing.plan, ctx.safety.rollback
    last = max((one.at for one in standing.progress), default=done.made_at)
    if ctx.now() - last > window:
        raise RefusedError(
            "too_late_to_undo",
            f"The plan {done.plan_id} can't be undone any more.",
            why=f"It was applied more than {span(window)} ago (safety.rollback_hours).",
            cure="Start by hand what is missed, or make the window longer.",
        )
    if any(one.sent_at is not None and not one.state.over for one in standing.progress):
        raise RefusedError(
            "plan_under_way",
            f"The plan {done.plan_id} is still being applied.",
            why="Builds of it are under way, and could end what undoing starts.",
            cure="Stop the process that applies it, wait for its builds, then undo.",
        )
    rows = {one.number: one for one in standing.progress}
    found = [
        replace(
            action,
            before=rows[action.number].before or action.before,
            expected_build=rows[action.number].build_number or action.expected_build,
        )
        for action in done.actions
    ]
    return undoing.undo(
        replace(done, actions=tuple(found)),
        standing.progress,
        observing.observe(ctx),
        at=ctx.now(),
        made_by=ctx.actor,
        safety=ctx.safety,
    )


def undo(ctx: FleetContext, plan_id: str) -> Plan:
    """Make the plan that takes another one back and store it, ready to be applied.

    What waited in the other plan waits no more: it would do again what is taken back.
    """
    made = plan(ctx, plan_id)
    plans.drop_waiting(ctx, made.undoes, f"Plan {made.plan_id} takes the plan back.")
    return plans.store(ctx, made)
