"""How long workspaces stay when nobody needs them: a pure decision."""

from datetime import datetime, timedelta

from carrel.domain.records import dataclass
from carrel.domain.workspaces import Outcome, State, Workspace


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each kind of workspace is kept after it was last used."""

    merged: timedelta = timedelta(hours=1)
    failed: timedelta = timedelta(hours=24)
    idle: timedelta = timedelta(hours=168)
    trash: timedelta = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Due:
    """A workspace whose time has come.

    Attributes:
        workspace: Which one.
        reason: One sentence for a person.
        since: The moment from which it was due, UTC.
    """

    workspace: Workspace
    reason: str
    since: datetime


def due(workspace: Workspace, retention: Retention, now: datetime) -> Due | None:
    """Decide whether a workspace may go (or, when trashed, be deleted for good) now.

    Args:
        workspace: As it is.
        retention: How long each kind is kept.
        now: The moment of the decision.
    """
    if workspace.state is State.TRASHED:
        term, kind = retention.trash, "in the trash"
    elif workspace.state is not State.ACTIVE:
        return None
    elif workspace.outcome is Outcome.MERGED:
        term, kind = retention.merged, "merged"
    elif workspace.outcome is Outcome.FAILED:
        term, kind = retention.failed, "failed"
    else:
        term, kind = retention.idle, "idle"
    since = workspace.updated_at + term
    if now < since:
        return None
    hours = term.total_seconds() / 3600
    return Due(workspace, f"It is {kind} and was not used for {hours:g} hours.", since)
