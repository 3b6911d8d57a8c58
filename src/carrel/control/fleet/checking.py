"""Before an action: is it time, was its owner warned, and do fresh facts still say so?"""

from datetime import datetime

from carrel.control.fleet import deeds
from carrel.control.fleet.context import FleetContext
from carrel.control.fleet.deciding import Judge
from carrel.control.fleet.seeing import UNSEEN, unseen
from carrel.control.fleet.warning import remembered
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.plans import ASKED, Action, ActionState, Plan, Progress, Purpose
from carrel.domain.records import dataclass
from carrel.errors import FailedError, NotFoundError

BY_PERSON = ASKED | {Purpose.EMERGENCY_STOP}
"""Purposes that a person decided: no policy is asked again."""


@dataclass(frozen=True, slots=True)
class Go:
    """An action may be done.

    Attributes:
        workspace: It as it is now; None: the deed is about the deployment.
    """

    workspace: FleetWorkspace | None


@dataclass(frozen=True, slots=True)
class Later:
    """An action has to wait.

    Attributes:
        why: One sentence.
        at: From when on it is worth another look; None: not by time.
    """

    why: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """An action is not to be done any more."""

    why: str


Check = Go | Later | Drop


class Checker:
    """Checks the actions of one plan, one after the other."""

    def __init__(self, ctx: FleetContext, plan: Plan) -> None:
        self._ctx = ctx
        self._plan = plan
        self._judge = None if plan.purpose in BY_PERSON else Judge(ctx, plan)
        self._of: dict[str, list[Action]] = {}
        for action in plan.actions:
            self._of.setdefault(action.workspace_id, []).append(action)
        self._warned = remembered(ctx) if any(one.warn for one in plan.actions) else {}

    def check(self, action: Action, progress: dict[int, Progress]) -> Check:
        """Look at an action; costs one request if its time has come."""
        if action.due is not None and action.due > self._ctx.now():
            return Later(f"It is due at {action.due:%Y-%m-%d %H:%M} UTC.", action.due)
        follows = False
        for earlier in self._earlier(action):
            state = progress[earlier.number].state
            if not state.over:
                return Later(f"It comes after action {earlier.number}, which is {state}.")
            if state in {ActionState.FAILED, ActionState.UNCERTAIN}:
                return Drop(f"Action {earlier.number}, which comes before it, is {state}.")
            follows = follows or state is ActionState.DONE
        seen = self._seen(action)
        return seen if isinstance(seen, Check) else self._fresh(action, seen, follows=follows)

    def _seen(self, action: Action) -> FleetWorkspace | Check:
        """Look at an action's workspace; one that can't be seen must not hold up all others."""
        if not action.workspace_id:
            return Go(None)
        try:
            return self._ctx.fleet.workspace(action.workspace_id)
        except NotFoundError:
            return Drop("It is gone.")
        except FailedError as error:
            if error.code not in UNSEEN:
                raise
            return Later(unseen(error))

    def _earlier(self, action: Action) -> list[Action]:
        """Return what the plan does to the same workspace before."""
        return [one for one in self._of[action.workspace_id] if one.number < action.number]

    def _fresh(self, action: Action, workspace: FleetWorkspace, *, follows: bool) -> Check:
        if workspace.owner_id != action.owner_id:  # a prebuild that somebody has claimed
            return Drop(f"It belongs to {workspace.owner} now.")
        hurdle = deeds.hurdle(action, workspace)
        if hurdle is not None:
            return Later(hurdle.why) if hurdle.passing else Drop(hurdle.why)
        if deeds.already(self._ctx.fleet, action, workspace):
            return Drop("It is so already.")
        return self._decided(action, workspace, follows=follows)

    def _decided(self, action: Action, workspace: FleetWorkspace, *, follows: bool) -> Check:
        if self._judge is None:
            return self._unmoved(action, workspace, follows=follows)
        objection = self._judge.objection(action, workspace, follows=follows)
        if objection is not None:
            why, at = objection
            return Drop(why) if at is None else Later(why, at)
        return self._told(action, workspace)

    def _unmoved(self, action: Action, workspace: FleetWorkspace, *, follows: bool) -> Check:
        """Take back only what is still as the plan left it: later builds are somebody's wish."""
        moved = workspace.build.number != action.expected_build
        if self._plan.purpose is Purpose.UNDO and moved and not follows:
            return Drop(f"Somebody has built it since: build {workspace.build.number}.")
        return Go(workspace)

    def _told(self, action: Action, workspace: FleetWorkspace) -> Check:
        """Let an action that needs a warning wait until its owner was told, and the time came."""
        if not action.warn or not self._ctx.recipients.enabled:
            return Go(workspace)
        now = self._ctx.now()
        known = [
            one
            for one in self._warned.get(workspace.workspace_id, ())
            if one.holds(workspace.build, now, action.due)
        ]
        if any(one.due <= now for one in known):
            return Go(workspace)
        if known:
            at = min(one.due for one in known)
            return Later(f"Its owner was told that it goes on until {at:%H:%M} UTC.", at)
        return Later("Its owner has not been warned yet, or could not be.")
