"""Plans: stored before anything is done, found by the start of their id, listed."""

from carrel.control.fleet import writing
from carrel.control.fleet.context import FleetContext
from carrel.domain.governance.acting import PlanLine
from carrel.domain.governance.forgetting import SHOWN
from carrel.domain.governance.plans import ActionState, Plan, Progress
from carrel.domain.records import dataclass
from carrel.errors import BadInputError, FailedError, NotFoundError


@dataclass(frozen=True, slots=True)
class Standing:
    """A plan and how far it is.

    Attributes:
        plan: The plan.
        progress: How far each action is, by number.
    """

    plan: Plan
    progress: tuple[Progress, ...]

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return all(one.state.over for one in self.progress)

    def count(self, state: ActionState) -> int:
        """Return how many actions are so far."""
        return sum(one.state is state for one in self.progress)


def store(ctx: FleetContext, plan: Plan) -> Plan:
    """Write a plan down; nothing is done before that. Storing it again changes nothing."""
    with ctx.store.writing() as session:
        if session.governance.add_plan(plan):
            facts: dict[str, object] = {
                "purpose": plan.purpose,
                "hash": plan.hash,
                "fleet": plan.fleet,
                "actions": len(plan.actions),
                "stops": plan.stops,
                "held_back": len(plan.held_back),
                "notes": list(plan.notes),
                "undoes": plan.undoes,
            }
            session.append(ctx.now(), ctx.actor, "plan.made", plan.plan_id, facts)
    return plan


def get(ctx: FleetContext, plan_id: str) -> Standing:
    """Return a plan by its id, or by a start of it that no other plan has.

    Raises:
        NotFoundError: `unknown_plan`.
        BadInputError: `ambiguous_plan`.
        FailedError: `database_damaged` when it, or how far it is, was changed in the database.
    """
    with ctx.store.reading() as session:
        ids = session.governance.plan_ids(plan_id) if plan_id else []
        if len(ids) == 1:
            plan = session.governance.plan(ids[0])
            if plan is not None:
                return _standing(plan, session.governance.progress(ids[0]))
    if ids:
        raise BadInputError(
            "ambiguous_plan",
            f"{len(ids)} plans begin with {plan_id!r}.",
            cure=f"Write more of it: {', '.join(sorted(ids)[:5])}.",
        )
    raise _unknown(ctx, plan_id)


def _unknown(ctx: FleetContext, plan_id: str) -> NotFoundError:
    """Return the error for a plan that is not there; the ledger knows whether it ever was."""
    with ctx.store.reading() as session:
        events = session.events(subject=plan_id) if plan_id else ()
        made = next((one.at for one in events if one.action == "plan.made"), None)
    if made is None:
        return NotFoundError(
            "unknown_plan",
            f"There is no plan {plan_id!r}.",
            cure="`carrel plan ls` lists the plans.",
        )
    return NotFoundError(
        "unknown_plan",
        f"The plan {plan_id} is not kept any more.",
        why=f"It was made at {made:%Y-%m-%d %H:%M} UTC. Plans are kept for coder.plan_days, "
        f"those that were only shown for {SHOWN.days} days at most.",
        cure="Make a new plan: ask again for what showed this one. "
        f"`carrel ledger --subject {plan_id}` tells what is still known of it.",
    )


def _standing(plan: Plan, progress: list[Progress]) -> Standing:
    if [one.number for one in progress] != [one.number for one in plan.actions]:
        raise FailedError(
            "database_damaged",
            f"The database does not hold how far each action of the plan {plan.plan_id} is.",
            why="Somebody or something took rows away.",
            cure="Don't apply it: make a new plan.",
        )
    return Standing(plan, tuple(progress))


def listing(ctx: FleetContext, *, everywhere: bool = False, limit: int = 20) -> list[PlanLine]:
    """Return the plans of this fleet, or of all fleets, newest first."""
    with ctx.store.reading() as session:
        return session.governance.plan_lines(None if everywhere else ctx.address, limit=limit)


def drop_waiting(ctx: FleetContext, plan_id: str, why: str) -> int:
    """Skip what a plan has not begun; return how much that was."""
    standing, dropped = get(ctx, plan_id), 0
    for one in standing.progress:
        if one.state is ActionState.WAITING:
            moved = writing.move(ctx, standing.plan, one, ActionState.SKIPPED, note=why)
            dropped += moved is not None
    return dropped
