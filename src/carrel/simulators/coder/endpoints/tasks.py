"""Endpoints about AI tasks."""

from carrel.domain.fleet.workspaces import Transition
from carrel.simulators.coder.endpoints.search import refuse_unknown, terms
from carrel.simulators.coder.model.workspaces import Assignment
from carrel.simulators.coder.protocol.call import Answer, Call
from carrel.simulators.coder.protocol.routing import Route
from carrel.simulators.coder.refusals import hidden
from carrel.simulators.coder.wire.builds import build
from carrel.simulators.coder.wire.templates import task, task_status

KEYS = frozenset({"owner", "organization", "status"})


def listed(call: Call) -> Answer:
    """List the tasks; there are no pages."""
    found = terms(call.query.get("q", ""), "owner")
    refuse_unknown(found, KEYS)
    wanted = dict(found)
    tasks = [one for one in call.world.assignments.values() if _matches(call, one, wanted)]
    return Answer(content={"tasks": [task(call.world, one) for one in tasks], "count": len(tasks)})


def _matches(call: Call, one: Assignment, wanted: dict[str, str]) -> bool:
    space = call.world.spaces[one.workspace_id]
    owner = call.world.people[one.owner_id]
    names = {owner.user_id, owner.username, "me" if owner is call.caller.person else ""}
    orgs = {space.organization_id, call.world.orgs[space.organization_id].name}
    return (
        not space.deleted
        and call.caller.sees(space)
        and wanted.get("owner", owner.username) in names
        and wanted.get("organization", space.organization_id) in orgs
        and wanted.get("status", task_status(space)) == task_status(space)
    )


def shown(call: Call) -> Answer:
    """Show one task."""
    return Answer(content=task(call.world, _found(call)))


def pause(call: Call) -> Answer:
    """Pause a task: its workspace is stopped the proper way."""
    return _build(call, Transition.STOP, "task_manual_pause")


def resume(call: Call) -> Answer:
    """Resume a task: its workspace is started."""
    return _build(call, Transition.START, "task_resume")


def _build(call: Call, transition: Transition, reason: str) -> Answer:
    one = _found(call)
    call.need("task", "update", one.owner_id)
    space = call.world.spaces[one.workspace_id]
    job = call.site.life.builder.ask(space, transition, reason, call.caller.person.user_id)
    return Answer(202, {"workspace_build": build(call.world, space, job)})


def _found(call: Call) -> Assignment:
    wanted = call.names["task"]
    owner = call.person()
    for one in call.world.assignments.values():
        if wanted in {one.task_id, one.name} and one.owner_id == owner.user_id:
            if not call.caller.sees(call.world.spaces[one.workspace_id]):
                break
            return one
    raise hidden()


ROUTES = (
    Route("GET", "/tasks", listed),
    Route("GET", "/tasks/{user}/{task}", shown),
    Route("POST", "/tasks/{user}/{task}/pause", pause),
    Route("POST", "/tasks/{user}/{task}/resume", resume),
)
