"""From the wire to users, groups, organizations, and quiet hours."""

from collections.abc import Mapping
from dataclasses import replace

from carrel.backends.coder.reading import Record, moment, number, record, records, text
from carrel.domain.fleet.people import Group, Organization, QuietHours, User
from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class GroupSeen:
    """A group with its members.

    Attributes:
        group: The group.
        members: Ids of the users in it, as far as they are shown.
        hidden: How many more there are.
    """

    group: Group
    members: frozenset[str]
    hidden: int


@dataclass(frozen=True, slots=True)
class DefaultQuietHours:
    """The deployment's quiet hours, and whether users may have others."""

    schedule: QuietHours | None
    custom: bool


def read_user(item: Record) -> User | None:
    """Return what an answer shows of a user; None when it has no id."""
    user_id = text(item.get("id"))
    if not user_id:
        return None
    return User(
        user_id=user_id,
        username=text(item.get("username")),
        email=text(item.get("email")),
        status=text(item.get("status")) or "active",
        last_seen_at=moment(item.get("last_seen_at")),
        is_service_account=item.get("is_service_account") is True,
    )


def user_id(user: User) -> str:
    """Return a user's id."""
    return user.user_id


def read_group(item: Record) -> GroupSeen | None:
    """Return what an answer shows of a group; None when it has no id."""
    group_id = text(item.get("id"))
    if not group_id:
        return None
    members = frozenset(text(one.get("id")) for one in records(item.get("members")))
    hidden = max(number(item.get("total_member_count")) - len(members), 0)
    group = Group(group_id, text(item.get("name")), text(item.get("organization_id")))
    return GroupSeen(group, members, hidden)


def read_organization(item: Record) -> Organization | None:
    """Return what an answer shows of an organization; None when it has no id."""
    organization_id = text(item.get("id"))
    return Organization(organization_id, text(item.get("name"))) if organization_id else None


def read_quiet_hours(answer: object) -> QuietHours | None:
    """Return a user's quiet hours; None when the answer names no schedule."""
    # The published description says a list, deployments send one object.
    listed = records(answer)
    item = listed[0] if listed else record(answer)
    schedule = text(item.get("raw_schedule"))
    return QuietHours(schedule, item.get("user_set") is True) if schedule else None


def read_default_quiet_hours(answer: object) -> DefaultQuietHours | None:
    """Return what the deployment's settings say of quiet hours; None: nothing."""
    held = record(record(record(answer).get("config")).get("user_quiet_hours_schedule"))
    if not held:
        return None
    schedule = text(held.get("default_schedule"))
    return DefaultQuietHours(
        QuietHours(schedule) if schedule else None, held.get("allow_user_custom") is not False
    )


def joined(
    users: Mapping[str, User], groups: tuple[GroupSeen, ...], own: Mapping[str, QuietHours]
) -> dict[str, User]:
    """Return the users with the groups they are in, and their own quiet hours."""
    memberships: dict[str, set[str]] = {}
    for seen in groups:
        for member in seen.members:
            memberships.setdefault(member, set()).add(seen.group.group_id)
    return {
        user_id: replace(
            user,
            groups=frozenset(memberships.get(user_id, ())),
            quiet_hours=own.get(user_id),
        )
        if user_id in memberships or user_id in own
        else user
        for user_id, user in users.items()
    }
