"""A template, as far as it decides when its workspaces stop."""

from datetime import timedelta

from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class Template:
    """What workspaces are made from.

    Attributes:
        template_id: The backend's id.
        name: Unique in its organization.
        organization_id: Where it belongs.
        default_ttl: The time to live that its workspaces get; None: none.
        activity_bump: How far activity moves a deadline; zero: not at all.
        required_days: Weekdays of the autostop requirement, Monday is 0.
        required_weeks: Every how many weeks; 1: each.
        failure_ttl: After which a failed workspace is stopped.
        time_til_dormant: Unused for so long, a workspace becomes dormant.
        time_til_delete: Dormant for so long, a workspace is deleted.
        allow_user_autostop: Whether a workspace's own time to live counts.
        allow_user_autostart: Whether a workspace's own autostart counts.
        notify_lead: How long before an autostop the backend itself warns; zero: never.
        active_version_id: The version that new builds take.
        deprecated: Nobody should make new workspaces from it.
    """

    template_id: str
    name: str
    organization_id: str
    default_ttl: timedelta | None = None
    activity_bump: timedelta = timedelta(0)
    required_days: frozenset[int] = frozenset()
    required_weeks: int = 1
    failure_ttl: timedelta | None = None
    time_til_dormant: timedelta | None = None
    time_til_delete: timedelta | None = None
    allow_user_autostop: bool = True
    allow_user_autostart: bool = True
    notify_lead: timedelta = timedelta(0)
    active_version_id: str = ""
    deprecated: bool = False
