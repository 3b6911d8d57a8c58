"""Endpoints that change a workspace's clocks: time to live, deadline, autostart, dormancy."""

from datetime import timedelta

from carrel.domain.fleet.schedule import (
    LONGEST_TTL,
    SHORTEST_EXTENSION,
    SHORTEST_TTL,
    Deadlines,
)
from carrel.domain.fleet.workspaces import Transition
from carrel.simulators.coder.living.cron import weekly
from carrel.simulators.coder.living.timing import following_start
from carrel.simulators.coder.model.workspaces import Space
from carrel.simulators.coder.protocol.call import Answer, Call
from carrel.simulators.coder.protocol.routing import Route
from carrel.simulators.coder.refusals import RefusalError, invalid


def set_ttl(call: Call) -> Answer:
    """Set the time to live. It leaves a running deadline alone, but none takes it away."""
    space = call.space("update")
    if not call.world.blueprints[space.template_id].rules.allow_user_autostop:
        raise RefusalError(400, "Custom autostop TTL is not allowed for this template.")
    sent = call.body.get("ttl_ms")
    if sent is not None and (not isinstance(sent, int) or isinstance(sent, bool)):
        invalid("ttl_ms", "must be a number")
    ttl = timedelta(milliseconds=sent) if isinstance(sent, int) and sent else None
    if ttl is not None and not SHORTEST_TTL <= ttl <= LONGEST_TTL:
        invalid("ttl_ms", "time until shutdown must be between one minute and 30 days")
    space.ttl = ttl
    if ttl is None and space.running:
        space.latest.clock = Deadlines(None, space.latest.clock.max_deadline)
    return _written(call, space)


def extend(call: Call) -> Answer:
    """Move the deadline of a running workspace; either way, but not too near."""
    space = call.space("update")
    job, now = space.latest, call.world.now
    if job.transition is not Transition.START:
        raise RefusalError(409, "Workspace must be started, current status: stop")
    if job.status.active:
        raise RefusalError(409, "Workspace is still building!")
    if job.clock.deadline is None or not space.running:
        raise RefusalError(409, "Workspace shutdown is manual.")
    deadline = call.moment(call.body.get("deadline"), "deadline")
    if deadline < now + SHORTEST_EXTENSION:
        invalid("deadline", "new deadline must be at least 30 minutes in the future")
    if job.clock.max_deadline is not None and deadline > job.clock.max_deadline:
        invalid("deadline", "new deadline is greater than max deadline")
    job.clock = Deadlines(deadline, job.clock.max_deadline)
    call.world.changed(space)
    return Answer(content={"message": f"Deadline updated to {deadline.isoformat()}."})


def set_dormant(call: Call) -> Answer:
    """Make a workspace dormant, or wake it; it builds nothing."""
    space = call.space("update")
    dormant = call.body.get("dormant")
    if not isinstance(dormant, bool):
        invalid("dormant", "must be true or false")
    if (space.dormant_at is not None) == dormant:
        return Answer(304)
    now = call.world.now
    rest = call.world.blueprints[space.template_id].rules.time_til_delete
    space.dormant_at = now if dormant else None
    space.deleting_at = now + rest if dormant and rest else None
    if not dormant:
        space.used_at = now
        space.next_start_at = following_start(call.world, space, now)
    _written(call, space)
    return Answer(content=call.site.shelf.one(space))


def set_autostart(call: Call) -> Answer:
    """Set the autostart schedule."""
    space = call.space("update")
    if not call.world.blueprints[space.template_id].rules.allow_user_autostart:
        raise RefusalError(400, "Autostart is not allowed for workspaces using this template.")
    sent = call.body.get("schedule") or ""
    if sent:
        try:
            weekly(str(sent))
        except ValueError as error:
            raise RefusalError(
                400, "Invalid autostart schedule.", wrong={"schedule": str(error)}
            ) from error
    space.autostart = str(sent)
    space.next_start_at = following_start(call.world, space, call.world.now)
    return _written(call, space)


def _written(call: Call, space: Space) -> Answer:
    space.updated_at = call.world.now
    resource = (space.workspace_id, space.name, space.organization_id)
    call.world.note(call.caller.person.user_id, "write", "workspace", resource)
    call.world.changed(space)
    return Answer(204)


ROUTES = (
    Route("PUT", "/workspaces/{workspace}/ttl", set_ttl),
    Route("PUT", "/workspaces/{workspace}/extend", extend),
    Route("PUT", "/workspaces/{workspace}/dormant", set_dormant),
    Route("PUT", "/workspaces/{workspace}/autostart", set_autostart),
)
