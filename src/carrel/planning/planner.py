"""The planner: decisions become an immutable, ordered, explained plan within its caps."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace, Transition
from carrel.domain.governance.plans import STOPPING, Action, Deed, Plan, Purpose, Terms, sealed
from carrel.domain.governance.safety import Safety
from carrel.domain.governance.saying import span
from carrel.domain.governance.verdicts import WITHHELD, Verdict, Wish
from carrel.domain.governance.withholding import said
from carrel.domain.records import dataclass
from carrel.planning.precedence import ACTING, Decision
from carrel.planning.stopping import Stopping, deed_for, stopping

Held = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody ordered.

    Attributes:
        purpose: Why a plan is made.
        at: When: also the moment that was decided for.
        made_by: Who asked.
        policies: Only wishes of these; empty: of all. Keeping always counts.
        horizon: Actions due later than this after `at` are left to a later plan, unless their
            owners are to be warned by now; None: none are left.
        cap: A cap of its own in place of the limits' caps; 0: no cap; None: the limits' caps.
        warn: Whether owners must have been warned before their workspaces are stopped.
        notes: What a person must know besides.
        terms: On what terms the decisions were taken, besides the settings.
    """

    purpose: Purpose
    at: datetime
    made_by: str
    policies: frozenset[str] = frozenset()
    horizon: timedelta | None = None
    cap: int | None = None
    warn: bool = False
    notes: tuple[str, ...] = ()
    terms: Terms = field(default_factory=Terms)


@dataclass(slots=True)
class _Draft:
    """What a plan is made of, before it is ordered and capped."""

    steps: list["_Step"] = field(default_factory=list["_Step"])
    held: list[Held] = field(default_factory=list[Held])


@dataclass(frozen=True, slots=True)
class _Step:
    """The actions for one workspace, in the order of doing; numbers come later."""

    workspace: FleetWorkspace
    actions: tuple[Action, ...]
    due: datetime

    @property
    def stops(self) -> bool:
        return any(one.deed in STOPPING for one in self.actions)


def make(
    decisions: Iterable[Decision], observation: Observation, order: Order, safety: Safety
) -> Plan:
    """Make a plan; the same input gives the same plan, whatever the order of the decisions.

    A stale observation gives a plan without actions, and a note that says so.
    """
    age = order.at - observation.at
    if age > safety.freshness:
        note = (
            f"The fleet was seen {span(age)} ago; more than {span(safety.freshness)} is too old to"
            " act on. Observe it anew."
        )
        return _sealed(order, observation, [], [], (note,))
    draft = _Draft()
    for decision in decisions:
        _plan_one(decision, order, draft)
    chosen, over, notes = _capped(_ordered(draft.steps), observation, order, safety)
    held = sorted([*draft.held, *over])
    notes += tuple(f"Not complete: {said(gap)}" for gap in observation.gaps)
    return _sealed(order, observation, chosen, held, notes)


def _sealed(
    order: Order,
    observation: Observation,
    steps: list[_Step],
    held: list[Held],
    notes: tuple[str, ...],
) -> Plan:
    actions = [action for step in steps for action in step.actions]
    return sealed(
        Plan(
            plan_id="",
            hash="",
            purpose=order.purpose,
            fleet=observation.deployment.url,
            made_at=order.at,
            observed_at=observation.at,
            made_by=order.made_by,
            actions=tuple(replace(one, number=n) for n, one in enumerate(actions, 1)),
            held_back=tuple(held),
            notes=(*order.notes, *notes),
            terms=order.terms,
        )
    )


def _plan_one(decision: Decision, order: Order, draft: _Draft) -> None:
    workspace, name = decision.workspace, decision.workspace.full_name
    wanted = [one for one in decision.verdicts if _asked_for(one, order)]
    corrected = [] if order.purpose is Purpose.DELETION else [one for one in wanted if one.corrects]
    acting = [one for one in wanted if one.wish in ACTING]
    wishes = _wishes(acting, order)
    if decision.wish is Wish.KEEP and decision.winner is not None and (wishes or corrected):
        draft.held.append((name, decision.winner.reason))
        return
    draft.steps += [_Step(workspace, (_correction(workspace, one),), order.at) for one in corrected]
    if wishes:
        _carry_out(workspace, wishes, order, draft)
    else:
        unsure = [one for one in wanted if one.category == WITHHELD and workspace.on]
        draft.held += [(name, one.reason) for one in unsure]


def _carry_out(
    workspace: FleetWorkspace, wishes: list[Verdict], order: Order, draft: _Draft
) -> None:
    if not _near(wishes[0], order):
        return
    step = _step(workspace, wishes, order)
    if isinstance(step, str):
        draft.held.append((workspace.full_name, step))
    elif step.actions:
        draft.steps.append(step)


def _near(wish: Verdict, order: Order) -> bool:
    """Tell whether a wish is due within the horizon, or its owner is to be warned by now."""
    if order.horizon is None or wish.due is None or wish.due <= order.at + order.horizon:
        return True
    looks_ahead = order.warn and order.horizon > timedelta(0)
    return looks_ahead and wish.warn_from is not None and wish.warn_from <= order.at


def _asked_for(verdict: Verdict, order: Order) -> bool:
    return not order.policies or verdict.policy in order.policies


