"""Dormancy: what nobody used for long sleeps, and what slept for long may be deleted, later."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

from carrel.domain.fleet.deployment import Source
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.reaching import lint_scopes
from carrel.domain.governance.reading import Table
from carrel.domain.governance.saying import moment, span
from carrel.domain.governance.scopes import Applies, Names, Scope, any_of, applies, read_scope
from carrel.domain.governance.verdicts import Decide, Finding, Policy, Situation, Verdict, Wish
from carrel.domain.governance.withholding import always, gap_in_groups, said, withheld
from carrel.domain.records import dataclass

_NAME = "dormancy"
FEATURE = "dormancy"
"""The feature of a deployment that makes workspaces dormant by itself."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How long some workspaces may be unused.

    Attributes:
        scope: Which.
        unused: Unused for so long, it sleeps; None: never.
        dormant: Dormant for so long, it may be deleted; None: never.
    """

    scope: Scope
    unused: timedelta | None
    dormant: timedelta | None


@dataclass(frozen=True, slots=True)
class Settings:
    """`[policy.dormancy]`.

    Attributes:
        limits: The first that fits counts.
        excluded: Who is left alone by this policy.
        leave_native: Whether templates are left to the backend where it does the same.
    """

    limits: tuple[Limit, ...]
    excluded: Scope
    leave_native: bool


class Dormancy:
    """Wants the unused to sleep, and the long dormant to be deleted by a plan of their own."""

    name = _NAME
    summary = "Puts to sleep what nobody used for long; names what may be deleted."
    needs = frozenset({"workspaces", "templates"})
    protects = False
    use_only_spares = True

    def read(self, table: Mapping[str, object]) -> Settings:
        """Read `[policy.dormancy]`."""
        top = Table(f"policy.{_NAME}", table)
        top.switch("enabled", default=True)
        limits = [_limit(one) for one in top.tables("rule")]
        last = Limit(Scope(), *_days(top))
        if last.unused or last.dormant:
            limits.append(last)
        excluded = read_scope(top, "excluded_")
        found = Settings(tuple(limits), excluded, top.switch("leave_native", default=True))
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
        native = _native(mine, observation)
        at = situation.at

        def decide(workspace: FleetWorkspace) -> Verdict:
            if workspace.is_prebuild:
                return _POOL
            if spared(workspace):
                return _EXCLUDED
            return _judge(workspace, limits, native, at)

        return decide

    def check(self, settings: object, observation: Observation | None) -> list[Finding]:
        """Find limits that are never reached, and templates that the backend looks after."""
        mine = cast("Settings", settings)
        scopes = [one.scope for one in mine.limits]
        found = lint_scopes(_NAME, scopes, observation)
        for template_id in sorted(_native(mine, observation)) if observation else ():
            name = observation.templates[template_id].name if observation else template_id
            why = f"Template {name!r} is left to the backend, which makes it dormant itself."
            found.append(Finding(_NAME, name, "note", why))
        return found


_POOL = Verdict(_NAME, Wish.NOTHING, "A prebuild waits in its pool.", category="prebuild")
_EXCLUDED = Verdict(_NAME, Wish.NOTHING, "Excluded from dormancy.", category="excluded")
_FREE = Verdict(_NAME, Wish.NOTHING, "No limit is set for it.")
_NATIVE = Verdict(_NAME, Wish.NOTHING, "The backend makes it dormant by itself.", category="native")


def _days(table: Table) -> tuple[timedelta | None, timedelta | None]:
    found: list[timedelta | None] = []
    for key in ("unused_days", "delete_after_days"):
        days = table.number(key, 0)
        if key in table.content and not days:
            raise table.wrong(key, "0 days would mean everything, at once", "above 0")
        found.append(timedelta(days=days) if days else None)
    return found[0], found[1]


def _limit(table: Table) -> Limit:
    found = Limit(read_scope(table), *_days(table))
    table.done()
    if found.unused is None and found.dormant is None:
        raise table.wrong("", "it limits nothing", "given unused_days or delete_after_days")
    return found


def _native(mine: Settings, observation: Observation) -> frozenset[str]:
    if not mine.leave_native or observation.deployment.source(FEATURE) is not Source.NATIVE:
        return frozenset()
    return frozenset(key for key, one in observation.templates.items() if one.time_til_dormant)


def _judge(
    workspace: FleetWorkspace,
    limits: list[tuple[Applies, Limit]],
    native: frozenset[str],
    at: datetime,
) -> Verdict:
    limit = None
    for fits, one in limits:
        if fits(workspace):
            limit = one
            break
    if limit is None:
        return _FREE
    if workspace.dormant_at is not None:
        return _asleep(workspace, workspace.dormant_at, limit, at)
    if workspace.template_id in native:
        return _NATIVE
    return _awake(workspace, limit, at)


def _asleep(workspace: FleetWorkspace, since: datetime, limit: Limit, at: datetime) -> Verdict:
    if workspace.deleting_at is not None:
        why = f"The backend itself deletes it at {moment(workspace.deleting_at, UTC)}."
        return Verdict(_NAME, Wish.NOTHING, why, workspace.deleting_at, "native")
    if limit.dormant is None:
        return Verdict(_NAME, Wish.NOTHING, "It is dormant, and stays.", category="dormant")
    due = since + limit.dormant
    if due > at:
        why = f"Dormant since {moment(since, UTC)}; deletable after {span(limit.dormant)}."
        return Verdict(_NAME, Wish.NOTHING, why, due, "dormant")
    why = f"Dormant since {moment(since, UTC)}, for longer than {span(limit.dormant)}."
    return Verdict(_NAME, Wish.DELETE, why, category="deletable", due=due)


def _awake(workspace: FleetWorkspace, limit: Limit, at: datetime) -> Verdict:
    if limit.unused is None:
        return _FREE
    if workspace.activity.work.active:
        return Verdict(_NAME, Wish.NOTHING, f"In use: {workspace.activity.why}", category="used")
    if workspace.last_used_at is None:
        return withheld(_NAME, "when it was used last is not known.")
    # The clock that the backend's own dormancy goes by; a start by itself is no use.
    used = max(workspace.last_used_at, workspace.created_at)
    due = used + limit.unused
    if due > at:
        return Verdict(_NAME, Wish.NOTHING, "It was used not too long ago.", due, "used")
    why = f"Unused since {moment(used, UTC)}, for longer than {span(limit.unused)}."
    return Verdict(_NAME, Wish.SLEEP, why, category="unused", due=due)


POLICY: Policy = Dormancy()
