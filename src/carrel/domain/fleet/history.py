"""What a backend remembers: connections and its audit log."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta

from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class Connection:
    """Somebody or something was connected to a workspace.

    Attributes:
        connection_id: The backend's id.
        workspace_id: To which workspace.
        workspace: Its name.
        owner: Its owner's username.
        user: Who connected, or empty when the backend does not know.
        kind: Such as `ssh`, `vscode`, `jetbrains`, `reconnecting_pty`, `workspace_app`.
        connected_at: Since when.
        disconnected_at: Until when; None: still open, as far as is known.
    """

    connection_id: str
    workspace_id: str
    workspace: str
    owner: str
    user: str
    kind: str
    connected_at: datetime
    disconnected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of a backend's audit log.

    Attributes:
        entry_id: The backend's id.
        at: When.
        user: Who did it.
        action: Such as `start`, `stop`, `login`.
        resource_type: Such as `workspace_build`.
        resource: Name of what it was done to.
        resource_id: Its id.
        organization_id: Where.
        details: What else the backend says, JSON values.
    """

    entry_id: str
    at: datetime
    user: str
    action: str
    resource_type: str
    resource: str
    resource_id: str
    organization_id: str = ""
    details: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Usage:
    """For how long a user was connected, as the backend counts it.

    Attributes:
        user_id: The backend's id.
        user: The username.
        used: For how long.
    """

    user_id: str
    user: str
    used: timedelta
