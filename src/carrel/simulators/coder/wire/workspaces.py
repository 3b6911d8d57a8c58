"""Workspaces as JSON, kept until they change."""

from carrel.simulators.coder.living.timing import settle, upcoming
from carrel.simulators.coder.model.workspaces import Space
from carrel.simulators.coder.model.world import World
from carrel.simulators.coder.wire.builds import Document, app_status, build
from carrel.simulators.coder.wire.writing import (
    NO_ID,
    PRESENT,
    dumps,
    maybe,
    millis,
    present,
    stamp,
)


def workspace(world: World, space: Space) -> Document:
    """Write a workspace."""
    owner = world.people[space.owner_id]
    blueprint = world.blueprints[space.template_id]
    machine = space.machine
    sick = [machine.agent_id] if machine and machine.status != "connected" else []
    return {
        "id": space.workspace_id,
        "created_at": stamp(space.created_at),
        "updated_at": stamp(space.updated_at),
        "owner_id": owner.user_id,
        "owner_name": owner.username,
        "owner_avatar_url": "",
        "organization_id": space.organization_id,
        "organization_name": world.orgs[space.organization_id].name,
        "template_id": space.template_id,
        "template_name": blueprint.rules.name,
        "template_display_name": blueprint.display_name,
        "template_icon": "",
        "template_allow_user_cancel_workspace_jobs": blueprint.allow_cancel,
        "template_active_version_id": blueprint.rules.active_version_id,
        "template_require_active_version": blueprint.require_active,
        "template_use_classic_parameter_flow": False,
        "latest_build": build(world, space, space.latest),
        "latest_app_status": app_status(space, machine.agent_id if machine else NO_ID),
        "outdated": space.latest.version_id != blueprint.rules.active_version_id,
        "name": space.name,
        "autostart_schedule": space.autostart or None,
        "ttl_ms": None if space.ttl is None else millis(space.ttl),
        "last_used_at": PRESENT if space.connections else stamp(space.used_at),
        "deleting_at": maybe(space.deleting_at),
        "dormant_at": maybe(space.dormant_at),
        "health": {"healthy": not sick, "failing_agents": sick},
        "automatic_updates": "never",
        "allow_renames": False,
        "favorite": False,
        "next_start_at": maybe(upcoming(world, space, world.now)),
        "is_prebuild": space.is_prebuild,
        "task_id": space.task_id or None,
        "shared_with": [],
    }


class Shelf:
    """The JSON of every workspace, written again only after it changed.

    Args:
        world: Where the workspaces are.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._kept: dict[str, tuple[tuple[int, int], bytes]] = {}
        self._sorted: tuple[int, list[Space]] = (-1, [])

    def page(self, spaces: list[Space], count: int) -> bytes:
        """Write a page of workspaces, and how many there are on all pages."""
        body = b",".join(self._one(space) for space in spaces)
        return present(b'{"workspaces":[%b],"count":%d}' % (body, count), self.world.now)

    def one(self, space: Space) -> bytes:
        """Write one workspace."""
        return present(self._one(space), self.world.now)

    def ordered(self) -> list[Space]:
        """Return all workspaces as the list shows them: running first, then owner, then name."""
        for space in self.world.connected():
            if settle(self.world, space):
                self.world.changed(space)
        revision, found = self._sorted
        if revision != self.world.revision:
            people = self.world.people
            found = sorted(
                self.world.spaces.values(),
                key=lambda one: (not one.running, people[one.owner_id].username, one.name),
            )
            self._sorted = (self.world.revision, found)
        return found

    def _one(self, space: Space) -> bytes:
        if settle(self.world, space):
            self.world.changed(space)
        passed = space.next_start_at is not None and space.next_start_at <= self.world.now
        mark = (space.version, self.world.generation)
        kept = self._kept.get(space.workspace_id)
        if kept is not None and kept[0] == mark and not passed:
            return kept[1]
        content = dumps(workspace(self.world, space))
        if not space.latest.status.active:
            self._kept[space.workspace_id] = (mark, content)
        return content
