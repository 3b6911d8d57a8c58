"""Warnings: who was told that a workspace would be stopped, when, and how that went."""

from datetime import datetime, timedelta
from enum import StrEnum

from carrel.domain.fleet.workspaces import Build
from carrel.domain.records import dataclass

_FORGOTTEN = timedelta(hours=24)
"""So long after the moment that was told nobody remembers a warning."""
_SAME_STOP = timedelta(minutes=5)
"""The backend's own stop and ours are one when they lie no further apart."""


class Delivery(StrEnum):
    """How a warning went."""

    SENT = "sent"
    COVERED = "covered"
    """The backend itself warns of the same stop."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Warned:
    """One warning of one workspace's stop.

    Attributes:
        workspace_id: Which workspace.
        owner_id: Who was to be told.
        build_number: The build that ran then: a newer one was not warned of.
        due: The moment that the owner was told.
        at: When it was sent.
        delivery: How it went.
        recipient: Where to, without secrets.
        why: What went wrong, or empty.
        plan_id: Which plan asked for it.
    """

    workspace_id: str
    owner_id: str
    build_number: int
    due: datetime
    at: datetime
    delivery: Delivery
    recipient: str = ""
    why: str = ""
    plan_id: str = ""

    @property
    def told(self) -> bool:
        """Whether the owner knows."""
        return self.delivery is not Delivery.FAILED

    def holds(self, build: Build, at: datetime, due: datetime | None) -> bool:
        """Tell whether the owner was told of this stop, and not of one long ago.

        Args:
            build: The build that would be stopped, as it is now.
            at: Now.
            due: When the stop is due; a warning of an earlier one was for another stop.
        """
        recent = self.at <= at < self.due + _FORGOTTEN
        same = self.build_number == build.number and (due is None or due <= self.due)
        if self.delivery is Delivery.COVERED and not near(build.deadline, self.due):
            return False  # the deadline was moved: the backend's reminder was of another stop
        return self.told and same and recent


def near(deadline: datetime | None, due: datetime) -> bool:
    """Tell whether the backend stops by itself no later than we would."""
    return deadline is not None and deadline <= due + _SAME_STOP
