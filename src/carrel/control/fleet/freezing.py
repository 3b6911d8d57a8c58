"""The freeze: at once, over all processes, nothing is stopped and no policy acts."""

from carrel.control.fleet.context import FleetContext
from carrel.domain.governance.acting import Freeze


def freeze(ctx: FleetContext, reason: str = "") -> Freeze:
    """Freeze everything; an older freeze stays as it is.

    Needs nothing but the database: no connection, no token, no valid policy.
    """
    wanted = Freeze(ctx.actor, reason, ctx.now())
    with ctx.store.writing() as session:
        new = session.governance.put_freeze(wanted)
        if new:
            facts = {"reason": reason}
            session.append(wanted.at, ctx.actor, "fleet.frozen", ctx.address, facts)
        found = session.governance.freeze() or wanted
    ctx.log("fleet.frozen", {"new": new, "by": found.by, "reason": found.reason})
    return found


def unfreeze(ctx: FleetContext) -> Freeze | None:
    """End the freeze; return the one that was in force, or None."""
    with ctx.store.writing() as session:
        found = session.governance.freeze()
        if found is not None:
            session.governance.drop_freeze()
            facts = {"frozen_by": found.by, "reason": found.reason}
            session.append(ctx.now(), ctx.actor, "fleet.unfrozen", ctx.address, facts)
    ctx.log("fleet.unfrozen", {"was_frozen": found is not None})
    return found


def frozen(ctx: FleetContext) -> Freeze | None:
    """Return the freeze in force."""
    with ctx.store.reading() as session:
        return session.governance.freeze()
