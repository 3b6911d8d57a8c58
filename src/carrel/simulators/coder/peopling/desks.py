"""Who has which workspaces: one for every day, some remembered, some forgotten."""

from datetime import datetime, timedelta
from random import Random

from carrel.domain.fleet.workspaces import BuildStatus, Transition
from carrel.simulators.coder.chance import chance
from carrel.simulators.coder.living.making import Wish, add
from carrel.simulators.coder.model.people import Manner, Person
from carrel.simulators.coder.model.templates import Blueprint
from carrel.simulators.coder.model.workspaces import AppStatus, Assignment, Job, Space
from carrel.simulators.coder.model.world import World
from carrel.simulators.coder.peopling.names import PROMPTS, SPACES
from carrel.simulators.coder.peopling.templates import KINDS

FORGOTTEN = 0.25
"""The share of a person's other workspaces that were left running, where nothing stops them."""
OUTDATED = 0.2
UNLIMITED, LONG = 0.08, 0.22
"""Who took the time to live away, and who set a longer one."""


def add_workspaces(world: World, count: int) -> None:
    """Spread workspaces over people: everybody gets one, then some get more than others."""
    people = [one for one in world.people.values() if one.habits is not None]
    start = world.now
    for number in range(count):
        luck = chance(world.seed, "desk", number)
        turn = number if number < len(people) else int(luck.betavariate(1, 2) * len(people))
        _add(world, people[turn], luck, number)
        world.now = start


def _add(world: World, person: Person, luck: Random, number: int) -> None:
    start = world.now
    blueprint = _template(world, person, luck)
    world.now = start - timedelta(days=luck.uniform(1, 400))
    name = f"{luck.choice(SPACES)}-{number}"
    if blueprint.ai:
        name = f"task-{number}"
    own = Wish(
        name,
        person.user_id,
        blueprint.rules.template_id,
        _ttl(blueprint, luck),
        _autostart(person, blueprint, luck),
    )
    space = add(world, own)
    world.now = start
    space.next_start_at = None
    _age(space, person, start, luck)
    if luck.random() < OUTDATED:
        space.latest.version_id = blueprint.older_versions[0]
    if blueprint.ai:
        _assign(world, space, person, luck)
    elif len(person.desk) > 1 and blueprint.rules.default_ttl is None:
        _forget(world, space, luck)


def _template(world: World, person: Person, luck: Random) -> Blueprint:
    org = person.organization_ids[0]
    kind = luck.choices(KINDS, [kind.share for kind in KINDS])[0].name
    if person.is_service_account:
        kind = "nightly-jobs"
    return next(
        one
        for one in world.blueprints.values()
        if one.rules.organization_id == org and one.rules.name == kind
    )


def _ttl(blueprint: Blueprint, luck: Random) -> timedelta | None:
    dice = luck.random()
    if dice < UNLIMITED:
        return None
    if dice < LONG:
        return timedelta(hours=luck.choice((12, 24, 72)))
    return blueprint.rules.default_ttl


def _autostart(person: Person, blueprint: Blueprint, luck: Random) -> str:
    habits = person.habits
    if habits is None or not blueprint.rules.allow_user_autostart or blueprint.ai:
        return ""
    zone = f"CRON_TZ={habits.zone.key}"
    if habits.manner is Manner.MACHINE:
        return f"{zone} 0 {int(habits.begins)} * * *"
    if person.desk or luck.random() > 0.2:  # noqa: PLR2004 - every fifth main workspace
        return ""
    return f"{zone} {luck.choice((0, 15, 30))} {max(5, int(habits.begins) - 1)} * * 1-5"


def _age(space: Space, person: Person, now: datetime, luck: Random) -> None:
    """Set the last use: the main workspace's lately, the others' some time ago."""
    days = luck.uniform(0.2, 4) if len(person.desk) == 1 else luck.expovariate(1 / 25)
    if person.habits is not None and person.habits.manner is Manner.GONE:
        days = luck.uniform(30, 200)
    space.used_at = max(space.created_at, now - timedelta(days=days))


def _assign(world: World, space: Space, person: Person, luck: Random) -> None:
    task = Assignment(
        world.new_id("task"),
        space.name,
        luck.choice(PROMPTS),
        person.user_id,
        space.workspace_id,
        space.created_at,
        space.used_at,
    )
    world.assignments[task.task_id] = task
    space.task_id = task.task_id
    space.app = AppStatus(world.new_id("status"), "idle", "Waiting for an answer", space.used_at)


def _forget(world: World, space: Space, luck: Random) -> None:
    """Leave a workspace running that nothing stops."""
    if luck.random() > FORGOTTEN:
        return
    space.ttl = None
    job = Job(
        world.new_id("build"),
        world.new_id("job"),
        2,
        space.workspace_id,
        Transition.START,
        "dashboard",
        space.owner_id,
        space.latest.version_id,
        space.used_at,
        status=BuildStatus.SUCCEEDED,
        started_at=space.used_at,
        completed_at=space.used_at,
        worker=0,
    )
    space.builds.append(job)
    world.jobs[job.build_id] = job
    world.boot(space)
