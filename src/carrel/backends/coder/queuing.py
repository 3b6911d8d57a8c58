"""Whether a build may be queued on top of the latest one."""

from carrel.domain.fleet.workspaces import BuildStatus, FleetWorkspace, Transition
from carrel.ports.fleet import Outcome, Receipt

_WAIT = "Wait until it has ended, or cancel it."
_ENDED = frozenset({BuildStatus.FAILED, BuildStatus.CANCELED})


def decision(workspace: FleetWorkspace, wanted: Transition) -> Receipt | None:
    """Return why a build is not to be queued; None: queue it.

    | latest build | wanted |
    |---|---|
    | failed or canceled | queue |
    | canceling, or not understood | conflict |
    | under way, the same | it is being done already |
    | under way, another | conflict |
    | done, the same | unchanged |
    | done, a deletion | refused |
    | done, another | queue |
    """
    latest = workspace.build
    if latest.status in _ENDED:
        return None
    if BuildStatus.UNKNOWN is latest.status or latest.transition is Transition.UNKNOWN:
        why = f"What build {latest.number} of {workspace.full_name} does is not understood."
        return Receipt(Outcome.CONFLICT, why=why, cure="Look at it in the deployment.")
    same = latest.transition is wanted
    if latest.status.active:
        return _under_way(workspace, same=same)
    if same:
        why = f"Its latest build is a {wanted} that ended well."
        return Receipt(Outcome.UNCHANGED, latest.build_id, why)
    if latest.transition is Transition.DELETE:
        return Receipt(Outcome.REFUSED, why=f"{workspace.full_name} is deleted.")
    return None


def _under_way(workspace: FleetWorkspace, *, same: bool) -> Receipt:
    latest = workspace.build
    if same and latest.status is not BuildStatus.CANCELING:
        why = f"Build {latest.number}, a {latest.transition}, is under way already."
        return Receipt(Outcome.UNCHANGED, latest.build_id, why)
    build = f"Build {latest.number} of {workspace.full_name}, a {latest.transition},"
    why = f"{build} is {latest.status}."
    return Receipt(Outcome.CONFLICT, latest.build_id, why, _WAIT)
