"""Quiet hours as a person asks for them: whose are when, who runs in them, since when."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol, cast

from carrel.control.fleet import deciding, observing
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.deployment import Deployment, Source
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.people import QuietHours
from carrel.domain.fleet.schedule import parse_daily
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.quiet import NATIVE_HOURS, Night, Nights, QuietRules
from carrel.domain.governance.verdicts import WITHHELD, Wish
from carrel.domain.governance.windows import Timetable, Window
from carrel.domain.records import dataclass
from carrel.planning.precedence import Decision

POLICY = "quiet_hours"
_EXCLUSIONS = "exclusions"
_IN_GRACE = "in_grace"


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
class Windows:
    """Where the windows of quiet hours come from.

    Attributes:
        source: Who keeps users' own quiet hours: the deployment, or nobody but us.
        why: What the deployment says of that, a sentence.
        native: The deployment's and its users' own ones count.
        rules: How many rules carrel.toml has.
    """

    source: Source
    why: str
    native: bool
    rules: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a running workspace stands with its quiet hours, all policies considered.

    Attributes:
        category: One of the documented words, or `flapping`, or `withheld` when nobody can tell.
        reason: A sentence.
        due: When it is stopped, if it is; None: it is not, or at once.
        until: When that may change next; None: not by time.
    """

    category: str
    reason: str
    due: datetime | None = None
    until: datetime | None = None


def standing(decision: Decision) -> Standing:
    """Tell how a workspace stands with its quiet hours.

    What another policy keeps is excluded, with that policy's reason: an exclusion always, a lease
    or work under way when the quiet hours would stop it.
    """
    own = next((one for one in decision.verdicts if one.policy == POLICY), None)
    if own is None:
        return Standing("", "The policy 'quiet_hours' is not in force.")
    winner = decision.winner
    if decision.wish is Wish.KEEP and winner is not None:
        if winner.category == WITHHELD:
            return Standing(WITHHELD, winner.reason, None, winner.until)
        if winner.policy == _EXCLUSIONS or own.wish is Wish.STOP:
            return Standing("excluded", winner.reason, None, winner.until)
    return Standing(own.category, own.reason, own.due, own.until)


@dataclass(frozen=True, slots=True)
class Status:
    """Quiet hours of a fleet at a moment.

    Attributes:
        at: When.
        windows: Where they come from.
        hours: Each kind, the most workspaces first.
        without: How many running workspaces have none.
        decisions: What was decided of each workspace.
        gaps: What could not be seen.
    """

    at: datetime
    windows: Windows
    hours: tuple[Hours, ...]
    without: int
    decisions: tuple[Decision, ...]
    gaps: tuple[str, ...]

    @property
    def running(self) -> tuple[Decision, ...]:
        """Return the decisions on what may hold a machine."""
        return tuple(one for one in self.decisions if one.workspace.on)

    def categories(self) -> Counter[str]:
        """Count the running workspaces by how they stand."""
        return Counter(standing(one).category for one in self.running)


def status(ctx: FleetContext, *, force: bool = False) -> Status:
    """Look at the fleet and say whose quiet hours are when, and who runs in them."""
    seen = observing.recent(ctx)
    at = ctx.now()
    running = [one for one in seen.workspaces if one.on]
    hours, without = _hours(ctx, seen, running, at)
    return Status(
        at=at,
        windows=windows(ctx, seen),
        hours=hours,
        without=without,
        decisions=deciding.decide(ctx, at=at, force=force, observation=seen),
        gaps=tuple(gap.told for gap in seen.gaps),
    )


def windows(ctx: FleetContext, seen: Observation, policy: str = POLICY) -> Windows:
    """Tell where the windows of a policy's quiet hours come from."""
    rules, source = _rules(ctx, policy), seen.deployment.source(POLICY)
    return Windows(
        source,
        _why(seen.deployment),
        rules.native and source is Source.NATIVE,
        len(rules.rules),
    )


def _rules(ctx: FleetContext, policy: str) -> QuietRules:
    settings = next(one.settings for one in ctx.policies if one.name == policy)
    return cast("_Settings", settings).rules


def _why(deployment: Deployment) -> str:
    feature = next((one for one in deployment.features if one.name == POLICY), None)
    return feature.why if feature else ""


def _hours(
    ctx: FleetContext, seen: Observation, running: Iterable[FleetWorkspace], at: datetime
) -> tuple[tuple[Hours, ...], int]:
    nights = Nights(_rules(ctx, POLICY), seen, at)
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


def in_grace(decisions: Iterable[Decision]) -> tuple[int, datetime | None]:
    """Return how many workspaces are in their grace, and when the first one's is over."""
    dues = [one.due for one in map(standing, decisions) if one.category == _IN_GRACE and one.due]
    return len(dues), min(dues, default=None)


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
        NotFoundError: `unknown_fleet_user`.
    """
    at = ctx.now()
    if user is not None:
        deployment = ctx.fleet.deployment()
        hours = ctx.fleet.quiet_hours(user)
        if hours is None and user != "me":
            observing.known_user(observing.recent(ctx), user)
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
    return Enterprise(deployment.source(POLICY), _why(deployment), default, users)


def _schedule(username: str, hours: QuietHours, at: datetime) -> Schedule:
    try:
        daily = parse_daily(hours.schedule)
    except ValueError:
        return Schedule(username, hours.schedule, hours.user_set, None, "")
    night = (Window(daily.at, daily.at),)
    table = Timetable(daily.zone, night, length=timedelta(hours=NATIVE_HOURS))
    following = table.following(at)
    begins = following.start if following else None
    return Schedule(username, hours.schedule, hours.user_set, begins, str(daily.zone))
