"""Safety: a plan is held against the decisions that it was made from, before anything is done.

The planner keeps to all of this by itself; this is the second look, which a mistake in it, or a
policy of somebody else's, does not get past.
"""

from collections.abc import Iterable, Iterator

from carrel.domain.governance.plans import STOPPING, Action, Deed, Plan, Purpose
from carrel.domain.governance.verdicts import Wish
from carrel.planning.precedence import Decision


def check_plan(plan: Plan, decisions: Iterable[Decision]) -> tuple[str, ...]:
    """Return what is wrong with a plan, one sentence each; none: it may be applied."""
    known = {one.workspace.workspace_id: one for one in decisions}
    ended: set[str] = set()
    found: list[str] = []
    for action in plan.actions:
        decision = known.get(action.workspace_id)
        if decision is None:
            found.append(f"{action.workspace}: nothing was decided about it.")
            continue
        found += _wrong(plan.purpose, action, decision)
        if action.deed in STOPPING and action.workspace_id in ended:
            found.append(f"{action.workspace} would be stopped twice.")
        if action.deed in STOPPING:
            ended.add(action.workspace_id)
    return tuple(found)


def _wrong(purpose: Purpose, action: Action, decision: Decision) -> Iterator[str]:
    workspace = decision.workspace
    if action.owner_id != workspace.owner_id:
        yield f"{action.workspace} belongs to somebody else."
    if action.deed is Deed.DELETE and purpose is not Purpose.DELETION:
        yield f"{action.workspace} would be deleted by a plan that is not for it."
    if decision.wish is Wish.KEEP:
        yield f"{action.workspace} is to be kept."
