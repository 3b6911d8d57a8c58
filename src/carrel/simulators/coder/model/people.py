"""Who is in a simulated deployment."""

from dataclasses import field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from carrel.domain.records import dataclass


class Manner(StrEnum):
    """How a person lives with workspaces."""

    OFFICE = "office"
    """Comes in the morning, disconnects in the evening."""
    FORGETFUL = "forgetful"
    """Leaves the editor connected over night."""
    FLAPPING = "flapping"
    """Leaves an editor open that starts again what was stopped."""
    NIGHT = "night"
    """Works from evening till late."""
    ON_CALL = "on_call"
    """An office worker who is woken some nights."""
    RARE = "rare"
    """Looks in about once a week."""
    GONE = "gone"
    """Has not been seen for months."""
    MACHINE = "machine"
    """A service account whose jobs run at night."""


@dataclass(slots=True)
class Habits:
    """When a person works.

    Attributes:
        manner: How the person lives with workspaces.
        zone: Where the person lives.
        begins: When a working day begins, in hours of the local day.
        hours: How long it lasts, lunch included.
        weekdays: On which days, Monday is 0.
        tool: The connection mostly used.
    """

    manner: Manner
    zone: ZoneInfo
    begins: float = 9.0
    hours: float = 8.5
    weekdays: frozenset[int] = frozenset(range(5))
    tool: str = "vscode"


@dataclass(slots=True)
class Person:
    """A user of the deployment.

    Attributes:
        user_id: Its id.
        username: Unique.
        name: For people to read.
        created_at: Since when.
        habits: How the person lives; None: nobody acts in this name.
        status: `active`, `dormant` or `suspended`.
        last_seen_at: None: never seen; the wire then carries Go's zero time.
        organization_ids: Where the person is a member.
        roles: Such as `owner`, `auditor`; everybody is a member.
        is_service_account: Nobody reads its mail.
        quiet_hours: Own schedule, or empty for the deployment's.
        desk: Ids of the person's workspaces, the most used first.
    """

    user_id: str
    username: str
    name: str
    created_at: datetime
    habits: Habits | None = None
    status: str = "active"
    last_seen_at: datetime | None = None
    organization_ids: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    is_service_account: bool = False
    quiet_hours: str = ""
    desk: list[str] = field(default_factory=list[str])

    @property
    def email(self) -> str:
        """An address of the reserved example domain."""
        return f"{self.username}@example.com"


@dataclass(slots=True)
class Team:
    """A group of an organization."""

    group_id: str
    name: str
    organization_id: str
    members: list[str] = field(default_factory=list[str])
    quota_allowance: int = 0


@dataclass(frozen=True, slots=True)
class Org:
    """An organization."""

    organization_id: str
    name: str
    display_name: str
    created_at: datetime
    is_default: bool = False


@dataclass(slots=True)
class Token:
    """What lets somebody in.

    Attributes:
        key_id: Its id, no secret.
        secret: What travels in the header.
        user_id: Who it belongs to.
        name: What its owner calls it.
        created_at: Since when.
        expires_at: Until when.
        denied: What it may not do, as `resource:action`, such as `audit_log:read`.
    """

    key_id: str
    secret: str
    user_id: str
    name: str
    created_at: datetime
    expires_at: datetime
    denied: frozenset[str] = frozenset()
