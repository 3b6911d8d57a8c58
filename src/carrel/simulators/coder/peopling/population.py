"""A believable deployment of any size, from a seed."""

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

from carrel.domain.records import dataclass
from carrel.simulators.coder.chance import chance, identity
from carrel.simulators.coder.model.people import Habits, Manner, Org, Person, Team, Token
from carrel.simulators.coder.model.world import ADMIN, AUDITOR, POOL, SYSTEM, Setup, World
from carrel.simulators.coder.peopling.desks import add_workspaces
from carrel.simulators.coder.peopling.names import FIRST, LAST, TEAMS, ZONES
from carrel.simulators.coder.peopling.templates import add_templates

ORGS = ("acme", "research", "contractors", "games", "hardware")
MANNERS = {
    Manner.OFFICE: 52,
    Manner.FORGETFUL: 14,
    Manner.FLAPPING: 6,
    Manner.NIGHT: 5,
    Manner.ON_CALL: 6,
    Manner.RARE: 8,
    Manner.GONE: 7,
    Manner.MACHINE: 2,
}
TOOLS = {"vscode": 62, "jetbrains": 20, "ssh": 14, "reconnecting_pty": 4}
FOREVER = timedelta(days=3650)

Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True)
class Population:
    """How big a world is, and how it begins.

    Attributes:
        workspaces: How many, prebuilt ones aside.
        people: How many; None: three for ten workspaces.
        teams: How many groups; None: one for 75 people.
        organizations: How many, five at most.
        seed: The same seed gives the same world.
        start: The moment it is handed over.
        history: So long before, it begins to live.
        failing: The share of starts that fail.
        setup: How the deployment is set up.
    """

    workspaces: int = 100
    people: int | None = None
    teams: int | None = None
    organizations: int = 2
    seed: int = 0
    start: datetime = datetime(2026, 3, 3, 9, tzinfo=UTC)
    history: timedelta = timedelta(days=1)
    failing: float = 0.004
    setup: Setup = field(default_factory=Setup)


def populate(population: Population) -> World:
    """Make the world as it is when its history begins."""
    begins = population.start - population.history
    world = World(population.seed, begins, population.setup)
    _add_organizations(world, population.organizations)
    _add_accounts(world)
    add_templates(world)
    _add_people(world, population)
    _add_teams(world, population)
    add_workspaces(world, population.workspaces)
    world.now = begins
    world.deeds.sort(key=lambda deed: deed.at)
    return world


def issue(world: World, person: Person, name: str, lifetime: timedelta = FOREVER) -> Token:
    """Give a user a token."""
    made = identity(world.seed, "token", person.username, name).replace("-", "")
    secret = f"{made[:10]}-{made[10:]}"
    token = Token(made[:10], secret, person.user_id, name, world.now, world.now + lifetime)
    world.tokens[secret] = token
    return token


def _add_organizations(world: World, count: int) -> None:
    long_ago = world.now - timedelta(days=700)
    for number, name in enumerate(ORGS[: max(1, count)]):
        key = identity(world.seed, "org", name)
        world.orgs[key] = Org(key, name, name.title(), long_ago, is_default=number == 0)
        world.teams[key] = Team(key, "Everyone", key)


def _add_accounts(world: World) -> None:
    for name, roles in ((SYSTEM, ()), (POOL, ()), (ADMIN, ("owner",)), (AUDITOR, ("auditor",))):
        person = _person(world, name, name.title(), 600)
        person.roles = roles
        person.organization_ids = tuple(world.orgs)
        person.is_service_account = name in {SYSTEM, POOL}
        world.people[person.user_id] = person
        if roles:
            issue(world, person, "carrel")


def _add_people(world: World, population: Population) -> None:
    wanted = population.people or max(1, population.workspaces * 3 // 10)
    orgs = list(world.orgs)
    for number in range(wanted):
        luck = chance(world.seed, "person", number)
        first, last = luck.choice(FIRST), luck.choice(LAST)
        manner = _weighted(luck, MANNERS)
        name = f"{first}.{last}{number}"
        if manner is Manner.MACHINE:
            name = f"{luck.choice(('nightly', 'train', 'sync', 'export'))}-bot{number}"
        person = _person(world, name, f"{first} {last}".title(), luck.randint(30, 500))
        person.organization_ids = (orgs[0] if luck.random() < 0.7 else luck.choice(orgs),)  # noqa: PLR2004
        person.habits = _habits(luck, manner)
        person.is_service_account = manner is Manner.MACHINE
        _mark(world, person, luck)
        world.people[person.user_id] = person
        for org in person.organization_ids:
            world.teams[org].members.append(person.user_id)


def _habits(luck: Random, manner: Manner) -> Habits:
    zone = ZoneInfo(_weighted(luck, dict(ZONES)))
    habits = Habits(manner, zone, luck.uniform(7.5, 10.0), luck.uniform(7.5, 9.5))
    habits.tool = _weighted(luck, TOOLS)
    if manner is Manner.NIGHT:
        habits.begins, habits.hours = luck.uniform(18.5, 21.0), luck.uniform(5, 7)
    if manner is Manner.MACHINE:
        habits.begins, habits.tool = luck.uniform(0.5, 3.0), "ssh"
    if manner is Manner.FLAPPING and habits.tool not in {"vscode", "jetbrains"}:
        habits.tool = "vscode"
    if luck.random() < 0.06:  # noqa: PLR2004 - a Sunday-to-Thursday week
        habits.weekdays = frozenset({6, 0, 1, 2, 3})
    return habits


def _mark(world: World, person: Person, luck: Random) -> None:
    """Set what differs from person to person: last seen, status, own quiet hours."""
    habits = person.habits
    days = luck.uniform(0.1, 3)
    if habits is None:
        return
    if habits.manner is Manner.GONE:
        days = luck.uniform(40, 300)
        person.status = "suspended" if luck.random() < 0.3 else "dormant"  # noqa: PLR2004
    if not (habits.manner is Manner.MACHINE and luck.random() < 0.5):  # noqa: PLR2004
        person.last_seen_at = world.now - timedelta(days=days)
    if luck.random() < 0.3:  # noqa: PLR2004
        hour = luck.choice((18, 19, 20, 21, 22, 23))
        person.quiet_hours = f"CRON_TZ={habits.zone.key} {luck.choice((0, 30))} {hour} * * *"


def _person(world: World, username: str, name: str, days: float) -> Person:
    key = identity(world.seed, "user", username)
    return Person(key, username, name, world.now - timedelta(days=days))


def _add_teams(world: World, population: Population) -> None:
    people = [one for one in world.people.values() if one.habits is not None]
    wanted = population.teams or max(2, len(people) // 75)
    orgs = list(world.orgs)
    for number in range(wanted):
        luck = chance(world.seed, "team", number)
        word = TEAMS[number % len(TEAMS)]
        name = word if number < len(TEAMS) else f"{word}-{number // len(TEAMS) + 1}"
        org = orgs[number % len(orgs)]
        able = world.teams[org].members
        size = min(len(able), max(1, round(len(people) * 1.3 / wanted)))
        key = identity(world.seed, "group", name)
        world.teams[key] = Team(key, name, org, sorted(luck.sample(able, size)), 100)


def _weighted(luck: Random, weights: Mapping[Choice, int]) -> Choice:
    return luck.choices(list(weights), list(weights.values()))[0]
