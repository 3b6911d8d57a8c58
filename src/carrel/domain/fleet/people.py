"""Who owns workspaces: users, groups, organizations, and a user's quiet hours."""

from collections.abc import Mapping
from datetime import datetime

from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When a user's quiet hours begin, as the backend keeps it.

    Attributes:
        schedule: One daily time as cron with `CRON_TZ=`, such as `CRON_TZ=UTC 0 0 * * *`.
        user_set: The user chose it; else it is the deployment's default.
    """

    schedule: str
    user_set: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """A user of a fleet.

    Attributes:
        user_id: The backend's id.
        username: Unique.
        email: Where warnings go; empty when it could not be seen.
        status: `active`, `dormant` or `suspended`.
        last_seen_at: When the backend last saw them.
        groups: Ids of their groups.
        quiet_hours: Their own, where licensed and seen.
        is_service_account: Nobody reads its mail.
    """

    user_id: str
    username: str
    email: str = ""
    status: str = "active"
    last_seen_at: datetime | None = None
    groups: frozenset[str] = frozenset()
    quiet_hours: QuietHours | None = None
    is_service_account: bool = False


class People(dict[str, User]):
    """Users by id, as one observation of a past after the other has them.

    Attributes:
        standing: The same object in two of them: they differ only in when users were seen.
    """

    __slots__ = ("standing",)

    def __init__(self, users: Mapping[str, User], standing: object) -> None:
        super().__init__(users)
        self.standing = standing


@dataclass(frozen=True, slots=True)
class Group:
    """A group of users within an organization."""

    group_id: str
    name: str
    organization_id: str


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization of a fleet."""

    organization_id: str
    name: str
