"""Which workspaces a `q=` filter means."""

from collections.abc import Callable

from carrel.simulators.coder.endpoints.search import moment, refuse_unknown, terms, truth
from carrel.simulators.coder.model.people import Person
from carrel.simulators.coder.model.workspaces import Space
from carrel.simulators.coder.model.world import World
from carrel.simulators.coder.refusals import invalid
from carrel.simulators.coder.wire.builds import build_status

Test = Callable[[Space], bool]
STATUSES = frozenset(
    [
        "pending",
        "starting",
        "running",
        "stopping",
        "stopped",
        "failed",
        "canceling",
        "canceled",
        "deleting",
        "deleted",
    ]
)


def matching(world: World, caller: Person, query: str) -> tuple[list[Test], bool]:
    """Return what a workspace must pass, and whether deleted ones are asked for.

    Dormant workspaces are hidden unless asked for: `dormant:true` shows them alone.
    """
    found = terms(query)
    refuse_unknown(found, KEYS)
    tests = [KEYS[key](world, caller, value) for key, value in found]
    keys = {key for key, _ in found}
    deleted = ("status", "deleted") in found
    if "dormant" not in keys and not deleted:
        tests.append(lambda space: space.dormant_at is None)
    return tests, deleted


def _id(_world: World, _caller: Person, value: str) -> Test:
    wanted = set(value.split(","))
    return lambda space: space.workspace_id in wanted


def _owner(world: World, caller: Person, value: str) -> Test:
    name = caller.username if value == "me" else value
    return lambda space: world.people[space.owner_id].username == name


def _template(world: World, _caller: Person, value: str) -> Test:
    return lambda space: world.blueprints[space.template_id].rules.name == value


def _name(world: World, caller: Person, value: str) -> Test:
    owner, slash, name = value.rpartition("/")
    theirs = _owner(world, caller, owner) if slash else None
    return lambda space: name in space.name and (theirs is None or theirs(space))


def _status(_world: World, _caller: Person, value: str) -> Test:
    if value not in STATUSES:
        invalid("status", f"Query param 'status' has invalid value {value!r}")
    return lambda space: build_status(space.latest) == value


def _has_agent(_world: World, _caller: Person, value: str) -> Test:
    wanted = set(value.split(","))
    return lambda space: space.machine is not None and space.machine.status in wanted


def _dormant(_world: World, _caller: Person, value: str) -> Test:
    wanted = truth("dormant", value)
    return lambda space: (space.dormant_at is not None) == wanted


def _used_after(world: World, _caller: Person, value: str) -> Test:
    since = moment("last_used_after", value)
    return lambda space: world.used_at(space) >= since


def _used_before(world: World, _caller: Person, value: str) -> Test:
    until = moment("last_used_before", value)
    return lambda space: world.used_at(space) <= until


def _outdated(world: World, _caller: Person, value: str) -> Test:
    wanted = truth("outdated", value)
    return lambda space: (
        wanted
        == (space.latest.version_id != world.blueprints[space.template_id].rules.active_version_id)
    )


def _ai_task(_world: World, _caller: Person, value: str) -> Test:
    wanted = truth("has-ai-task", value)
    return lambda space: bool(space.task_id) == wanted


def _external(_world: World, _caller: Person, value: str) -> Test:
    wanted = truth("has_external_agent", value)
    return lambda _space: not wanted


def _healthy(_world: World, _caller: Person, value: str) -> Test:
    wanted = truth("healthy", value)
    return lambda space: wanted == (space.machine is None or space.machine.status == "connected")


def _organization(world: World, _caller: Person, value: str) -> Test:
    return lambda space: value in {space.organization_id, world.orgs[space.organization_id].name}


def _shared(_world: World, _caller: Person, value: str) -> Test:
    return lambda _space: value == "false"


KEYS: dict[str, Callable[[World, Person, str], Test]] = {
    "id": _id,
    "owner": _owner,
    "template": _template,
    "name": _name,
    "status": _status,
    "has-agent": _has_agent,
    "dormant": _dormant,
    "last_used_after": _used_after,
    "last_used_before": _used_before,
    "outdated": _outdated,
    "has-ai-task": _ai_task,
    "has_external_agent": _external,
    "healthy": _healthy,
    "organization": _organization,
    "shared": _shared,
    "shared_with_user": _shared,
    "shared_with_group": _shared,
}
