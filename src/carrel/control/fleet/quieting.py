"""Quiet hours as a person asks for them: whose are when, who runs in them, since when."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast
from zoneinfo import ZoneInfo

from carrel.control.fleet import deciding, observing
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.deployment import Source
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.people import QuietHours
from carrel.domain.fleet.schedule import parse_daily
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.quiet import Night, Nights, QuietRules
from carrel.domain.governance.windows import Timetable, Window
from carrel.planning.precedence import Decision

POLICY = "quiet_hours"


class _Settings(Protocol):
    """The settings of the policy, as far as they say whose quiet hours are when."""

    @property
    def rules(self) -> QuietRules: ...


@dataclass(frozen=True, slots=True)
class Hours:
    """Quiet hours that some running workspaces share.

    Attributes:
        label: Where they come from.
        zone: Whose wall clock counts.
        running: How many running workspaces have them.
        began: Since when it is quiet; None: it is not.
        change: When that changes next; None: never.
        unknown: Why they can't be known, or empty.
    """

    label: str
    zone: str
    running: int
    began: datetime | None
    change: datetime | None
    unknown: str


@dataclass(frozen=True, slots=True)
class Status:
    """Quiet hours of a fleet at a moment.

    Attributes:
        at: When.
        source: Who keeps users' own quiet hours.
        why: What that means, a sentence.
        hours: Each kind, the most workspaces first.
        without: How many running workspaces have none.
        decisions: What was decided of each workspace.
        gaps: What could not be seen.
    """

    at: datetime
    source: Source
    why: str
    hours: tuple[Hours, ...]
    without: int
    decisions: tuple[Decision, ...]
    gaps: tuple[str, ...]

    def categories(self) -> Counter[str]:
        """Count the running workspaces by what the policy calls them."""
        return Counter(
            verdict.category
            for decision in self.decisions
            if decision.workspace.on
            for verdict in decision.verdicts
            if verdict.policy == POLICY
        )


def status(ctx: FleetContext, *, force: bool = False) -> Status:
    """Look at the fleet and say whose quiet hours are when, and who runs in them."""
    seen = observing.recent(ctx)
    at = ctx.now()
    running = [one for one in seen.workspaces if one.on]
    hours, without = _hours(ctx, seen, running, at)
    feature = next((one for one in seen.deployment.features if one.name == POLICY), None)
    return Status(
        at=at,
        source=seen.deployment.source(POLICY),
        why=feature.why if feature else "",
        hours=hours,
        without=without,
        decisions=deciding.decide(ctx, at=at, force=force, observation=seen),
        gaps=tuple(f"{gap.what}: {gap.why}" for gap in seen.gaps),
    )


def _hours(
    ctx: FleetContext, seen: Observation, running: Iterable[FleetWorkspace], at: datetime
) -> tuple[tuple[Hours, ...], int]:
    settings = next(one.settings for one in ctx.policies if one.name == POLICY)
    nights = Nights(cast("_Settings", settings).rules, seen, at)
    found: dict[int, Night] = {}
    counts: Counter[int] = Counter()
    without = 0
    for workspace in running:
        night = nights.of(workspace)
        if night is None:
            without += 1
            continue
        found[id(night)] = night
        counts[id(night)] += 1
    hours = tuple(
        Hours(
            night.label,
            str(night.zone),
            counts[key],
            night.present.start if night.present else None,
            night.change,
            night.unknown,
        )
        for key, night in found.items()
    )
    return tuple(sorted(hours, key=lambda one: (-one.running, one.label))), without


@dataclass(frozen=True, slots=True)
class Schedule:
    """The backend's own quiet hours of one user, or its default.

    Attributes:
        username: Whose; empty: the default.
        schedule: The daily time as cron with its zone.
        user_set: The user chose it.
        begins: When they begin next; None: the schedule can't be read.
        zone: Of the schedule.
    """

    username: str
    schedule: str
    user_set: bool
    begins: datetime | None
    zone: str


@dataclass(frozen=True, slots=True)
class Enterprise:
    """What a deployment keeps of quiet hours.

    Attributes:
        source: Who provides them.
        why: What that means, a sentence.
        default: The deployment's; None: not offered, or not seen.
        users: Users' own, as far as they were read, or the one that was asked for.
    """

    source: Source
    why: str
    default: Schedule | None
    users: tuple[Schedule, ...]


def enterprise(ctx: FleetContext, user: str | None = None) -> Enterprise:
    """Tell what the deployment keeps of quiet hours: of one user, or of all that were read.

    Raises:
        FailedError: `fleet_forbidden`, `fleet_not_offered` when the user's can't be seen.
    """
    at = ctx.now()
    if user is not None:
        deployment = ctx.fleet.deployment()
        hours = ctx.fleet.quiet_hours(user)
        default: Schedule | None = None
        users = tuple(_schedule(user, one, at) for one in (hours,) if one)
    else:
        seen = observing.recent(ctx)
        deployment = seen.deployment
        standard = seen.default_quiet_hours
        default = _schedule("", standard, at) if standard else None
        people = sorted(seen.users.values(), key=lambda one: one.username)
        users = tuple(
            _schedule(one.username, one.quiet_hours, at)
            for one in people
            if one.quiet_hours is not None and one.quiet_hours.user_set
        )
    feature = next((one for one in deployment.features if one.name == POLICY), None)
    why = feature.why if feature else ""
    return Enterprise(deployment.source(POLICY), why, default, users)


def _schedule(username: str, hours: QuietHours, at: datetime) -> Schedule:
    try:
        daily = parse_daily(hours.schedule)
    except ValueError:
        return Schedule(username, hours.schedule, hours.user_set, None, "")
    table = Timetable(ZoneInfo(str(daily.zone)), (Window(daily.at, daily.at),))
    following = table.following(at)
    begins = following.start if following else None
    return Schedule(username, hours.schedule, hours.user_set, begins, str(daily.zone))
