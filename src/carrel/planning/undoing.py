"""Undo: a plan of its own that takes back what another plan did, where it still makes sense."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.schedule import SHORTEST_EXTENSION
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.plans import (
    Action,
    ActionState,
    Deed,
    Plan,
    Progress,
    Purpose,
    sealed,
)
from carrel.domain.governance.safety import Safety
from carrel.domain.governance.saying import span
from carrel.domain.records import dataclass
from carrel.planning.planner import before

_BUILDS = frozenset({Deed.STOP, Deed.PAUSE, Deed.START, Deed.RESUME, Deed.DELETE})
_STARTS = {Deed.STOP: Deed.START, Deed.PAUSE: Deed.RESUME}
_DONE = frozenset({ActionState.DONE, ActionState.UNCERTAIN, ActionState.FOLLOWING})


@dataclass(frozen=True, slots=True)
class _Back:
    """One action taken back: what to do, or why not."""

    actions: tuple[Action, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class _Now:
    """What undoing stands on: the moment, and how much of a plan was done to a workspace."""

    at: datetime
    workspace: FleetWorkspace
    builds: Mapping[str, int]


def undo(
    plan: Plan,
    progress: Iterable[Progress],
    observation: Observation,
    *,
    at: datetime,
    made_by: str,
    safety: Safety,
) -> Plan:
    """Make the plan that takes another one back, last done first.

    What has moved since (somebody started, stopped or changed it) is held back with the reason,
    so is what lies longer ago than the rollback window, and a deletion.
    """
    known = {one.workspace_id: one for one in observation.workspaces}
    rows = {one.number: one for one in progress}
    builds = _builds(plan, rows)
    actions: list[Action] = []
    held: list[tuple[str, str]] = []
    for action in sorted(plan.actions, key=lambda one: -one.number):
        row = rows.get(action.number)
        if row is None or row.state not in _DONE:
            continue
        back = _gone_by(row, at, safety)
        back = back or _by_others(row, action, known, observation.deployment.user)
        back = back or _one(action, known, at, builds)
        actions += back.actions
        if back.why_not:
            held.append((action.workspace or "the deployment", back.why_not))
    return sealed(
        Plan(
            plan_id="",
            hash="",
            purpose=Purpose.UNDO,
            fleet=plan.fleet,
            made_at=at,
            observed_at=observation.at,
            made_by=made_by,
            actions=tuple(replace(one, number=n) for n, one in enumerate(actions, 1)),
            held_back=tuple(held),
            undoes=plan.plan_id,
        )
    )


def _builds(plan: Plan, rows: Mapping[int, Progress]) -> dict[str, int]:
    """Return the number of the last build that the plan gave each workspace."""
    found: dict[str, int] = {}
    for action in plan.actions:
        row = rows.get(action.number)
        if row is not None and row.state in _DONE and action.deed in _BUILDS:
            found[action.workspace_id] = action.expected_build + 1
    return found


def _gone_by(row: Progress, at: datetime, safety: Safety) -> _Back | None:
    if at - row.at <= safety.rollback:
        return None
    return _Back(why_not=f"It was done more than {span(safety.rollback)} ago.")


def _by_others(
    row: Progress, action: Action, known: Mapping[str, FleetWorkspace], us: str
) -> _Back | None:
    """Leave what somebody else has stopped, when nobody knows whether our stop ever arrived."""
    workspace = known.get(action.workspace_id)
    if row.state is not ActionState.UNCERTAIN or action.deed not in _BUILDS or workspace is None:
        return None
    if workspace.running or not us or workspace.build.initiator in {"", us}:
        return None
    by = workspace.build.initiator
    return _Back(
        why_not=f"Whether our {action.deed} arrived is not known; its last build is {by}'s."
    )


def _one(
    action: Action, known: Mapping[str, FleetWorkspace], at: datetime, builds: Mapping[str, int]
) -> _Back:
    if action.deed is Deed.PAUSE_PREBUILDS:
        return _prebuilds(action)
    workspace = known.get(action.workspace_id)
    if action.deed is Deed.DELETE or workspace is None:
        gone = action.deed is Deed.DELETE
        return _Back(why_not="A deletion can't be undone." if gone else "It can't be seen now.")
    now = _Now(at, workspace, builds)
    ours = builds.get(workspace.workspace_id)
    if ours is not None and workspace.build.number > ours:
        return _Back(why_not="Somebody has started, stopped or updated it since.")
    if action.deed in _STARTS:
        return _restart(action, now)
    return _setting(action, now)


def _prebuilds(action: Action) -> _Back:
    if action.before.get("paused"):
        return _Back(why_not="Prebuilds were paused before, and stay paused.")
    return _Back((_like(action, Deed.RESUME_PREBUILDS, "Prebuilds go on."),))


def _restart(action: Action, now: _Now) -> _Back:
    workspace = now.workspace
    if workspace.running:
        return _Back(why_not="It runs already.")
    if workspace.build.status.active:
        return _Back(why_not="A build is under way; undo again after its end.")
    if not action.before.get("running", 1):
        return _Back(why_not="It did not run before, either.")
    deed = _STARTS[action.deed]
    number = workspace.build.number
    start = _like(action, deed, f"It ran before it was stopped: {action.reason}", workspace)
    old = action.before.get("deadline")
    deadline = datetime.fromisoformat(old) if isinstance(old, str) else None
    if deadline is None or deadline < now.at + 2 * SHORTEST_EXTENSION:
        return _Back((start,))
    # The start gives it a new deadline; the old one is put back where there is time left.
    restored = _like(action, Deed.SET_DEADLINE, "Its deadline is as before.", workspace)
    return _Back((start, replace(restored, argument=old, expected_build=number + 1)))


def _setting(action: Action, now: _Now) -> _Back:
    """Take back what is no build: a setting as it was before."""
    workspace, old = now.workspace, action.before
    here = before(workspace)
    if action.deed is Deed.SET_TTL:
        if here["ttl_ms"] != action.argument:
            return _Back(why_not="Somebody has set another time to live since.")
        change = _like(action, Deed.SET_TTL, "Its time to live is as before.", workspace)
        return _Back((replace(change, argument=old.get("ttl_ms")),))
    if action.deed is Deed.SET_DEADLINE:
        deadline = old.get("deadline")
        if not isinstance(deadline, str):
            return _Back(why_not="It had no deadline before, and none can be taken away.")
        if datetime.fromisoformat(deadline) < now.at + SHORTEST_EXTENSION:
            return _Back(why_not="Its old deadline is past, or too near.")
        change = _like(action, Deed.SET_DEADLINE, "Its deadline is as before.", workspace)
        return _Back((replace(change, argument=deadline),))
    return _switch(action, now)


def _switch(action: Action, now: _Now) -> _Back:
    workspace = now.workspace
    if action.deed is Deed.MAKE_DORMANT:
        if workspace.dormant_at is None:
            return _Back(why_not="It is awake already.")
        return _Back((_like(action, Deed.WAKE, "It was awake before.", workspace),))
    if action.deed is Deed.WAKE:
        if workspace.dormant_at is not None:
            return _Back(why_not="It is dormant already.")
        return _Back((_like(action, Deed.MAKE_DORMANT, "It was dormant before.", workspace),))
    if action.deed is Deed.SET_AUTOSTART:
        change = _like(action, Deed.SET_AUTOSTART, "Its autostart is as before.", workspace)
        return _Back((replace(change, argument=action.before.get("autostart")),))
    return _Back(why_not=f"What `{action.deed}` did is left as it is.")


def _like(
    action: Action, deed: Deed, reason: str, workspace: FleetWorkspace | None = None
) -> Action:
    return Action(
        number=0,
        deed=deed,
        workspace_id=action.workspace_id,
        workspace=action.workspace,
        owner_id=action.owner_id,
        policy="person",
        reason=reason,
        expected_build=workspace.build.number if workspace else 0,
        before=before(workspace) if workspace else {},
    )
