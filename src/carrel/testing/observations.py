"""Makes observations of fleets: one workspace by its facts, or a whole believable fleet by seed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

from carrel.domain.fleet.deployment import Deployment, Feature, Source
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.people import Group, Organization, QuietHours, User
from carrel.domain.fleet.templates import Template
from carrel.domain.fleet.workspaces import (
    Activity,
    Build,
    BuildStatus,
    FleetWorkspace,
    TaskStatus,
    Transition,
    Work,
)

NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
"""A Friday evening."""
_ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
_TEMPLATES = ("python", "java", "data", "agent", "gpu")


def build(at: datetime = NOW, **facts: Any) -> Build:  # noqa: ANN401 - any fact of a build
    """Make a build: by default a start that ended well three hours before."""
    done = at - timedelta(hours=3)
    made = Build("b1", 1, Transition.START, BuildStatus.SUCCEEDED, "initiator", "ann",
                 created_at=done, started_at=done, completed_at=done)  # fmt: skip
    return replace(made, **facts)


def workspace(at: datetime = NOW, **facts: Any) -> FleetWorkspace:  # noqa: ANN401 - any fact
    """Make a workspace: by default `ann/desk`, running for three hours, idle for one."""
    idle = at - timedelta(hours=1)
    made = FleetWorkspace(
        "w1", "desk", "u-ann", "ann", "o1", "acme", "t-python", "python", build(at),
        created_at=at - timedelta(days=30), last_used_at=idle,
        activity=Activity(Work.IDLE, idle, "No connection, and no agent at work."),
    )  # fmt: skip
    return replace(made, **facts)


def observation(
    *workspaces: FleetWorkspace,
    at: datetime = NOW,
    licensed: bool = False,
    **facts: Any,  # noqa: ANN401 - any fact of an observation
) -> Observation:
    """Make a complete observation of some workspaces, with a user, a group and a template."""
    source = Source.NATIVE if licensed else Source.OURS
    names = ("quiet_hours", "dormancy")
    features = tuple(Feature(name, source, "As the test says.") for name in names)
    made = Observation(
        at,
        Deployment("https://coder.example", "d1", "v2.35.3", "operator", features),
        tuple(workspaces),
        templates={"t-python": Template("t-python", "python", "o1")},
        users={"u-ann": User("u-ann", "ann", "ann@example.com", groups=frozenset({"g-devs"}))},
        groups={"g-devs": Group("g-devs", "devs", "o1")},
        organizations={"o1": Organization("o1", "acme")},
    )
    return replace(made, **facts)


@cache
def fleet(
    seed: int = 1,
    *,
    workspaces: int = 200,
    users: int = 60,
    groups: int = 8,
    at: datetime = NOW,
    licensed: bool = True,
) -> Observation:
    """Make a whole fleet: the same seed gives the same one."""
    random = Random(seed)  # noqa: S311 - no secret
    group_ids = [f"g{n}" for n in range(groups)]
    people = [_user(random, n, group_ids, licensed=licensed) for n in range(users)]
    templates = [_template(random, name) for name in _TEMPLATES]
    seen = [_workspace(random, n, people, templates, at) for n in range(workspaces)]
    empty = observation(at=at, licensed=licensed)
    return replace(
        empty,
        workspaces=tuple(seen),
        templates={one.template_id: one for one in templates},
        users={one.user_id: one for one in people},
        groups={key: Group(key, f"team-{key}", "o1") for key in group_ids},
        default_quiet_hours=QuietHours("CRON_TZ=UTC 0 20 * * *") if licensed else None,
    )


def _user(random: Random, number: int, groups: list[str], *, licensed: bool) -> User:
    own = None
    if licensed:
        line = f"CRON_TZ={random.choice(_ZONES)} {random.choice((0, 30))} {random.randrange(24)}"
        own = QuietHours(f"{line} * * *", user_set=True) if random.random() < 0.3 else None  # noqa: PLR2004 - a share
    member = frozenset(random.sample(groups, k=min(len(groups), random.randrange(3))))
    return User(f"u{number}", f"user{number}", f"user{number}@example.com", groups=member,
                quiet_hours=own)  # fmt: skip


def _template(random: Random, name: str) -> Template:
    return Template(
        f"t-{name}",
        name,
        "o1",
        default_ttl=random.choice((None, timedelta(hours=8))),
        activity_bump=timedelta(hours=1),
        required_days=frozenset(random.sample(range(7), k=random.randrange(3))),
        time_til_dormant=random.choice((None, timedelta(days=30))),
        allow_user_autostop=random.random() < 0.8,  # noqa: PLR2004 - a share
    )


def _workspace(
    random: Random, number: int, people: list[User], templates: list[Template], at: datetime
) -> FleetWorkspace:
    owner, template = random.choice(people), random.choice(templates)
    used = at - timedelta(minutes=random.randrange(60 * 24 * 40))
    started = max(used, at - timedelta(hours=random.randrange(1, 60)))
    transition = random.choices(
        (Transition.START, Transition.STOP, Transition.DELETE), (70, 28, 2)
    )[0]
    status = random.choices(tuple(BuildStatus), (6, 6, 74, 6, 3, 3, 2))[0]
    ends = at + timedelta(minutes=random.randrange(-600, 900))
    deadline = random.choice((None, ends)) if transition is Transition.START else None
    task = random.choice(tuple(TaskStatus)) if template.name == "agent" else TaskStatus.NONE
    work = random.choices(tuple(Work), (1, 3, 8, 1))[0]
    dormant = transition is Transition.STOP and random.random() < 0.3  # noqa: PLR2004 - a share
    return FleetWorkspace(
        f"w{number}", f"ws{number}", owner.user_id, owner.username, "o1", "acme",
        template.template_id, template.name,
        build(number=random.randrange(1, 40), build_id=f"b{number}", transition=transition,
              status=status, created_at=started, completed_at=started, deadline=deadline,
              reason=random.choice(("initiator", "autostart", "vscode_connection"))),
        created_at=used - timedelta(days=random.randrange(100)),
        last_used_at=used,
        activity=Activity(work, used, f"The seed says {work}."),
        ttl=random.choice((None, timedelta(hours=8), timedelta(days=9))),
        dormant_at=used if dormant else None,
        is_prebuild=random.random() < 0.03,  # noqa: PLR2004 - a share
        task_id=f"task{number}" if task is not TaskStatus.NONE else "",
        task=task,
        daily_credits=random.randrange(20),
    )  # fmt: skip
