"""Foreseeing: when our policies would stop a workspace first, if nothing else happens.

Verdicts tell when they may change, so the future is looked at from change to change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.verdicts import Situation, Verdict, Wish
from carrel.planning.deciding import Configured, decide, prepare

STEP = timedelta(minutes=5)
"""Changes within one step are looked at together: policies are prepared once for all of them."""
_STOPPING = frozenset({Wish.STOP, Wish.SLEEP})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def first_stops(
    policies: Iterable[Configured],
    situation: Situation,
    workspaces: Iterable[FleetWorkspace],
    horizon: timedelta,
) -> Mapping[str, Verdict]:
    """Return, by workspace id, the verdict that stops it first within a span from now.

    Its `due` is the moment; what nothing stops by then is left out.

    Args:
        policies: The policies in force.
        situation: The present; its moment is where the span begins.
        workspaces: Which to look at.
        horizon: How far ahead.
    """
    ours, end = tuple(policies), situation.at + horizon
    waiting = {situation.at: [(one, situation.at) for one in workspaces]}
    found: dict[str, Verdict] = {}
    while waiting:
        moment = min(waiting)
        prepared = prepare(ours, replace(situation, at=moment))
        for workspace, change in waiting.pop(moment):
            one = decide(prepared, (workspace,))[0]
            if one.wish in _STOPPING and one.winner is not None:
                due = max(one.winner.due or change, change)
                if due <= end:
                    found[workspace.workspace_id] = replace(one.winner, due=due)
            elif one.until is not None and one.until <= end:
                later = max(_rounded(one.until), moment + STEP)
                waiting.setdefault(later, []).append((workspace, one.until))
    return found


def _rounded(moment: datetime) -> datetime:
    """Return the end of the step that a moment lies in."""
    return _EPOCH + -(-(moment - _EPOCH) // STEP) * STEP
