"""What a wish to stop means for a workspace's latest build: Coder's own decision table."""

from enum import StrEnum

from carrel.domain.fleet.workspaces import Build, BuildStatus, FleetWorkspace, Transition
from carrel.domain.governance.plans import Deed


class Stopping(StrEnum):
    """What to do about a wish to stop."""

    QUEUE = "queue"
    """Queue a stop."""
    CONFLICT = "conflict"
    """Something else is under way: wait."""
    UNDER_WAY = "under_way"
    """It is being stopped already."""
    UNCHANGED = "unchanged"
    """It is stopped already."""


def stopping(build: Build) -> Stopping:
    """Read the table. What is not known is a conflict: wait, and look again."""
    status, transition = build.status, build.transition
    if status in {BuildStatus.CANCELING, BuildStatus.UNKNOWN} or transition is Transition.UNKNOWN:
        return Stopping.CONFLICT
    if status in {BuildStatus.FAILED, BuildStatus.CANCELED}:
        return Stopping.QUEUE
    if status is BuildStatus.SUCCEEDED:
        return Stopping.QUEUE if transition is Transition.START else Stopping.UNCHANGED
    return Stopping.UNDER_WAY if transition is Transition.STOP else Stopping.CONFLICT


def deed_for(workspace: FleetWorkspace) -> Deed:
    """Return the deed that stops a workspace: one that works for a task is paused."""
    return Deed.PAUSE if workspace.task_id and workspace.running else Deed.STOP
