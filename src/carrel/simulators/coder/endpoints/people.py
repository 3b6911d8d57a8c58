"""Endpoints about users, groups, organizations, quiet hours and tokens."""

from datetime import timedelta

from carrel.domain.fleet.schedule import parse_daily
from carrel.simulators.coder.chance import identity
from carrel.simulators.coder.endpoints.search import refuse_unknown, terms
from carrel.simulators.coder.model.people import Org, Person, Token
from carrel.simulators.coder.model.world import POOL, SYSTEM
from carrel.simulators.coder.protocol.call import Answer, Call
from carrel.simulators.coder.protocol.routing import Route
from carrel.simulators.coder.refusals import RefusalError, hidden
from carrel.simulators.coder.wire.people import api_key, group, organization, quiet_schedule, user

USER_KEYS = frozenset(
    [
        "search",
        "status",
        "role",
        "last_seen_after",
        "last_seen_before",
        "created_after",
        "created_before",
        "login_type",
    ]
)


def listed(call: Call) -> Answer:
    """List users by name; the deployment's own accounts are no users. No limit by default."""
    if not {"owner", "auditor"} & set(call.caller.person.roles):
        raise hidden()
    call.need("user", "read")
    found = terms(call.query.get("q", ""), "search")
    refuse_unknown(found, USER_KEYS)
    people = sorted(
        (
            one
            for one in call.world.people.values()
            if one.username not in {SYSTEM, POOL} and _matches(one, dict(found))
        ),
        key=lambda one: one.username,
    )
    offset, limit = call.number("offset"), call.number("limit")
    ids = [one.user_id for one in people]
    after = call.query.get("after_id", "")
    page = people[ids.index(after) + 1 :] if after in ids else people[offset:]
    page = page[:limit] if limit else page
    return Answer(content={"users": [user(one) for one in page], "count": len(people)})


def _matches(person: Person, wanted: dict[str, str]) -> bool:
    return (
        wanted.get("search", "") in f"{person.username} {person.email}"
        and wanted.get("status", person.status) == person.status
        and ("role" not in wanted or wanted["role"] in person.roles)
    )


def shown(call: Call) -> Answer:
    """Show one user."""
    person = call.person()
    call.need("user", "read", person.user_id)
    return Answer(content=user(person))


def suspend(call: Call) -> Answer:
    """Suspend a user."""
    return _set_status(call, "suspended")


def activate(call: Call) -> Answer:
    """Make a user active."""
    return _set_status(call, "active")


def _set_status(call: Call, status: str) -> Answer:
    call.need("user", "update")
    person = call.person()
    call.site.life.set_status(person.user_id, status)
    return Answer(content=user(person))


def quiet_hours(call: Call) -> Answer:
    """Show a user's quiet hours: one object, although the published description says array."""
    call.need_licence("Advanced template scheduling")
    person = call.person()
    call.need("user", "read_personal", person.user_id)
    found = quiet_schedule(call.world, person)
    if found is None:
        raise hidden()
    return Answer(content=found)


def set_quiet_hours(call: Call) -> Answer:
    """Set a user's quiet hours; bad syntax is answered with 500."""
    call.need_licence("Advanced template scheduling")
    person = call.person()
    call.need("user", "update_personal", person.user_id)
    if not call.world.setup.quiet_custom:
        raise RefusalError(403, "Users cannot set custom quiet hours schedule at this deployment.")
    schedule = str(call.body.get("schedule") or "")
    if schedule:
        try:
            parse_daily(schedule)
        except ValueError as error:
            raise RefusalError(
                500, "Internal error updating user quiet hours.", str(error)
            ) from error
    person.quiet_hours = schedule
    return quiet_hours(call)


def groups(call: Call) -> Answer:
    """List groups with their members, of one organization or of all."""
    call.need_licence("Template RBAC")
    call.need("group", "read")
    wanted = call.names.get("organization") or call.query.get("organization", "")
    key = _org(call, wanted).organization_id if wanted else ""
    found = [one for one in call.world.teams.values() if not key or one.organization_id == key]
    member = call.query.get("has_member", "")
    return Answer(
        content=[group(call.world, one) for one in found if not member or member in one.members]
    )


def one_group(call: Call) -> Answer:
    """Show one group."""
    call.need_licence("Template RBAC")
    call.need("group", "read")
    found = call.world.teams.get(call.names["group"])
    if found is None:
        raise hidden()
    return Answer(content=group(call.world, found))


def organizations(call: Call) -> Answer:
    """List the organizations."""
    call.need("organization", "read")
    return Answer(content=[organization(one) for one in call.world.orgs.values()])


def one_organization(call: Call) -> Answer:
    """Show one organization."""
    call.need("organization", "read")
    return Answer(content=organization(_org(call, call.names["organization"])))


def _org(call: Call, wanted: str) -> Org:
    for org in call.world.orgs.values():
        if wanted in {org.organization_id, org.name} or (wanted == "default" and org.is_default):
            return org
    raise hidden()


def quota(call: Call) -> Answer:
    """Show how many credits a user may use, and does."""
    call.need_licence("Workspace quotas")
    person = call.person()
    used = sum(
        call.world.blueprints[space.template_id].daily_credits
        for space in map(call.world.spaces.__getitem__, person.desk)
        if space.running
    )
    allowed = sum(
        team.quota_allowance for team in call.world.teams.values() if person.user_id in team.members
    )
    return Answer(content={"credits_consumed": used, "budget": allowed or -1})


def tokens(call: Call) -> Answer:
    """List a user's tokens, without their secrets."""
    person = call.person()
    call.need("api_key", "read", person.user_id)
    return Answer(
        content=[
            api_key(one) for one in call.world.tokens.values() if one.user_id == person.user_id
        ]
    )


def make_token(call: Call) -> Answer:
    """Make a token; its lifetime is in nanoseconds."""
    person, world = call.person(), call.world
    call.need("api_key", "create", person.user_id)
    name = str(call.body.get("token_name") or f"token-{len(world.tokens)}")
    lifetime = call.body.get("lifetime")
    span = timedelta(microseconds=lifetime // 1000) if isinstance(lifetime, int) else timedelta(30)
    made = identity(world.seed, "token", person.username, name).replace("-", "")
    secret = f"{made[:10]}-{made[10:]}"
    world.tokens[secret] = Token(
        made[:10], secret, person.user_id, name, world.now, world.now + span
    )
    return Answer(201, {"key": secret})


ROUTES = (
    Route("GET", "/users", listed),
    Route("GET", "/users/{user}", shown),
    Route("PUT", "/users/{user}/status/suspend", suspend),
    Route("PUT", "/users/{user}/status/activate", activate),
    Route("GET", "/users/{user}/quiet-hours", quiet_hours),
    Route("PUT", "/users/{user}/quiet-hours", set_quiet_hours),
    Route("GET", "/users/{user}/keys/tokens", tokens),
    Route("POST", "/users/{user}/keys/tokens", make_token),
    Route("GET", "/groups", groups),
    Route("GET", "/groups/{group}", one_group),
    Route("GET", "/organizations", organizations),
    Route("GET", "/organizations/{organization}", one_organization),
    Route("GET", "/organizations/{organization}/groups", groups),
    Route("GET", "/organizations/{organization}/members/{user}/workspace-quota", quota),
    Route("GET", "/workspace-quota/{user}", quota),
)
