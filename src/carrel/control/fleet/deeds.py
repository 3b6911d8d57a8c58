"""What each deed asks of the fleet, what it needs the workspace to be, what undo will need."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from carrel.domain.fleet.workspaces import BuildStatus, FleetWorkspace, Transition
from carrel.domain.governance.plans import Action, Deed
from carrel.domain.records import dataclass
from carrel.errors import BadInputError
from carrel.planning import planner
from carrel.planning.stopping import Stopping, stopping
from carrel.ports.fleet import Fleet, Receipt

Before = Mapping[str, str | int | None]

BUILDS = {
    Deed.STOP: Transition.STOP,
    Deed.PAUSE: Transition.STOP,
    Deed.START: Transition.START,
    Deed.RESUME: Transition.START,
    Deed.DELETE: Transition.DELETE,
}
"""Deeds that a build does, and its transition; the others are done when they are answered."""

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Hurdle:
    """Why an action can't be done now.

    Attributes:
        why: One sentence.
        passing: It may go away by itself: try again later; else the action is dropped.
    """

    why: str
    passing: bool = False


def do(fleet: Fleet, action: Action, workspace: FleetWorkspace | None) -> Receipt:
    """Ask the fleet for what an action wants; sent once."""
    if workspace is None:
        return fleet.set_prebuilds_paused(paused=action.deed is Deed.PAUSE_PREBUILDS)
    if action.deed in _WITH_WORKSPACE:
        return _WITH_WORKSPACE[action.deed](fleet, workspace)
    return _set(fleet, action, workspace.workspace_id)


_WITH_WORKSPACE: dict[Deed, Callable[[Fleet, FleetWorkspace], Receipt]] = {
    Deed.STOP: lambda fleet, workspace: fleet.stop(workspace),
    Deed.PAUSE: lambda fleet, workspace: fleet.pause(workspace),
    Deed.START: lambda fleet, workspace: fleet.start(workspace),
    Deed.RESUME: lambda fleet, workspace: fleet.resume(workspace),
    Deed.DELETE: lambda fleet, workspace: fleet.delete(workspace),
}


def _set(fleet: Fleet, action: Action, workspace_id: str) -> Receipt:
    value = action.argument
    match action.deed:
        case Deed.MAKE_DORMANT | Deed.WAKE:
            return fleet.set_dormant(workspace_id, dormant=action.deed is Deed.MAKE_DORMANT)
        case Deed.SET_TTL:
            return fleet.set_ttl(workspace_id, _ttl(value))
        case Deed.SET_DEADLINE:
            return fleet.set_deadline(workspace_id, datetime.fromisoformat(str(value)))
        case Deed.SET_AUTOSTART:
            return fleet.set_autostart(workspace_id, str(value or ""))
        case _:
            raise BadInputError(
                "bad_plan",
                f"Action {action.number} can't {action.deed} a workspace.",
                cure="Make a new plan.",
            )


def _ttl(value: str | int | None) -> timedelta | None:
    return int(value) * _MILLISECOND if value else None


def already(fleet: Fleet, action: Action, workspace: FleetWorkspace | None) -> bool:
    """Tell whether what an action sets is so already; never true of what a build does."""
    if workspace is None:
        return fleet.prebuilds_paused() is (action.deed is Deed.PAUSE_PREBUILDS)
    match action.deed:
        case Deed.MAKE_DORMANT | Deed.WAKE:
            return (workspace.dormant_at is not None) is (action.deed is Deed.MAKE_DORMANT)
        case Deed.SET_TTL:
            return workspace.ttl == _ttl(action.argument)
        case Deed.SET_DEADLINE:
            return workspace.build.deadline == datetime.fromisoformat(str(action.argument))
        case Deed.SET_AUTOSTART:
            return workspace.autostart == (action.argument or "")
        case _:
            return False


def hurdle(action: Action, workspace: FleetWorkspace) -> Hurdle | None:
    """Return what keeps an action from being done to a workspace as it is now."""
    build, deed = workspace.build, action.deed
    if deed in {Deed.STOP, Deed.PAUSE}:
        return _to_stop(workspace)
    if deed in BUILDS and build.status.active:
        return _build_under_way(BUILDS[deed], workspace)
    if build.transition is Transition.DELETE and build.status is BuildStatus.SUCCEEDED:
        return Hurdle("It is deleted.")
    return _unfit(deed, workspace)


def _unfit(deed: Deed, workspace: FleetWorkspace) -> Hurdle | None:
    running = workspace.running
    unfit = {
        Deed.START: (running, "It runs already."),
        Deed.RESUME: (running, "It runs already."),
        Deed.DELETE: (
            workspace.dormant_at is None,
            "It is not dormant any more; only what sleeps is deleted.",
        ),
        Deed.MAKE_DORMANT: (running, "It runs; only what is stopped is made dormant."),
        Deed.SET_DEADLINE: (not running, "It doesn't run, so it has no deadline."),
    }
    is_so, why = unfit.get(deed, (False, ""))
    return Hurdle(why) if is_so else None


def _to_stop(workspace: FleetWorkspace) -> Hurdle | None:
    match stopping(workspace.build):
        case Stopping.QUEUE:
            return None
        case Stopping.UNCHANGED:
            return Hurdle("It is stopped already.")
        case Stopping.UNDER_WAY:
            return Hurdle("It is being stopped already.")
        case Stopping.CONFLICT:
            build = workspace.build
            return Hurdle(f"A {build.transition} of it is {build.status}.", passing=True)


def _build_under_way(wanted: Transition, workspace: FleetWorkspace) -> Hurdle:
    build = workspace.build
    if build.transition is wanted and build.status is not BuildStatus.CANCELING:
        return Hurdle(f"A {wanted} is under way already.")
    return Hurdle(f"A {build.transition} of it is {build.status}.", passing=True)


def before(workspace: FleetWorkspace) -> Before:
    """Return what undo needs of a workspace, and what flapping is judged from."""
    since = workspace.running_since
    return {
        **planner.before(workspace),
        "started_at": None if since is None else since.isoformat(),
        "start_reason": workspace.build.reason if workspace.running else "",
        "task_id": workspace.task_id,
    }
