"""Exclusions: who is left alone by every policy, why, and until when."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.reaching import covers, unnamed, wasted
from carrel.domain.governance.reading import Table
from carrel.domain.governance.saying import moment
from carrel.domain.governance.scopes import (
    KINDS,
    Names,
    Scope,
    any_of,
    applies,
    read_scope,
)
from carrel.domain.governance.verdicts import Decide, Finding, Policy, Situation, Verdict, Wish
from carrel.domain.governance.withholding import always, gap_in_groups, said, withheld
from carrel.domain.records import dataclass

_NAME = "exclusions"


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One exclusion.

    Attributes:
        scope: Who is excluded.
        reason: Why.
        until: When it expires; None: never.
        each: Any kind that fits is enough; else all kinds that are named must fit.
    """

    scope: Scope
    reason: str
    until: datetime | None = None
    each: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """`[policy.exclusions]`."""

    exclusions: tuple[Exclusion, ...]
    spare_prebuilds: bool
    zone: ZoneInfo


class Exclusions:
    """Keeps whoever is excluded. An exclusion that can't be judged keeps everybody."""

    name = _NAME
    summary = "Leaves alone who is named, until a day if one is given."
    needs = frozenset[str]()
    protects = True

    def read(self, table: Mapping[str, object]) -> Settings:
        """Read `[policy.exclusions]`."""
        top = Table(f"policy.{_NAME}", table)
        top.switch("enabled", default=True)
        zone = top.zone("timezone", ZoneInfo("UTC"))
        flat = Exclusion(read_scope(top), top.text("reason"), each=True)
        rules = tuple(_exclusion(one, zone) for one in top.tables("rule"))
        spare = top.switch("spare_prebuilds", default=True)
        top.done()
        return Settings((*(() if flat.scope.empty else (flat,)), *rules), spare, zone)

    def prepare(self, settings: object, situation: Situation) -> Decide:
        """Make the patterns ready; those that have expired are left out."""
        mine, observation = cast("Settings", settings), situation.observation
        live = [one for one in mine.exclusions if one.until is None or one.until > situation.at]
        gap = gap_in_groups(observation, (one.scope for one in live))
        if gap is not None:
            return always(withheld(_NAME, said(gap), protects=True))
        names = Names(observation)
        tests = [
            (
                (any_of if one.each else applies)(one.scope, observation, names=names),
                _verdict(one, mine.zone),
            )
            for one in live
        ]
        prebuilt = Verdict(
            _NAME, Wish.KEEP, "A prebuild waits in its pool; the backend looks after it.",
            category="prebuild",
        )  # fmt: skip
        free = Verdict(_NAME, Wish.NOTHING, "No exclusion is about it.")

        def decide(workspace: FleetWorkspace) -> Verdict:
            for test, verdict in tests:  # first: an emergency overrules what is only a prebuild
                if test(workspace):
                    return verdict
            return prebuilt if workspace.is_prebuild and mine.spare_prebuilds else free

        return decide

    def check(self, settings: object, observation: Observation | None) -> list[Finding]:
        """Find patterns that fit nothing, and exclusions that expired or add nothing."""
        mine = cast("Settings", settings)
        found = _idle(mine.exclusions)
        if observation is None:
            return found
        found += wasted(_NAME, unnamed(one.scope for one in mine.exclusions), observation)
        found += [
            Finding(
                _NAME,
                str(one.scope),
                "note",
                f"It expired on {moment(one.until, mine.zone)}.",
                "Take it away.",
            )
            for one in mine.exclusions
            if one.until is not None and one.until <= observation.at
        ]
        return found


def _idle(exclusions: tuple[Exclusion, ...]) -> list[Finding]:
    """Find exclusions that another one holds already, for as long."""
    return [
        Finding(_NAME, str(one.scope), "note", f"It adds nothing: {other.scope} is excluded"
                " already, for as long.", "Take it away.")
        for n, one in enumerate(exclusions)
        for other in exclusions[:n]
        if any(covers(scope, one.scope) for scope in _parts(other))
        and (other.until is None or (one.until is not None and one.until <= other.until))
    ]  # fmt: skip


def _parts(one: Exclusion) -> list[Scope]:
    if not one.each:
        return [one.scope]
    kinds = [kind for kind in KINDS if getattr(one.scope, kind)]
    return [Scope(**{kind: getattr(one.scope, kind)}) for kind in kinds]


def _exclusion(table: Table, zone: ZoneInfo) -> Exclusion:
    scope, reason, until = read_scope(table), table.text("reason"), table.moment("until", zone)
    table.done()
    if scope.empty:
        raise table.wrong("", "it names nobody", "given users, groups, templates or workspaces")
    return Exclusion(scope, reason, until)


def _verdict(one: Exclusion, zone: ZoneInfo) -> Verdict:
    until = f" until {moment(one.until, zone)}" if one.until else ""
    reason = f"Excluded{until} by {one.scope}" + (f": {one.reason}" if one.reason else ".")
    return Verdict(_NAME, Wish.KEEP, reason, one.until, "excluded")


POLICY: Policy = Exclusions()
