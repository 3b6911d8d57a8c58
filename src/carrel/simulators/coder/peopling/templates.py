"""The templates of a believable deployment: each with another way to stop, or none."""

from datetime import timedelta

from carrel.domain.fleet.templates import Template
from carrel.domain.records import dataclass
from carrel.simulators.coder.chance import identity
from carrel.simulators.coder.model.templates import Blueprint
from carrel.simulators.coder.model.world import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of template, and how many of a deployment's workspaces are made from it."""

    name: str
    share: int
    rules: dict[str, object]
    traits: dict[str, object]


KINDS = (
    Kind(
        "ubuntu-dev",
        46,
        {"default_ttl": 8 * HOUR, "activity_bump": HOUR, "notify_lead": timedelta(minutes=30)},
        {"daily_credits": 10, "start_seconds": 80},
    ),
    Kind(
        "java-large",
        16,
        {
            "default_ttl": 10 * HOUR,
            "activity_bump": 2 * HOUR,
            "required_days": frozenset({5}),
            "required_weeks": 2,
            "failure_ttl": DAY,
        },
        {"daily_credits": 40, "start_seconds": 150, "prebuilds": 2, "require_active": True},
    ),
    Kind(
        "ml-gpu",
        10,
        {
            "default_ttl": 4 * HOUR,
            "activity_bump": HOUR,
            "required_days": frozenset(range(7)),
            "failure_ttl": HOUR,
        },
        {"daily_credits": 240, "start_seconds": 240},
    ),
    Kind(
        "web-light",
        14,
        {"activity_bump": HOUR, "time_til_dormant": 30 * DAY, "time_til_delete": 60 * DAY},
        {"daily_credits": 6, "start_seconds": 45},
    ),
    Kind(
        "agent-tasks",
        8,
        {"default_ttl": HOUR, "activity_bump": HOUR / 2, "time_til_dormant": 14 * DAY},
        {"daily_credits": 15, "start_seconds": 60, "ai": True},
    ),
    Kind(
        "nightly-jobs",
        2,
        {"default_ttl": 4 * HOUR},
        {"daily_credits": 60, "start_seconds": 120},
    ),
    Kind(
        "legacy",
        4,
        {"allow_user_autostop": False, "allow_user_autostart": False},
        {"daily_credits": 30, "deprecation": "Please move to ubuntu-dev.", "allow_cancel": False},
    ),
)


def add_templates(world: World) -> None:
    """Give every organization one template of each kind."""
    for org in world.orgs.values():
        for kind in KINDS:
            key = identity(world.seed, "template", org.name, kind.name)
            rules = Template(
                key,
                kind.name,
                org.organization_id,
                active_version_id=identity(world.seed, "version", key, 2),
                deprecated="deprecation" in kind.traits,
                **kind.rules,  # type: ignore[arg-type]
            )
            world.blueprints[key] = Blueprint(
                rules,
                kind.name.replace("-", " ").title(),
                org.created_at,
                org.created_at,
                older_versions=[identity(world.seed, "version", key, 1)],
                **kind.traits,  # type: ignore[arg-type]
            )
