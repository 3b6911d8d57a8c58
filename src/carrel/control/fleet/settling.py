"""Finding out what became of what was sent: nothing is sent here, everything is read.

An action that is *sent* by a run that lives is left to it. When that run is gone, the workspace
tells: a newer build of the wanted kind is the one that was asked for. Where nothing is found,
the action is uncertain, unless it sets a value, which may be set again without harm.
"""

from carrel.control.fleet import deeds, writing
from carrel.control.fleet.context import FleetContext
from carrel.control.fleet.seeing import UNSEEN, unseen
from carrel.domain.fleet.workspaces import Build, BuildStatus
from carrel.domain.governance.plans import Action, ActionState, Plan, Progress
from carrel.errors import FailedError, NotFoundError
from carrel.ports.store import Session
from carrel.system import faults, holders

_ENDED = {
    BuildStatus.SUCCEEDED: ActionState.DONE,
    BuildStatus.FAILED: ActionState.FAILED,
    BuildStatus.CANCELED: ActionState.FAILED,
}


def settle_all(ctx: FleetContext) -> int:
    """Look once at everything under way in this fleet; return how much of it still is."""
    with ctx.store.reading() as session:
        found = session.governance.under_way(ctx.address)
        plans = {key: _plan(session, key) for key in {one.plan_id for one in found}}
    left = 0
    for progress in found:
        plan = plans[progress.plan_id]
        after = _give_up(ctx, progress) if plan is None else settle(ctx, plan, progress)
        left += not after.state.over
    return left


def _plan(session: Session, plan_id: str) -> Plan | None:
    try:
        return session.governance.plan(plan_id)
    except FailedError:
        return None


def _give_up(ctx: FleetContext, progress: Progress) -> Progress:
    """End what a plan sent that can't be read any more: it must not hold up all others."""
    if progress.state is ActionState.SENT and _in_hand(ctx, progress):
        return progress
    note = "Its plan is not what its hash says; what became of it can't be told."
    return writing.give_up(ctx, progress, note) or _read(ctx, progress)


def settle(ctx: FleetContext, plan: Plan, progress: Progress) -> Progress:
    """Look once at what became of an action that was sent; return how far it is."""
    if progress.state is ActionState.SENT and _in_hand(ctx, progress):
        return progress
    try:
        after = _look(ctx, plan, progress)
    except FailedError as error:
        if error.code not in UNSEEN:
            raise
        if not _lost(ctx, progress):
            return progress
        after = writing.move(ctx, plan, progress, ActionState.UNCERTAIN, note=unseen(error))
    return after or _read(ctx, progress)


def _look(ctx: FleetContext, plan: Plan, progress: Progress) -> Progress | None:
    action = plan.actions[progress.number - 1]
    if action.deed in deeds.BUILDS:
        return _settle_build(ctx, plan, progress)
    return _settle_value(ctx, plan, action, progress)


def _in_hand(ctx: FleetContext, progress: Progress) -> bool:
    lives = holders.lives(progress.holder)
    return not _lost(ctx, progress) if lives is None else lives


def _lost(ctx: FleetContext, progress: Progress) -> bool:
    return ctx.now() - (progress.sent_at or progress.at) >= ctx.pace.lost


def _settle_build(ctx: FleetContext, plan: Plan, progress: Progress) -> Progress | None:
    action = plan.actions[progress.number - 1]
    try:
        build = _build(ctx, action, progress)
    except NotFoundError:
        return writing.move(ctx, plan, progress, ActionState.DONE, note="It is gone.")
    if build is None:
        if progress.state is ActionState.FOLLOWING and not _lost(ctx, progress):
            return progress
        faults.point("fleet.settle")
        note = "It was sent, and no build of it is to be seen."
        return writing.move(ctx, plan, progress, ActionState.UNCERTAIN, note=note)
    return _follow(ctx, plan, progress, build)


def _build(ctx: FleetContext, action: Action, progress: Progress) -> Build | None:
    """Return the build that does an action; None when there is none to be seen."""
    if progress.build_id:
        return ctx.fleet.build(progress.build_id)
    latest = ctx.fleet.workspace(action.workspace_id).build
    if latest.number <= progress.build_number:
        return None
    wanted = deeds.BUILDS[action.deed]
    if latest.transition is wanted and latest.number == progress.build_number + 1:
        return latest
    newer = [
        build
        for build in ctx.fleet.builds(action.workspace_id)
        if build.number > progress.build_number and build.transition is wanted
    ]
    return min(newer, key=lambda build: build.number, default=None)


def _follow(ctx: FleetContext, plan: Plan, progress: Progress, build: Build) -> Progress | None:
    ended = _ENDED.get(build.status)
    if ended is None:
        if progress.state is ActionState.FOLLOWING and progress.build_id:
            return progress
        return writing.move(
            ctx, plan, progress, ActionState.FOLLOWING,
            build_id=build.build_id, note=f"Build {build.number} is {build.status}.",
        )  # fmt: skip
    note = f"Build {build.number} by {build.initiator or 'the backend'} {build.status}."
    told = f"{note} {build.error}".strip()
    return writing.move(ctx, plan, progress, ended, build_id=build.build_id, note=told)


def _settle_value(
    ctx: FleetContext, plan: Plan, action: Action, progress: Progress
) -> Progress | None:
    try:
        workspace = ctx.fleet.workspace(action.workspace_id) if action.workspace_id else None
    except NotFoundError:
        return writing.move(ctx, plan, progress, ActionState.FAILED, note="It is gone.")
    if deeds.already(ctx.fleet, action, workspace):
        return writing.move(ctx, plan, progress, ActionState.DONE, note="It is so.")
    note = "Whoever sent it ended without an answer; setting it again does no harm."
    return writing.move(ctx, plan, progress, ActionState.WAITING, note=note)


def _read(ctx: FleetContext, progress: Progress) -> Progress:
    """Return what another process has written meanwhile."""
    with ctx.store.reading() as session:
        rows = session.governance.progress(progress.plan_id)
    return next(one for one in rows if one.number == progress.number)
