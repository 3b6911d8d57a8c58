"""Deciding: what the store remembers joins what was seen, and the policies answer."""

from collections import Counter
from datetime import datetime, timedelta

from carrel.control.fleet import keeping, observing, spending
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance import flapping
from carrel.domain.governance.plans import Action, Deed, Plan, Purpose, Terms
from carrel.domain.governance.verdicts import Situation, Verdict, Wish
from carrel.domain.records import dataclass
from carrel.errors import FailedError
from carrel.planning import deciding, planner
from carrel.planning.deciding import Ready
from carrel.planning.planner import Order
from carrel.planning.precedence import Decision
from carrel.planning.safety import check_plan
from carrel.system.collector import put_off

_ANEW = timedelta(minutes=1)
"""Policies are prepared anew when the moment that they were prepared for is older."""

_WISHES = {
    Deed.STOP: frozenset({Wish.STOP, Wish.SLEEP}),
    Deed.PAUSE: frozenset({Wish.STOP, Wish.SLEEP}),
    Deed.MAKE_DORMANT: frozenset({Wish.SLEEP}),
    Deed.DELETE: frozenset({Wish.DELETE}),
}
"""What a policy must still want for a deed."""
_CORRECTING = frozenset({Deed.SET_TTL, Deed.SET_DEADLINE})
"""Deeds that a policy may want beside any other wish, and at once."""


def situation(
    ctx: FleetContext,
    observation: Observation,
    *,
    at: datetime | None = None,
    force: bool = False,
) -> Situation:
    """Return what policies may look at, at a moment; now, when none is given."""
    moment = ctx.now() if at is None else at
    with ctx.store.reading() as session:
        stops = session.governance.stopped(ctx.address, moment - flapping.LOOKED_BACK)
    return Situation(
        at=moment,
        observation=observation,
        keeps=keeping.by_workspace(ctx, moment),
        spent=spending.spent(ctx, observation, moment),
        flaps=flapping.flaps(stops, observation.workspaces),
        force=force,
    )


def decide(
    ctx: FleetContext,
    *,
    at: datetime | None = None,
    force: bool = False,
    observation: Observation | None = None,
) -> tuple[Decision, ...]:
    """Ask every policy about every workspace; the fleet is observed if need be."""
    seen = observation or observing.recent(ctx)
    held = situation(ctx, seen, at=at, force=force)
    with put_off():
        return deciding.decide_fleet(ctx.policies, held)


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and the decisions that it was made from."""

    plan: Plan
    decisions: tuple[Decision, ...]


def plan(
    ctx: FleetContext,
    purpose: Purpose,
    *,
    policies: frozenset[str] = frozenset(),
    force: bool = False,
    horizon: timedelta | None = None,
) -> Plan:
    """Make a plan, as `planned` does."""
    return planned(ctx, purpose, policies=policies, force=force, horizon=horizon).plan


def planned(
    ctx: FleetContext,
    purpose: Purpose,
    *,
    policies: frozenset[str] = frozenset(),
    force: bool = False,
    horizon: timedelta | None = None,
) -> Planned:
    """Make a plan for a purpose; it is not stored, and nothing is done.

    Args:
        ctx: The fleet.
        purpose: Why.
        policies: Only wishes of these; empty: of all. Keeping always counts.
        force: Violations of a time to live are added.
        horizon: What is due later than this from now is left to a later plan.

    Raises:
        FailedError: `unsafe_plan` when it contradicts what was decided.
    """
    seen = observing.recent(ctx)
    decisions = decide(ctx, force=force, observation=seen)
    order = Order(
        purpose=purpose,
        at=ctx.now(),
        made_by=ctx.actor,
        policies=policies,
        horizon=horizon,
        warn=ctx.recipients.enabled,
        terms=Terms(force, ctx.laid_over),
    )
    made = planner.make(decisions, seen, order, ctx.safety)
    ctx.log("fleet.decided", _told(made, decisions))
    _check(made, decisions)
    return Planned(made, decisions)


def _check(made: Plan, decisions: tuple[Decision, ...]) -> None:
    wrong = check_plan(made, decisions)
    if wrong:
        raise FailedError(
            "unsafe_plan",
            f"The plan contradicts what was decided: {wrong[0]}",
            why="Policies and plan must agree before anything is done; nothing was.",
            cure="It is a mistake in Carrel, or in a policy of your own: report it.",
        )


def _told(made: Plan, decisions: tuple[Decision, ...]) -> dict[str, object]:
    """Return how often each wish won, and what a plan took over from that."""
    wishes = Counter(str(one.wish) for one in decisions)
    return {
        "level": "debug",
        "purpose": made.purpose,
        **wishes,
        "actions": len(made.actions),
        "held_back": len(made.held_back),
    }


class Judge:
    """Decides anew about single workspaces on fresh facts, while a plan is applied.

    By the policies in force now, on the terms that the plan was made on.
    """

    def __init__(self, ctx: FleetContext, plan: Plan) -> None:
        self._ctx = ctx
        self._force, tables = plan.terms.forced, plan.terms.laid_over
        same = tables == ctx.laid_over
        self._policies = ctx.policies if same else ctx.configure(tables)
        self._prepared: tuple[Ready, ...] = ()
        self._at: datetime | None = None

    def objection(
        self, action: Action, workspace: FleetWorkspace, *, follows: bool
    ) -> tuple[str, datetime | None] | None:
        """Return why an action should not be done now, and when it may be; None: it should.

        Args:
            action: What the plan wants.
            workspace: As it is now.
            follows: The plan has done something to the workspace already, so the policy's wish
                may be fulfilled in part: only a wish to keep holds the rest back.
        """
        decision = deciding.decide(self._ready(), (workspace,))[0]
        if decision.wish is Wish.KEEP and decision.winner is not None:
            return decision.winner.reason, None
        if follows:
            return None
        wanted = [one for one in decision.verdicts if _wants(one, action)]
        if not wanted:
            said = next((o for o in decision.verdicts if o.policy == action.policy), None)
            reason = said.reason if said else f"The policy {action.policy!r} is not in force."
            return f"It is not wanted any more: {reason}", None
        if action.deed in _CORRECTING:
            return None
        due = min((one.due for one in wanted if one.due is not None), default=None)
        if due is not None and all(one.due is not None for one in wanted) and due > self._ctx.now():
            return f"It is due at {due:%Y-%m-%d %H:%M} UTC.", due
        return None

    def _ready(self) -> tuple[Ready, ...]:
        now = self._ctx.now()
        if self._at is None or now - self._at >= _ANEW:
            seen = observing.recent(self._ctx)
            now = self._ctx.now()
            held = situation(self._ctx, seen, at=now, force=self._force)
            self._prepared, self._at = deciding.prepare(self._policies, held), now
        return self._prepared


def _wants(verdict: Verdict, action: Action) -> bool:
    if verdict.policy != action.policy:
        return False
    if action.deed in _CORRECTING:
        return verdict.corrects
    return verdict.wish in _WISHES.get(action.deed, frozenset())
