"""When workspaces ran, read from the builds that the audit log tells of."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import cast

from carrel.domain.fleet.history import AuditEntry
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.records import dataclass

_TURNS = frozenset({"start", "stop", "delete"})
_FAILED = 400
"""Status codes from here on: the build did not do what it should."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A workspace was turned on or off.

    Attributes:
        at: When.
        on: Whether it may hold a machine from then on.
        last: It is deleted.
        workspace_id: Which; empty where the log does not say.
        name: `owner/name`.
    """

    at: datetime
    on: bool
    last: bool
    workspace_id: str
    name: str


def turns(entries: Iterable[AuditEntry]) -> dict[str, list[Turn]]:
    """Return each workspace's turns by its id (by its name where the id is lacking), in order."""
    found: dict[str, list[Turn]] = {}
    for entry in entries:
        if entry.resource_type != "workspace_build" or entry.action not in _TURNS:
            continue
        turn = _turn(entry)
        if turn is not None:
            found.setdefault(turn.workspace_id or turn.name, []).append(turn)
    for mine in found.values():
        mine.sort(key=lambda one: one.at)
    return found


def ran(ground: Ground, mine: list[Turn], workspace: FleetWorkspace | None) -> timedelta:
    """Return for how long a workspace was on in the time asked for.

    Args:
        ground: What is known.
        mine: Its turns in that time.
        workspace: As it was seen last; None: nobody knows it any more.

    Whatever is stopped first ran before, since it was made at the earliest; what is deleted
    first was most likely stopped.
    """
    since, until = ground.span
    if not mine:
        began = workspace.on_since if workspace else None
        return max(until - max(began, since), timedelta(0)) if began else timedelta(0)
    total, on = timedelta(0), not (mine[0].on or mine[0].last)
    at = max(workspace.created_at, since) if workspace else since
    for turn in mine:
        moment = min(max(turn.at, at), until)
        total += moment - at if on else timedelta(0)
        on, at = turn.on, moment
    return total + (until - at if on else timedelta(0))


def _turn(entry: AuditEntry) -> Turn | None:
    more = entry.details.get("additional_fields")
    fields = (
        cast("Mapping[str, object]", more) if isinstance(more, Mapping) else dict[str, object]()
    )
    owner, name = _text(fields, "workspace_owner"), _text(fields, "workspace_name")
    on = entry.action == "start"
    status = entry.details.get("status_code")
    if not on and isinstance(status, int) and status >= _FAILED:
        return None  # a stop that failed leaves the machine where it was
    full = f"{owner}/{name or entry.resource}" if owner else entry.resource
    key = _text(fields, "workspace_id")
    return Turn(entry.at, on, entry.action == "delete", key, full) if key or full else None


def _text(fields: Mapping[str, object], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""
