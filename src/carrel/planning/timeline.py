"""Timeline: everything that will stop a workspace, start it or move its stop, and when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from carrel.domain.fleet.deployment import Source
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.people import QuietHours
from carrel.domain.fleet.schedule import (
    DailyTime,
    Deadlines,
    bumped,
    deadlines,
    parse_daily,
    time_to_live,
)
from carrel.domain.fleet.templates import Template
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.saying import moment, span
from carrel.domain.governance.verdicts import Verdict, Wish
from carrel.domain.records import dataclass
from carrel.planning.precedence import Decision
from carrel.planning.starts import next_start


@dataclass(frozen=True, slots=True)
class Entry:
    """One source of a stop, or something that moves one.

    Attributes:
        source: Stable word: `deadline`, `time_to_live`, `template_default`, `requirement`,
            `quiet_hours`, `activity_bump`, `autostart`, `failure_cleanup`, `dormancy`,
            `deletion`, or `policy:NAME`.
        by: Who does it: the backend, or we.
        applies: Whether it will do anything as things stand.
        at: When; None: not by time, or it does not apply.
        why: One sentence.
    """

    source: str
    by: Source
    applies: bool
    at: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """What applies to one workspace.

    Attributes:
        entries: Those that apply first, in the order of time; then the others.
        stops_at: The first moment at which something stops it, if nothing else happens.
        drift: Where the backend's deadline differs from what its settings give; empty: nowhere.
        stopped_by: The entry that stops it first; None: nothing does.
    """

    entries: tuple[Entry, ...]
    stops_at: datetime | None
    drift: str = ""
    stopped_by: Entry | None = None


_STOPPING = frozenset({"deadline", "dormancy", "failure_cleanup"})
_TOLERANCE = timedelta(minutes=2)


def timeline(
    workspace: FleetWorkspace,
    observation: Observation,
    at: datetime,
    decision: Decision | None = None,
    foreseen: Verdict | None = None,
) -> Timeline:
    """Gather every source for a workspace.

    Args:
        workspace: Which.
        observation: The fleet.
        at: Now.
        decision: What our own policies say now; None: they are left out.
        foreseen: What the first of them will say that stops it, and when that is due.
    """
    template = observation.templates.get(workspace.template_id)
    entries = [_deadline(workspace)]
    drift = ""
    if template is None:
        entries.append(_native("template_default", "Its template could not be seen."))
    else:
        quiet = _quiet(workspace, observation)
        entries += [
            *_lives(workspace, template),
            _requirement(workspace, template, quiet),
            _bump(workspace, template, at),
            *_scheduled(workspace, template, observation),
        ]
        drift = _drift(workspace, template, quiet)
    entries += [_autostart(workspace, observation), _quiet_entry(workspace, observation)]
    kept = decision is not None and decision.wish is Wish.KEEP
    for one in decision.verdicts if decision else ():
        coming = foreseen is not None and foreseen.policy == one.policy
        later = foreseen if coming and (kept or not _wants_stop(one)) else None
        entries.append(_ours(later or one, at, kept=kept and later is None))
    far = datetime.max.replace(tzinfo=UTC)
    entries.sort(key=lambda one: (not one.applies, one.at or far, one.source))
    first = next((one for one in entries if one.applies and one.at and _stops(one)), None)
    return Timeline(tuple(entries), first.at if first else None, drift, first)


def _native(source: str, why: str, at: datetime | None = None, *, applies: bool = False) -> Entry:
    return Entry(source, Source.NATIVE, applies, at, why)


def _stops(entry: Entry) -> bool:
    return entry.by is Source.OURS or entry.source in _STOPPING


def _deadline(workspace: FleetWorkspace) -> Entry:
    build = workspace.build
    if not workspace.running:
        return _native("deadline", "It does not run.")
    if build.deadline is None:
        return _native("deadline", "The running build has no deadline.")
    latest = f", {moment(build.max_deadline, UTC)} at the latest" if build.max_deadline else ""
    why = f"The backend stops it then{latest}."
    return _native("deadline", why, build.deadline, applies=True)


def _lives(workspace: FleetWorkspace, template: Template) -> list[Entry]:
    own, default = workspace.ttl, template.default_ttl
    counts = time_to_live(own, template)
    said = f"{span(own)} after each start" if own else "it has none"
    fixed = "" if template.allow_user_autostop else "; its template does not let it count"
    given = f"{span(default)} after each start" if default else "the template has none"
    taken = bool(default) and not template.allow_user_autostop
    use = "counts for all" if taken else "given to new workspaces only"
    return [
        _native(
            "time_to_live",
            f"Its own: {said}{fixed}.",
            applies=bool(own) and template.allow_user_autostop and counts is not None,
        ),
        _native("template_default", f"The template's: {given} ({use}).", applies=taken),
    ]


def _requirement(workspace: FleetWorkspace, template: Template, quiet: DailyTime | None) -> Entry:
    if not template.required_days:
        return _native("requirement", "The template requires no stops.")
    if quiet is None:
        why = (
            "The template requires stops, but quiet hours that place them are not offered or seen."
        )
        return _native("requirement", why)
    weeks = "" if template.required_weeks <= 1 else f", every {template.required_weeks} weeks"
    days = ", ".join(_DAYS[day] for day in sorted(template.required_days))
    latest = workspace.build.max_deadline if workspace.running else None
    why = f"The template requires a stop on {days}{weeks}, when quiet hours begin."
    return _native("requirement", why, latest, applies=latest is not None)


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _bump(workspace: FleetWorkspace, template: Template, at: datetime) -> Entry:
    build = workspace.build
    if not template.activity_bump:
        return _native("activity_bump", "Activity moves no deadline here.")
    if not workspace.running or build.deadline is None:
        return _native("activity_bump", "There is no deadline that activity could move.")
    now = Deadlines(build.deadline, build.max_deadline)
    moved = bumped(
        at,
        now,
        template.activity_bump,
        ttl=time_to_live(workspace.ttl, template),
        following=workspace.next_start_at,
    )
    if moved == build.deadline:
        return _native("activity_bump", "Activity now would not move its deadline.")
    why = f"Activity now would move its deadline to {moment(moved or build.deadline, UTC)}."
    return _native("activity_bump", why, moved, applies=True)


def _scheduled(workspace: FleetWorkspace, template: Template, seen: Observation) -> list[Entry]:
    """Tell what a template's licensed times do; without the licence Coder leaves them alone."""
    found = [*_sleep(workspace, template), _cleanup(workspace, template)]
    if seen.deployment.source("dormancy") is not Source.OURS:
        return found
    why = "Its template has a time for this, which needs a licence that is not there."
    return [
        replace(one, applies=False, at=None, why=why)
        if one.source != "deletion" and one.at
        else one
        for one in found
    ]


