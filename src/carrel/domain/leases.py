"""Who sits in a workspace."""

from datetime import datetime, timedelta

from carrel.domain.records import dataclass

DEFAULT_TERM = timedelta(seconds=60)
"""How long a lease lives without a heartbeat."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One occupant of one workspace.

    Attributes:
        workspace_id: What is held.
        holder: Who, as a person would say it.
        token: Fencing token; only its bearer may renew or release.
        host: Machine of the holder.
        pid: Process of the holder on that machine.
        acquired_at: UTC.
        heartbeat_at: UTC; last sign of life.
    """

    workspace_id: str
    holder: str
    token: str
    host: str
    pid: int
    acquired_at: datetime
    heartbeat_at: datetime

    def expired(self, now: datetime, term: timedelta = DEFAULT_TERM) -> bool:
        """Tell whether no heartbeat came for a whole term."""
        return now - self.heartbeat_at >= term
