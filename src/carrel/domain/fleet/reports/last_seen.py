"""When each user was seen last, and what they hold meanwhile."""

from collections import Counter
from datetime import timedelta

from carrel.domain.fleet.people import User
from carrel.domain.fleet.reports import naming
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.reports.report import Chart, Fact, Field, Kind, Report

_STEPS = tuple(
    (name, timedelta(days=limit))
    for name, limit in (
        ("within 1 day", 1), ("within 7 days", 7), ("within 30 days", 30), ("within 90 days", 90)
    )
)  # fmt: skip
_LONG = timedelta(days=30)

FIELDS = (
    Field("user", "User", Kind.NAME),
    Field("status", "Status", Kind.STATE),
    Field("last_seen_at", "Last seen", Kind.MOMENT, "never"),
    Field("ago", "Ago", Kind.SPAN, ""),
    Field("workspaces", "Workspaces", Kind.COUNT),
    Field("running", "Running", Kind.COUNT),
    Field("groups", "Groups", detail=True),
    Field("email", "E-mail", detail=True),
    Field("service_account", "Service account", detail=True),
    Field("user_id", "Id", detail=True),
)


def make(ground: Ground) -> Report:
    """List users, those seen last first; service accounts on request only."""
    users = [one for one in ground.users if ground.everything or not one.is_service_account]
    users.sort(key=lambda one: (one.last_seen_at is None, -_stamp(one), one.username))
    owned = Counter(one.owner_id for one in ground.workspaces)
    on = Counter(one.owner_id for one in ground.workspaces if one.running)
    groups = ground.observation.groups
    seen = {one.user_id: ground.at - one.last_seen_at for one in users if one.last_seen_at}
    never = len(users) - len(seen)
    rows = tuple(
        (
            one.username,
            one.status,
            one.last_seen_at,
            seen.get(one.user_id),
            owned[one.user_id],
            on[one.user_id],
            ", ".join(sorted(groups[key].name for key in one.groups if key in groups)) or None,
            one.email or None,
            "yes" if one.is_service_account else "no",
            one.user_id,
        )
        for one in users
    )
    gone = [one for one in users if seen.get(one.user_id, timedelta.max) >= _LONG]
    return Report(
        name="last-seen",
        title="Last seen",
        at=ground.observation.at,
        fields=FIELDS,
        rows=rows,
        facts=(
            Fact("users", "Users", len(users)),
            Fact("today", "Seen within a day",
                 sum(ago < timedelta(days=1) for ago in seen.values())),
            Fact("gone", "Not seen for 30 days", len(gone)),
            Fact("held_by_gone", "Running workspaces of theirs",
                 sum(on[one.user_id] for one in gone)),
        ),
        charts=(
            Chart("Users by when they were seen last", "Last seen", "users",
                  (*naming.sorted_into(seen.values(), _STEPS, "earlier"), ("never", float(never))),
                  in_time=True),
        ),
        notes=ground.notes,
        nothing="No user fits.",
        of="users",
    )  # fmt: skip


def _stamp(one: User) -> float:
    return one.last_seen_at.timestamp() if one.last_seen_at else 0.0