def _wishes(acting: list[Verdict], order: Order) -> list[Verdict]:
    """Return what this plan may carry out: the first is done first, a sleep may follow a stop.

    Deletions are only for a plan of their own.
    """
    fits = [
        one for one in acting if (one.wish is Wish.DELETE) == (order.purpose is Purpose.DELETION)
    ]
    # A plan to delete waits while anything else is wanted of the same workspace.
    if order.purpose is Purpose.DELETION and len(fits) < len(acting):
        return []
    ranked = sorted(fits, key=lambda one: (one.wish is Wish.SLEEP, one.due or order.at))
    later = [one for one in ranked[1:] if one.wish is Wish.SLEEP is not ranked[0].wish]
    return [*ranked[:1], *later[:1]]


def _step(workspace: FleetWorkspace, wishes: list[Verdict], order: Order) -> "_Step | str":
    """Return the actions that wishes mean; a sentence: why there are none now."""
    verdict, last = wishes[0], wishes[-1]
    what = stopping(workspace.build)
    if what is Stopping.CONFLICT:
        return f"A build is under way ({workspace.build.transition}); wait for its end."
    if what is Stopping.UNDER_WAY:
        return "It is being stopped already."
    due = max(verdict.due, order.at) if verdict.due is not None else order.at
    if verdict.wish is Wish.DELETE:
        action = _action(workspace, Deed.DELETE, verdict, order, 0)
        return _Step(workspace, (action,), due)
    actions: list[Action] = []
    if what is Stopping.QUEUE:
        actions.append(_action(workspace, deed_for(workspace), verdict, order, 0))
    if last.wish is Wish.SLEEP and workspace.dormant_at is None:
        sleep = _action(workspace, Deed.MAKE_DORMANT, last, order, len(actions))
        actions.append(replace(sleep, due=due if verdict.due or last.due else None))
    return _Step(workspace, tuple(actions), due)


def _action(
    workspace: FleetWorkspace, deed: Deed, verdict: Verdict, order: Order, builds: int
) -> Action:
    """Make an action; `builds` is how many builds of this plan come before it."""
    return Action(
        number=0,
        deed=deed,
        workspace_id=workspace.workspace_id,
        workspace=workspace.full_name,
        owner_id=workspace.owner_id,
        policy=verdict.policy,
        reason=verdict.reason,
        due=verdict.due,
        expected_build=workspace.build.number + builds,
        before=before(workspace),
        warn=order.warn and deed in {Deed.STOP, Deed.PAUSE},
    )


def _correction(workspace: FleetWorkspace, verdict: Verdict) -> Action:
    argument: str | int | None = None
    if verdict.ttl is not None:
        deed, argument = Deed.SET_TTL, milliseconds(verdict.ttl)
    else:
        deed = Deed.SET_DEADLINE
        argument = _said(verdict.deadline)
    return Action(
        number=0,
        deed=deed,
        workspace_id=workspace.workspace_id,
        workspace=workspace.full_name,
        owner_id=workspace.owner_id,
        policy=verdict.policy,
        reason=verdict.reason,
        argument=argument,
        expected_build=workspace.build.number,
        before=before(workspace),
    )


def before(workspace: FleetWorkspace) -> Mapping[str, str | int | None]:
    """Return what undo needs to know of a workspace before anything is done to it."""
    build = workspace.build
    return {
        "transition": str(Transition.START if workspace.running else build.transition),
        "running": int(workspace.running),
        "ttl_ms": milliseconds(workspace.ttl) if workspace.ttl else None,
        "deadline": _said(build.deadline),
        "dormant_at": _said(workspace.dormant_at),
        "autostart": workspace.autostart,
    }


def _said(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None


def milliseconds(length: timedelta) -> int:
    """Return a span of time as a backend counts it."""
    return length // timedelta(milliseconds=1)


def _ordered(steps: list[_Step]) -> list[_Step]:
    """Order: corrections, then what is due first, then what was idle longest, then by name.

    What broke off the last time comes last: else it could end each run before the others' turn.
    """

    def rank(step: _Step) -> tuple[bool, bool, datetime, datetime, str, str]:
        workspace = step.workspace
        again = workspace.on and not workspace.running
        idle = (
            workspace.activity.since
            if not workspace.activity.work.active
            else workspace.last_used_at
        )
        made = workspace.created_at
        deed = str(step.actions[0].deed)
        return (step.stops, again, step.due, idle or made, workspace.workspace_id, deed)

    return sorted(steps, key=rank)


def _capped(
    steps: list[_Step], observation: Observation, order: Order, safety: Safety
) -> tuple[list[_Step], list[Held], tuple[str, ...]]:
    running = sum(workspace.on for workspace in observation.workspaces)
    cap = safety.cap(running) if order.cap is None else order.cap or len(steps)
    stops = sum(step.stops for step in steps)
    if stops <= cap:
        return steps, [], ()
    chosen: list[_Step] = []
    over: list[Held] = []
    left = cap
    deleting = order.purpose is Purpose.DELETION
    what = "deletions" if deleting else "stops"
    for step in steps:
        if step.stops and left <= 0:
            why = f"{step.actions[0].reason} The cap of {cap} {what} a plan is reached."
            over.append((step.workspace.full_name, why))
            continue
        left -= step.stops
        chosen.append(step)
    would = (
        f"{stops} workspaces would be deleted; a plan may delete {cap}."
        if deleting
        else f"{stops} of {running} running workspaces would be stopped; a plan may stop {cap}."
    )
    return chosen, over, (f"{would} The other {len(over)} are left alone until a later plan.",)
