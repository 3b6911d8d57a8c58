"""Users, groups, organizations and tokens as JSON."""

from datetime import timedelta
from functools import lru_cache

from carrel.simulators.coder.living.timing import quiet_hours
from carrel.simulators.coder.model.people import Org, Person, Team, Token
from carrel.simulators.coder.model.world import World
from carrel.simulators.coder.wire.builds import Document
from carrel.simulators.coder.wire.writing import or_zero, stamp

# A group of everybody is often asked for: thousands of people whose moments rarely move.
_stamp, _or_zero = lru_cache(20_000)(stamp), lru_cache(20_000)(or_zero)


def reduced_user(person: Person) -> Document:
    """Write a user as groups list them."""
    return {
        "id": person.user_id,
        "username": person.username,
        "avatar_url": "",
        "name": person.name,
        "email": person.email,
        "created_at": _stamp(person.created_at),
        "updated_at": _stamp(person.created_at),
        "last_seen_at": _or_zero(person.last_seen_at),
        "status": person.status,
        "login_type": "none" if person.is_service_account else "oidc",
        "is_service_account": person.is_service_account,
    }


def user(person: Person) -> Document:
    """Write a user."""
    roles = [
        {"name": role, "display_name": role.title(), "organization_id": ""} for role in person.roles
    ]
    return {
        **reduced_user(person),
        "organization_ids": list(person.organization_ids),
        "roles": roles,
        "has_ai_seat": False,
    }


def group(world: World, team: Team) -> Document:
    """Write a group with its members."""
    org = world.orgs[team.organization_id]
    return {
        "id": team.group_id,
        "name": team.name,
        "display_name": "",
        "organization_id": org.organization_id,
        "organization_name": org.name,
        "organization_display_name": org.display_name,
        "members": [reduced_user(world.people[key]) for key in team.members],
        "total_member_count": len(team.members),
        "avatar_url": "",
        "quota_allowance": team.quota_allowance,
        "source": "user",
    }


def organization(org: Org) -> Document:
    """Write an organization."""
    return {
        "id": org.organization_id,
        "name": org.name,
        "display_name": org.display_name,
        "description": "",
        "icon": "",
        "created_at": stamp(org.created_at),
        "updated_at": stamp(org.created_at),
        "is_default": org.is_default,
    }


def quiet_schedule(world: World, person: Person) -> Document | None:
    """Write a user's quiet hours; None when the deployment has none."""
    daily = quiet_hours(world, person.user_id)
    if daily is None:
        return None
    own = person.quiet_hours if world.setup.quiet_custom else ""
    return {
        "raw_schedule": own or world.setup.quiet_schedule,
        "user_set": bool(own),
        "user_can_set": world.setup.quiet_custom,
        "time": f"{daily.hour:02}:{daily.minute:02}",
        "timezone": daily.zone.key,
        "next": stamp(daily.next_after(world.now)),
    }


def api_key(token: Token) -> Document:
    """Write a token, without its secret."""
    lifetime = (token.expires_at - token.created_at) // timedelta(seconds=1)
    return {
        "id": token.key_id,
        "user_id": token.user_id,
        "last_used": stamp(token.created_at),
        "expires_at": stamp(token.expires_at),
        "created_at": stamp(token.created_at),
        "updated_at": stamp(token.created_at),
        "login_type": "token",
        "scope": "all",
        "scopes": ["all"],
        "token_name": token.name,
        "lifetime_seconds": lifetime,
        "allow_list": [],
    }
