"""Time to live: who should have stopped, who will stop soon, whose time is against the rules."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.schedule import LONGEST_TTL, SHORTEST_EXTENSION, SHORTEST_TTL
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.reaching import lint_scopes
from carrel.domain.governance.reading import Table
from carrel.domain.governance.saying import moment, span
from carrel.domain.governance.scopes import Scope, applies, read_scope
from carrel.domain.governance.verdicts import Decide, Finding, Policy, Situation, Verdict, Wish
from carrel.domain.governance.withholding import always, gap_in_groups, said, withheld
from carrel.domain.records import dataclass
from carrel.errors import BadInputError, RefusedError

_NAME = "time_to_live"
OVERDUE, SOON, COMPLIANT, DRIFT, UNLIMITED = "overdue", "soon", "compliant", "drift", "unlimited"
_OFF = Verdict(_NAME, Wish.NOTHING, "It does not run.", category=COMPLIANT)


@dataclass(frozen=True, slots=True)
class Demand:
    """What is demanded of some workspaces' time to live.

    Attributes:
        scope: Of which.
        required: Those without any get this one; None: they may have none.
        longest: Those with more get this one; None: no limit.
    """

    scope: Scope
    required: timedelta | None = None
    longest: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """`[policy.time_to_live]`.

    Attributes:
        threshold: So near, a stop comes soon.
        tolerance: How late the backend may be before something should have stopped.
        stop_overdue: Whether what should have stopped is stopped, even if nobody forces it.
        demands: The first that fits counts.
        longest_extension: How far ahead of now a deadline may be moved.
    """

    threshold: timedelta
    tolerance: timedelta
    stop_overdue: bool
    demands: tuple[Demand, ...]
    longest_extension: timedelta

    def extension(self, workspace: FleetWorkspace, at: datetime, wanted: timedelta) -> datetime:
        """Return the deadline after an extension, counted from the present deadline.

        Raises:
            RefusedError: `extension_refused`: nothing to extend, too far, or too near.
        """
        build = workspace.build
        if not workspace.running or build.deadline is None:
            raise _refused(workspace, "it has no deadline that could be moved")
        deadline = max(build.deadline, at) + wanted
        if build.max_deadline is not None and deadline > build.max_deadline:
            latest = moment(build.max_deadline, UTC)
            raise _refused(workspace, f"the backend's latest moment for it is {latest}")
        if deadline > at + self.longest_extension:
            raise _refused(workspace, f"more than {span(self.longest_extension)} ahead")
        if deadline < at + SHORTEST_EXTENSION:
            raise _refused(workspace, f"less than {span(SHORTEST_EXTENSION)} ahead")
        return deadline

    def allowed(
        self, workspace: FleetWorkspace, observation: Observation, wanted: timedelta | None
    ) -> timedelta | None:
        """Return a time to live that somebody wants to set, if the policy allows it.

        Raises:
            BadInputError: `bad_ttl`: not what the backend takes.
            RefusedError: `ttl_refused`: not what the policy allows.
        """
        if wanted is not None and not SHORTEST_TTL <= wanted <= LONGEST_TTL:
            raise BadInputError(
                "bad_ttl",
                f"A time to live can't be {span(wanted)}.",
                cure=f"It may be {span(SHORTEST_TTL)} to {span(LONGEST_TTL)}.",
            )
        fits = (one for one in self.demands if applies(one.scope, observation)(workspace))
        demand = next(fits, Demand(Scope()))
        if wanted is None and demand.required is not None:
            raise _against(workspace, f"one is required ({span(demand.required)})")
        if wanted is not None and demand.longest is not None and wanted > demand.longest:
            raise _against(workspace, f"the longest allowed is {span(demand.longest)}")
        return wanted


class TimeToLive:
    """Reports times to live, corrects those against the rules, stops overdue ones if told to."""

    name = _NAME
    summary = "Finds what should have stopped, and corrects times to live against the rules."
    needs = frozenset({"workspaces"})
    protects = False
    use_only_spares = True

    def read(self, table: Mapping[str, object]) -> Settings:
        """Read `[policy.time_to_live]`."""
        top = Table(f"policy.{_NAME}", table)
        top.switch("enabled", default=True)
        demands = [_demand(one) for one in top.tables("rule")]
        last = Demand(Scope(), *_limits(top))
        if last.required or last.longest:
            demands.append(last)
        found = Settings(
            threshold=top.minutes("threshold_minutes", 60),
            tolerance=top.minutes("tolerance_minutes", 15),
            stop_overdue=top.switch("stop_overdue", default=False),
            demands=tuple(demands),
            longest_extension=top.hours("max_extension_hours", 12),
        )
        top.done()
        return found

    def prepare(self, settings: object, situation: Situation) -> Decide:
        """Make the demands' patterns ready."""
        mine, observation = cast("Settings", settings), situation.observation
        gap = gap_in_groups(observation, (one.scope for one in mine.demands))
        if gap is not None:
            return always(withheld(_NAME, said(gap)))
        drift = _Drift(mine, situation)
        locked = {key for key, one in observation.templates.items() if not one.allow_user_autostop}

        def decide(workspace: FleetWorkspace) -> Verdict:
            clock = _clock(workspace, mine, situation)
            fixed = workspace.template_id in locked or workspace.is_prebuild
            found = None if fixed else drift.of(workspace)
            if found is not None and clock.wish is Wish.STOP:
                return replace(clock, reason=f"{clock.reason} {found.reason}", ttl=found.ttl)
            return found or clock

        return decide

    def check(self, settings: object, observation: Observation | None) -> list[Finding]:
        """Find demands that no workspace can meet, or that the backend can't keep."""
        mine = cast("Settings", settings)
        found = [
            Finding(_NAME, str(one.scope), "error", "The required time is longer than the longest.",
                    "Make required_hours at most max_hours.")
            for one in mine.demands
            if one.required and one.longest and one.required > one.longest
        ]  # fmt: skip
        scopes = [one.scope for one in mine.demands]
        found += lint_scopes(_NAME, scopes, observation)
        found += [
            Finding(_NAME, str(one.scope), "note", "Who has no time to live is left alone: only"
                    f" more than {span(one.longest)} is corrected.",
                    "Set required_hours, too, if that is not meant.")
            for one in mine.demands if one.longest and not one.required
        ]  # fmt: skip
        locked = [one for one in (observation.templates.values() if observation else ())
                  if not one.allow_user_autostop]  # fmt: skip
        found += [
            Finding(_NAME, one.name, "note",
                    f"Template {one.name!r} sets the time to live itself: nothing is corrected.")
            for one in locked if mine.demands
        ]  # fmt: skip
        return found


