"""Times to live as a person asks for them: who should have stopped, and who will soon."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from carrel.control.fleet import deciding, observing
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.verdicts import Verdict
from carrel.domain.records import dataclass
from carrel.planning.deciding import Configured, decide, prepare

POLICY = "time_to_live"
OVERDUE = "overdue"
GOOD = frozenset({"compliant", "soon"})
"""Standings that are as they should be."""


class _Settings(Protocol):
    """The settings of the policy, as far as they say what is soon."""

    @property
    def threshold(self) -> timedelta: ...


@dataclass(frozen=True, slots=True)
class Living:
    """How a running workspace stands with its time to live.

    Attributes:
        workspace: Which.
        standing: `overdue`, `drift`, `unlimited`, `soon`, `compliant` or `withheld`.
        reason: A sentence.
        left: Until it stops by itself; negative: since it should have; None: it never does.
    """

    workspace: FleetWorkspace
    standing: str
    reason: str
    left: timedelta | None


@dataclass(frozen=True, slots=True)
class Compliance:
    """How a fleet keeps to its times to live, at a moment.

    Attributes:
        at: When.
        threshold: So near, a stop comes soon.
        every: Each running workspace, the most urgent first.
        organizations: Those that were looked at.
        left_out: How many run in other organizations.
        gaps: What could not be seen.
    """

    at: datetime
    threshold: timedelta
    every: tuple[Living, ...]
    organizations: tuple[str, ...]
    left_out: int
    gaps: tuple[str, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many stand how."""
        found = Counter(one.standing for one in self.every)
        return {name: found[name] for name in _ORDER}

    @property
    def late(self) -> tuple[Living, ...]:
        """What should have stopped."""
        return tuple(one for one in self.every if one.standing == OVERDUE)

    @property
    def soon(self) -> tuple[Living, ...]:
        """What will stop within the threshold, however else it stands."""
        return tuple(
            one
            for one in self.every
            if one.standing != OVERDUE and one.left is not None and one.left <= self.threshold
        )

    @property
    def good(self) -> int:
        """How many are as they should be."""
        return sum(one.standing in GOOD for one in self.every)

    @property
    def percent(self) -> float | None:
        """How many of a hundred that is; None: nothing runs."""
        return round(100 * self.good / len(self.every), 1) if self.every else None


_ORDER = (OVERDUE, "drift", "withheld", "soon", "unlimited", "compliant")


def compliance(
    ctx: FleetContext,
    *,
    user: str | None = None,
    threshold: timedelta | None = None,
    everywhere: bool = False,
) -> Compliance:
    """Look at the fleet, and say how what runs stands with its time to live.

    Args:
        ctx: The fleet.
        user: Only this user's workspaces, in all organizations.
        threshold: So near, a stop comes soon; None: as the settings say.
        everywhere: Also organizations that the token's user is no member of.

    Raises:
        NotFoundError: `unknown_fleet_user`.
    """
    seen = observing.observe(ctx)
    if user is not None:
        observing.known_user(seen, user)
    at, rules = ctx.now(), _rules(ctx, threshold)
    running = [
        one
        for one in seen.workspaces
        if one.running and not one.is_prebuild and (user is None or one.owned_by(user))
    ]
    places = None if everywhere or user is not None else _memberships(seen)
    near = [one for one in running if places is None or one.organization_id in places]
    # Forced: then what should have stopped is told even where its time is against the rules, too.
    ready = prepare((rules,), deciding.situation(ctx, seen, at=at, force=True))
    every = [_living(one.workspace, one.verdicts[0], at) for one in decide(ready, near)]
    every.sort(key=_urgency)
    return Compliance(
        at=at,
        threshold=cast("_Settings", rules.settings).threshold,
        every=tuple(every),
        organizations=tuple(
            sorted(
                one.name
                for one in seen.organizations.values()
                if places is None or one.organization_id in places
            )
        ),
        left_out=len(running) - len(near),
        gaps=tuple(gap.told for gap in seen.gaps),
    )


def _rules(ctx: FleetContext, threshold: timedelta | None) -> Configured:
    found = ctx.configured(POLICY) or ctx.compliance
    if found is None:
        raise LookupError(POLICY)
    if threshold is None:
        return found
    settings = cast("Any", found.settings)
    return replace(found, settings=replace(settings, threshold=threshold))


def _memberships(seen: Observation) -> frozenset[str] | None:
    """Return the organizations of the token's user; None: nobody knows.

    In each organization, the group of everybody has the id of the organization.
    """
    own = next(
        (one.groups for one in seen.users.values() if one.username == seen.deployment.user),
        frozenset[str](),
    )
    return own & frozenset(seen.organizations) or None


def _living(workspace: FleetWorkspace, verdict: Verdict, at: datetime) -> Living:
    deadline = workspace.build.deadline
    left = None if deadline is None else deadline - at
    return Living(workspace, verdict.category, verdict.reason, left)


def _urgency(one: Living) -> tuple[int, timedelta, str]:
    rank = _ORDER.index(one.standing) if one.standing in _ORDER else len(_ORDER)
    return rank, one.left if one.left is not None else timedelta.max, one.workspace.full_name
