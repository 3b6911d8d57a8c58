"""Writing down how far an action is, and the event of it, in one transaction."""

from dataclasses import replace
from datetime import datetime

from carrel.control.fleet.context import FleetContext
from carrel.control.fleet.deeds import Before
from carrel.domain.governance.acting import Answer, Beginning, Grant
from carrel.domain.governance.plans import Action, ActionState, Plan, Progress
from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class Seen:
    """How a workspace was just before an action.

    Attributes:
        build_number: Its latest build.
        before: What undo needs.
        at: When it was looked at.
    """

    build_number: int
    before: Before
    at: datetime


def begin(
    ctx: FleetContext, plan: Plan, waiting: Progress, holder: str, seen: Seen
) -> tuple[Grant, Progress]:
    """Write that an action is sent, unless a limit or another process forbids it.

    Returns:
        The answer, and how far the action is with it.
    """
    at, action = ctx.now(), plan.actions[waiting.number - 1]
    beginning = Beginning(
        plan.plan_id, action.number, at, holder, seen.build_number, seen.before, seen.at
    )
    with ctx.store.writing() as session:
        grant = session.governance.begin(beginning, ctx.safety)
        if grant.answer is Answer.GRANTED:
            facts = _facts(plan, action)
            session.append(at, ctx.actor, "action.sent", action.workspace_id, facts)
    ctx.log("action.sent", {"answer": grant.answer, "why": grant.why, **_facts(plan, action)})
    if grant.answer is not Answer.GRANTED:
        return grant, waiting
    return grant, replace(
        waiting,
        state=ActionState.SENT,
        at=at,
        sent_at=at,
        holder=holder,
        build_number=seen.build_number,
        before=seen.before,
    )


def move(
    ctx: FleetContext,
    plan: Plan,
    was: Progress,
    state: ActionState,
    *,
    note: str = "",
    build_id: str = "",
) -> Progress | None:
    """Write how far an action has come; None when another process was quicker."""
    at = ctx.now()
    after = replace(
        was,
        state=state,
        at=at,
        sent_at=at if was.state is ActionState.SENT else was.sent_at,
        note=note,
        build_id=build_id or was.build_id,
    )
    action = plan.actions[was.number - 1]
    facts = _facts(plan, action) | {"build_id": after.build_id, "note": note}
    with ctx.store.writing() as session:
        if not session.governance.advance(was.state, after):
            return None
        session.append(after.at, ctx.actor, f"action.{state}", action.workspace_id, facts)
    ctx.log(f"action.{state}", facts)
    return after


def give_up(ctx: FleetContext, was: Progress, note: str) -> Progress | None:
    """Write that nobody can tell what became of an action whose plan can't be read any more."""
    at = ctx.now()
    after = replace(was, state=ActionState.UNCERTAIN, at=at, sent_at=was.sent_at or at, note=note)
    facts: dict[str, object] = {
        "plan": was.plan_id, "number": was.number, "build_id": was.build_id, "note": note,
    }  # fmt: skip
    with ctx.store.writing() as session:
        if not session.governance.advance(was.state, after):
            return None
        session.append(at, ctx.actor, "action.uncertain", was.plan_id, facts)
    ctx.log("action.uncertain", facts)
    return after


def _facts(plan: Plan, action: Action) -> dict[str, object]:
    return {
        "plan": plan.plan_id,
        "number": action.number,
        "deed": action.deed,
        "workspace": action.workspace,
        "policy": action.policy,
        "reason": action.reason,
    }
