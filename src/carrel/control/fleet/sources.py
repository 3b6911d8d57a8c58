"""What will stop workspaces by itself, and when: every source, of one workspace or of all."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from carrel.control.fleet import deciding, observing
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.verdicts import Wish
from carrel.domain.records import dataclass
from carrel.planning.deciding import decide, prepare
from carrel.planning.foreseeing import first_stops
from carrel.planning.timeline import Entry, Timeline, timeline


@dataclass(frozen=True, slots=True)
class Sourced:
    """What stops one workspace.

    Attributes:
        workspace: Which.
        timeline: Every source, and when.
        kept: Why no policy of ours stops it now although one would; empty: it is not kept, or
            none would.
    """

    workspace: FleetWorkspace
    timeline: Timeline
    kept: str = ""

    @property
    def first(self) -> Entry | None:
        """What stops it first; None: nothing does."""
        return self.timeline.stopped_by


@dataclass(frozen=True, slots=True)
class Sources:
    """What stops the workspaces of a fleet, as things stand at a moment.

    Attributes:
        at: When.
        every: Each workspace that was asked for, the first one to be stopped first.
        prebuilt: How many wait in pools, and are left out.
        gaps: What could not be seen.
    """

    at: datetime
    every: tuple[Sourced, ...]
    gaps: tuple[str, ...]
    prebuilt: int = 0

    @property
    def stopping(self) -> tuple[Sourced, ...]:
        """Those that something will stop, in the order of time."""
        return tuple(one for one in self.every if one.timeline.stops_at is not None)

    def coming(self, within: timedelta | None) -> tuple[Sourced, ...]:
        """Return those that are stopped within a span from now; None: ever."""
        last = None if within is None else self.at + within
        return tuple(
            one
            for one in self.stopping
            if last is None or (one.timeline.stops_at is not None and one.timeline.stops_at <= last)
        )


AHEAD = timedelta(days=1)
"""So far ahead it is foreseen what our own policies will do."""


def of_fleet(ctx: FleetContext, *, user: str | None = None, ahead: timedelta = AHEAD) -> Sources:
    """Gather what will stop each running workspace.

    Args:
        ctx: The fleet.
        user: Only this user's workspaces.
        ahead: How far ahead it is foreseen what our own policies will do.

    Raises:
        NotFoundError: `unknown_fleet_user`.
    """
    seen = observing.observe(ctx)
    if user is not None:
        observing.known_user(seen, user)
    near = [one for one in seen.workspaces if one.on and (user is None or one.owned_by(user))]
    claimed = [one for one in near if not one.is_prebuild]
    return replace(_gathered(ctx, seen, claimed, ahead), prebuilt=len(near) - len(claimed))


def of_one(ctx: FleetContext, name: str, *, ahead: timedelta = AHEAD) -> Sources:
    """Gather what will stop one workspace; cheap in a fleet of any size.

    Raises:
        NotFoundError: `unknown_fleet_workspace`.
        BadInputError: `ambiguous_workspace`.
    """
    seen = observing.look(ctx, name)
    return _gathered(ctx, seen, seen.workspaces, ahead)


def _gathered(
    ctx: FleetContext, seen: Observation, wanted: Sequence[FleetWorkspace], ahead: timedelta
) -> Sources:
    situation = deciding.situation(ctx, seen)
    at = situation.at
    coming = first_stops(ctx.policies, situation, wanted, ahead)
    every = [
        Sourced(
            one.workspace,
            timeline(one.workspace, seen, at, one, coming.get(one.workspace.workspace_id)),
            one.winner.reason if one.winner and one.wish is Wish.KEEP and one.overruled else "",
        )
        for one in decide(prepare(ctx.policies, situation), wanted)
    ]
    every.sort(key=_order)
    return Sources(at, tuple(every), tuple(gap.told for gap in seen.gaps))


def _order(one: Sourced) -> tuple[datetime, str]:
    return one.timeline.stops_at or _NEVER, one.workspace.full_name


_NEVER = datetime.max.replace(tzinfo=UTC)