def _cleanup(workspace: FleetWorkspace, template: Template) -> Entry:
    if template.failure_ttl is None:
        return _native("failure_cleanup", "Failed builds are not cleaned up.")
    broken = workspace.on and not workspace.running
    since = workspace.on_since
    due = since + template.failure_ttl if broken and since else None
    why = f"What failed is stopped after {span(template.failure_ttl)}."
    return _native("failure_cleanup", why, due, applies=due is not None)


def _sleep(workspace: FleetWorkspace, template: Template) -> list[Entry]:
    unused, used = template.time_til_dormant, workspace.last_used_at
    awake = workspace.dormant_at is None
    due = used + unused if unused and used and awake else None
    why = f"Unused for {span(unused)}, it becomes dormant." if unused else "It never sleeps."
    gone = workspace.deleting_at
    deleted = "Dormant, it is deleted then." if gone else "Nothing deletes it."
    return [
        _native("dormancy", why, due, applies=due is not None),
        _native("deletion", deleted, gone, applies=gone is not None),
    ]


def _autostart(workspace: FleetWorkspace, observation: Observation) -> Entry:
    if not workspace.autostart:
        return _native("autostart", "It is not started by itself.")
    owner = observation.users.get(workspace.owner_id)
    if owner is not None and owner.status != "active":
        return _native("autostart", f"Its owner is {owner.status}: it is not started by itself.")
    following = workspace.next_start_at
    why = f"It is started by itself: {workspace.autostart}."
    return _native("autostart", why, following, applies=following is not None)


def _hours(workspace: FleetWorkspace, observation: Observation) -> QuietHours | None:
    user = observation.users.get(workspace.owner_id)
    own = user.quiet_hours if user else None
    return own or observation.default_quiet_hours


def _quiet(workspace: FleetWorkspace, observation: Observation) -> DailyTime | None:
    hours = _hours(workspace, observation)
    try:
        return parse_daily(hours.schedule) if hours else None
    except ValueError:
        return None


def _quiet_entry(workspace: FleetWorkspace, observation: Observation) -> Entry:
    hours = _hours(workspace, observation)
    if hours is None:
        return _native("quiet_hours", "The deployment offers no quiet hours, or none were seen.")
    whose = "its owner's own" if hours.user_set else "the deployment's default"
    why = f"They begin at {hours.schedule} ({whose}); alone they stop nothing."
    return _native("quiet_hours", why)


def _drift(workspace: FleetWorkspace, template: Template, quiet: DailyTime | None) -> str:
    """Say where the running build's latest moment is not what its settings give by now."""
    since, build = workspace.running_since, workspace.build
    if since is None or workspace.is_prebuild or (template.required_days and quiet is None):
        return ""
    try:
        expected = deadlines(
            since,
            workspace.ttl,
            template,
            next_start=next_start(workspace.autostart),
            quiet=quiet,
        )
    except (ValueError, ImportError):
        return ""
    if expected.deadline is None and build.deadline is not None:
        return "It has a deadline, although its settings give none: they changed since its start."
    if expected.deadline is not None and build.deadline is None:
        due = moment(expected.deadline, UTC)
        return f"It has no deadline, although its settings give {due}: they changed since."
    if not _same(expected.max_deadline, build.max_deadline):
        return "Its latest moment is not what its template's settings give now."
    return ""


def _same(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= _TOLERANCE


def _ours(verdict: Verdict, at: datetime, *, kept: bool) -> Entry:
    stops = _wants_stop(verdict)
    due = max(verdict.due or at, at) if stops else verdict.until
    why = f"{verdict.reason} But it is kept." if stops and kept else verdict.reason
    return Entry(f"policy:{verdict.policy}", Source.OURS, stops and not kept, due, why)


def _wants_stop(verdict: Verdict) -> bool:
    return verdict.wish in {Wish.STOP, Wish.SLEEP}
