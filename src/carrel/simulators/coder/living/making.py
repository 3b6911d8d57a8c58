"""Making workspaces, and taking prebuilt ones out of their pool."""

from datetime import timedelta

from carrel.domain.fleet.workspaces import BuildStatus, Transition
from carrel.domain.records import dataclass
from carrel.simulators.coder.living.building import Builder
from carrel.simulators.coder.living.timing import following_start, wind
from carrel.simulators.coder.model.workspaces import Job, Space
from carrel.simulators.coder.model.world import POOL, World


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants a workspace to be.

    Attributes:
        name: Its name.
        owner_id: Whose.
        template_id: From what.
        ttl: Its own time to live.
        autostart: Its cron line, or empty.
    """

    name: str
    owner_id: str
    template_id: str
    ttl: timedelta | None = None
    autostart: str = ""


def add(world: World, wish: Wish) -> Space:
    """Add a workspace whose first build, a stop, has just ended: made, and not started yet."""
    rules = world.blueprints[wish.template_id].rules
    space = Space(
        world.new_id("space"),
        wish.name,
        wish.owner_id,
        rules.organization_id,
        wish.template_id,
        world.now,
        world.now,
        world.now,
        ttl=wish.ttl,
        autostart=wish.autostart,
    )
    job = Job(
        world.new_id("build"),
        world.new_id("job"),
        1,
        space.workspace_id,
        Transition.STOP,
        "initiator",
        wish.owner_id,
        rules.active_version_id,
        world.now,
        status=BuildStatus.SUCCEEDED,
        started_at=world.now,
        completed_at=world.now,
        worker=0,
    )
    space.builds.append(job)
    world.jobs[job.build_id] = job
    world.spaces[space.workspace_id] = space
    world.people[wish.owner_id].desk.append(space.workspace_id)
    space.next_start_at = following_start(world, space, world.now)
    owner = (space.workspace_id, space.name, space.organization_id)
    world.note(wish.owner_id, "create", "workspace", owner)
    return space


def claim(world: World, wish: Wish) -> Space | None:
    """Give a person a prebuilt workspace that is running; None when the pool is empty."""
    pool = world.people.get(world.person(POOL).user_id)
    ready = [world.spaces[key] for key in pool.desk] if pool else []
    for space in ready:
        if space.template_id == wish.template_id and space.running and pool:
            pool.desk.remove(space.workspace_id)
            world.people[wish.owner_id].desk.append(space.workspace_id)
            space.name, space.owner_id, space.is_prebuild = wish.name, wish.owner_id, False
            space.ttl, space.autostart = wish.ttl, wish.autostart
            space.used_at = space.updated_at = world.now
            space.latest.clock = wind(world, space)
            world.changed(space)
            return space
    return None


def make(world: World, builder: Builder, wish: Wish) -> Space:
    """Make a workspace as a person does: prebuilt if the pool has one, else built now."""
    space = claim(world, wish)
    if space is None:
        space = add(world, wish)
        builder.ask(space, Transition.START, "dashboard", wish.owner_id)
    return space
