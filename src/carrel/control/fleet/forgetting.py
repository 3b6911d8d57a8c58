"""Forgetting old plans, a few at a time, so that no pass waits for it; the ledger stays whole."""

from carrel.control.fleet.context import FleetContext
from carrel.domain.governance import forgetting
from carrel.domain.governance.forgetting import OldPlan
from carrel.system import faults

MOST = 200
"""So many at once: what a fleet that is governed every five minutes makes in half a day."""


def forget(ctx: FleetContext) -> int:
    """Forget plans of this fleet that nobody needs any more; return how many.

    In one transaction with the event that counts them. Two that forget at once take turns.
    """
    ages = forgetting.ages(ctx.now(), ctx.keep_plans, ctx.safety.rollback)
    with ctx.store.reading() as session:
        if not session.governance.old_plans(ctx.address, ages, 1):
            return 0
    with ctx.store.writing() as session:
        gone = session.governance.old_plans(ctx.address, ages, MOST)
        if not gone:
            return 0
        session.governance.forget_plans([one.plan_id for one in gone])
        faults.point("forgetting.plans")
        facts = _facts(gone)
        session.append(ctx.now(), ctx.actor, "plan.forgotten", ctx.address, facts)
    ctx.log("plan.forgotten", {"fleet": ctx.address, **facts})
    return len(gone)


def _facts(gone: list[OldPlan]) -> dict[str, object]:
    made = [one.made_at for one in gone]
    return {
        "plans": len(gone),
        "only_shown": sum(one.shown for one in gone),
        "oldest": min(made).isoformat(timespec="seconds"),
        "newest": max(made).isoformat(timespec="seconds"),
    }
