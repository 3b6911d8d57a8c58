"""Autostop: stops of our own for what is idle or runs too long, and what the backend forgot."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.reaching import lint_scopes
from carrel.domain.governance.reading import Table
from carrel.domain.governance.saying import moment, span
from carrel.domain.governance.scopes import Applies, Names, Scope, any_of, applies, read_scope
from carrel.domain.governance.verdicts import Decide, Finding, Policy, Situation, Verdict, Wish
from carrel.domain.governance.withholding import always, gap_in_groups, said, withheld
from carrel.domain.records import dataclass

_NAME = "autostop"
_OFF = Verdict(_NAME, Wish.NOTHING, "It does not run.", category="off")


@dataclass(frozen=True, slots=True)
class Limit:
    """How long some workspaces may be idle or run.

    Attributes:
        scope: Which.
        idle: Stopped when idle for so long; None: not for that.
        longest: Stopped when it has run for so long, whoever is connected; None: not for that.
    """

    scope: Scope
    idle: timedelta | None
    longest: timedelta | None


@dataclass(frozen=True, slots=True)
class Settings:
    """`[policy.autostop]`.

    Attributes:
        tolerance: How late the backend's own stop may be before we do it; None: never.
        warn: How long before a stop for running too long its owner is warned.
        limits: The first that fits counts.
        excluded: Who is left alone by this policy.
    """

    tolerance: timedelta | None
    warn: timedelta
    limits: tuple[Limit, ...]
    excluded: Scope


class Autostop:
    """Stops by idleness and by length, and does late stops of the backend."""

    name = _NAME
    summary = "Stops what is idle or runs too long, and what the backend should have stopped."
    needs = frozenset({"workspaces"})
    protects = False
    use_only_spares = True

    def read(self, table: Mapping[str, object]) -> Settings:
        """Read `[policy.autostop]`."""
        top = Table(f"policy.{_NAME}", table)
        top.switch("enabled", default=True)
        limits = [_limit(one) for one in top.tables("rule")]
        last = Limit(Scope(), top.hours_or_none("idle_hours"), top.hours_or_none("max_hours"))
        if last.idle or last.longest:
            limits.append(last)
        late = top.minutes("late_minutes", 30)
        found = Settings(
            late if top.switch("stop_late", default=True) else None,
            top.minutes("warn_minutes", 30),
            tuple(limits),
            read_scope(top, "excluded_"),
        )
        top.done()
        return found

    def prepare(self, settings: object, situation: Situation) -> Decide:
        """Make the patterns ready."""
        mine, observation = cast("Settings", settings), situation.observation
        gap = gap_in_groups(observation, (mine.excluded, *(one.scope for one in mine.limits)))
        if gap is not None:
            return always(withheld(_NAME, said(gap)))
        names = Names(observation)
        limits = [(applies(one.scope, observation, names=names), one) for one in mine.limits]
        spared = any_of(mine.excluded, observation, names=names)
        excluded = Verdict(_NAME, Wish.NOTHING, f"Excluded: {mine.excluded}.", category="excluded")
        blind = observation.lacks("connections")
        at = situation.at

        def decide(workspace: FleetWorkspace) -> Verdict:
            if not workspace.running:
                return _OFF
            if spared(workspace):
                return excluded
            return _late(workspace, mine, at) or _limited(workspace, mine, limits, at, bool(blind))

        return decide

    def check(self, settings: object, observation: Observation | None) -> list[Finding]:
        """Find limits that are never reached."""
        mine = cast("Settings", settings)
        scopes = [one.scope for one in mine.limits]
        return lint_scopes(_NAME, scopes, observation)


def _limit(table: Table) -> Limit:
    idle, longest = table.hours_or_none("idle_hours"), table.hours_or_none("max_hours")
    found = Limit(read_scope(table), idle, longest)
    table.done()
    if found.idle is None and found.longest is None:
        raise table.wrong("", "it limits nothing", "given idle_hours or max_hours")
    return found


def _late(workspace: FleetWorkspace, mine: Settings, at: datetime) -> Verdict | None:
    deadline = workspace.build.deadline
    if mine.tolerance is None or deadline is None or at < deadline + mine.tolerance:
        return None
    if workspace.activity.work.active and workspace.build.max_deadline != deadline:
        return None  # activity may yet move the deadline: the backend has not caught up
    why = (
        f"The backend should have stopped it {span(at - deadline)} ago and did not;"
        " it may have no provisioner for it."
    )
    return Verdict(_NAME, Wish.STOP, why, category="late", due=deadline + mine.tolerance)


def _limited(
    workspace: FleetWorkspace,
    mine: Settings,
    limits: list[tuple[Applies, Limit]],
    at: datetime,
    blind: bool,  # noqa: FBT001 - one of the facts
) -> Verdict:
    limit = None
    for fits, one in limits:
        if fits(workspace):
            limit = one
            break
    since = workspace.running_since
    late = _late_at(workspace, mine, at)
    if limit is None or since is None:
        return _backend(workspace, late)
    if limit.longest is not None and since + limit.longest - mine.warn <= at:
        due = since + limit.longest
        why = f"It runs since {moment(since, UTC)}; {span(limit.longest)} is the longest allowed."
        until = _earliest(due if due > at else None, late)
        warn_from = due - mine.warn
        return Verdict(_NAME, Wish.STOP, why, until, "too_long", due=due, warn_from=warn_from)
    warned = None if limit.longest is None else since + limit.longest - mine.warn
    change = _earliest(warned, late)
    if limit.idle is not None:
        idle = _idle(workspace, limit.idle, at, change, blind=blind)
        if idle is not None:
            return idle
    if warned is not None:
        return Verdict(_NAME, Wish.NOTHING, _SHORT, change, "within")
    return _backend(workspace, late)


def _idle(
    workspace: FleetWorkspace,
    limit: timedelta,
    at: datetime,
    change: datetime | None,
    *,
    blind: bool,
) -> Verdict | None:
    activity, running = workspace.activity, workspace.running_since
    if activity.work.active:
        return None
    if blind and workspace.last_used_at is None:
        return withheld(_NAME, "connections could not be seen, and no last use is known.")
    since = _latest(activity.since, running, workspace.last_used_at)
    if since is None:
        return withheld(_NAME, "since when it is idle is not known.")
    due = since + limit
    if due > at:
        return Verdict(_NAME, Wish.NOTHING, _WAITING, _earliest(due, change), "idle")
    why = f"Idle since {moment(since, UTC)}, for longer than {span(limit)}."
    return Verdict(_NAME, Wish.STOP, why, change, category="idle", due=due)


def _late_at(workspace: FleetWorkspace, mine: Settings, at: datetime) -> datetime | None:
    """Return when the backend will be late, if that is still to come."""
    deadline = workspace.build.deadline
    if mine.tolerance is None or deadline is None:
        return None
    late = deadline + mine.tolerance
    return late if late > at else None


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return one if other is None or (one is not None and one <= other) else other


def _latest(*moments: datetime | None) -> datetime | None:
    found = None
    for at in moments:
        if at is not None and (found is None or at > found):
            found = at
    return found


# When they change is in `until`: a text of its own for each would cost more than the judging.
_WAITING = "Idle, but not for so long that it is stopped."
_SHORT = "It does not run for too long yet."
_NEVER = Verdict(_NAME, Wish.NOTHING, "No limit is set, and the backend never stops it.")


def _backend(workspace: FleetWorkspace, late: datetime | None) -> Verdict:
    if workspace.build.deadline is None:
        return _NEVER
    return Verdict(_NAME, Wish.NOTHING, "The backend will stop it by itself.", late, "native")


POLICY: Policy = Autostop()