def _limits(table: Table) -> tuple[timedelta | None, timedelta | None]:
    limits = table.hours_or_none("required_hours"), table.hours_or_none("max_hours")
    for key, limit in zip(("required_hours", "max_hours"), limits, strict=True):
        if limit is not None and not SHORTEST_TTL <= limit <= LONGEST_TTL:
            raise table.wrong(key, "the backend takes 1 minute to 30 days", "up to 720")
    return limits


def _demand(table: Table) -> Demand:
    found = Demand(read_scope(table), *_limits(table))
    table.done()
    if found.required is None and found.longest is None:
        raise table.wrong("", "it demands nothing", "given required_hours or max_hours")
    return found


class _Drift:
    """Finds times to live against the rules; the same case is worded once."""

    def __init__(self, mine: Settings, situation: Situation) -> None:
        observation = situation.observation
        self._demands = [(applies(one.scope, observation), one) for one in mine.demands]
        self._known: dict[tuple[int, timedelta | None], Verdict | None] = {}

    def of(self, workspace: FleetWorkspace) -> Verdict | None:
        for fits, demand in self._demands:
            if fits(workspace):
                key = (id(demand), workspace.ttl)
                if key not in self._known:
                    self._known[key] = _drift(workspace.ttl or None, demand)
                return self._known[key]
        return None


def _drift(ttl: timedelta | None, demand: Demand) -> Verdict | None:
    if ttl is None and demand.required is not None:
        why = f"It has no time to live; {span(demand.required)} is required."
        return Verdict(_NAME, Wish.CORRECT, why, category=DRIFT, ttl=demand.required)
    if ttl is not None and demand.longest is not None and ttl > demand.longest:
        why = f"Its time to live is {span(ttl)}; the longest allowed is {span(demand.longest)}."
        return Verdict(_NAME, Wish.CORRECT, why, category=DRIFT, ttl=demand.longest)
    return None


def _clock(workspace: FleetWorkspace, mine: Settings, situation: Situation) -> Verdict:
    if not workspace.running:
        return _OFF
    deadline, at = workspace.build.deadline, situation.at
    if deadline is None:
        return _UNLIMITED
    late = deadline + mine.tolerance
    if late <= at:
        why = f"It should have stopped at {moment(deadline, UTC)}."
        if situation.force or mine.stop_overdue:
            return Verdict(_NAME, Wish.STOP, why, category=OVERDUE, due=late)
        return Verdict(_NAME, Wish.NOTHING, why, category=OVERDUE)
    soon = deadline - mine.threshold
    if soon <= at:
        said_at = moment(deadline, UTC)
        return Verdict(_NAME, Wish.NOTHING, f"It will stop at {said_at}.", late, SOON)
    return Verdict(_NAME, Wish.NOTHING, "It stops by itself, in time.", soon, COMPLIANT)


_UNLIMITED = Verdict(_NAME, Wish.NOTHING, "It never stops by itself.", category=UNLIMITED)


def _refused(workspace: FleetWorkspace, why: str) -> RefusedError:
    return RefusedError(
        "extension_refused",
        f"The deadline of {workspace.full_name} is not moved: {why}.",
        cure="Ask for another time; `carrel autostop timeline` shows what applies.",
    )


def _against(workspace: FleetWorkspace, why: str) -> RefusedError:
    return RefusedError(
        "ttl_refused",
        f"The time to live of {workspace.full_name} is not set: {why}.",
        cure="Ask for another time, or change [policy.time_to_live].",
    )


POLICY: Policy = TimeToLive()
