"""Flapping: an editor's reconnect starts what was just stopped, again and again."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.acting import Stopped

BY_CONNECTION = frozenset({"ssh_connection", "vscode_connection", "jetbrains_connection"})
"""The backend's words for a start that a connection caused, not a person's wish."""

SOON = timedelta(minutes=15)
"""A restart within this time after a stop is a consequence of it."""

LOOKED_BACK = timedelta(hours=24)
"""Stops longer ago no longer count."""


def flaps(
    stops: Iterable[Stopped], workspaces: Iterable[FleetWorkspace]
) -> dict[str, tuple[datetime, ...]]:
    """Return when connections restarted what had just been stopped, by workspace.

    Args:
        stops: The stops that were done, oldest first.
        workspaces: The fleet as it is now.
    """
    last: dict[str, datetime] = {}
    found: dict[str, tuple[datetime, ...]] = {}
    for stop in stops:
        _note(found, last, stop.workspace_id, stop.started_at, stop.started_by)
        last[stop.workspace_id] = stop.at
    for workspace in workspaces:
        started, reason = workspace.running_since, workspace.build.reason
        _note(found, last, workspace.workspace_id, started, reason)
    return found


def _note(
    found: dict[str, tuple[datetime, ...]],
    last: dict[str, datetime],
    workspace_id: str,
    started: datetime | None,
    reason: str,
) -> None:
    stopped = last.get(workspace_id)
    if started is None or stopped is None or reason not in BY_CONNECTION:
        return
    if timedelta(0) <= started - stopped <= SOON:
        found[workspace_id] = (*found.get(workspace_id, ()), started)
