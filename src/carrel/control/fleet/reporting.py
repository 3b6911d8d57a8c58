"""Reports: what one needs is read, what was asked for is chosen, and pure rows are made of it."""

from collections.abc import Callable
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta

from carrel.control.fleet import choosing, gathering, observing
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.reports import (
    activity,
    audit,
    compliance,
    connections,
    cost,
    deleted,
    dormant,
    last_seen,
    listing,
    organizations,
    outdated,
    sessions,
)
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.reports.report import Note, Report
from carrel.domain.governance.scopes import Names, Scope, applies, unmatched
from carrel.domain.records import dataclass
from carrel.errors import BadInputError

_BEFORE = timedelta(days=7)
"""So far back a report looks when nothing is said."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one report is made.

    Attributes:
        make: Makes it.
        needs: What it is made from, besides an observation.
        dated: It is about a time, not a moment.
        by_month: That time is the present month when nothing is said.
    """

    make: Callable[[Ground], Report]
    needs: tuple[str, ...] = ()
    dated: bool = False
    by_month: bool = False


KINDS = {
    "ls": _Kind(listing.make),
    "audit": _Kind(audit.make),
    "activity": _Kind(activity.make, ("connections", "usage"), dated=True),
    "last-seen": _Kind(last_seen.make),
    "connections": _Kind(connections.make, ("connections",), dated=True),
    "sessions": _Kind(sessions.make, ("connections",), dated=True),
    "cost": _Kind(cost.make, ("audit", "deleted", "prices"), dated=True, by_month=True),
    "outdated": _Kind(outdated.make),
    "deleted": _Kind(deleted.make, ("deleted",), dated=True),
    "dormant": _Kind(dormant.make),
    "organizations": _Kind(organizations.make),
    "compliance": _Kind(compliance.make, ("standing",)),
}
"""Every report, by its name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants of a report.

    Attributes:
        scope: Of which workspaces and users.
        everything: What is usually left out, too.
        since: Begin of the time; None: as the report has it.
        until: Its end; None: now.
        local: Puts a moment on the reader's wall clock.
    """

    scope: Scope = field(default_factory=Scope)
    everything: bool = False
    since: datetime | None = None
    until: datetime | None = None
    local: Callable[[datetime], datetime] = lambda at: at.astimezone(UTC)


def report(ctx: FleetContext, name: str, asked: Asked) -> Report:
    """Make one report.

    Args:
        ctx: The fleet.
        name: One of `KINDS`.
        asked: What is wanted of it.

    Raises:
        BadInputError: `bad_time_span`.
    """
    kind = KINDS[name]
    seen = observing.recent(ctx)
    ground = _ground(ctx, seen, asked, kind)
    for need in kind.needs:
        ground = gathering.NEEDS[need](ctx, ground, asked.scope)
    made = kind.make(ground)
    return made if asked.scope.empty else replace(made, scope=str(asked.scope))


def _ground(ctx: FleetContext, seen: Observation, asked: Asked, kind: _Kind) -> Ground:
    names = Names(seen)
    fits = applies(asked.scope, seen, names=names)
    chosen = tuple(one for one in seen.workspaces if fits(one))
    now = ctx.now()
    since, until = _span(asked, kind, now) if kind.dated else (None, None)
    return Ground(
        at=now,
        observation=seen,
        workspaces=chosen,
        users=choosing.users(asked.scope, seen, chosen),
        whole=asked.scope.empty,
        everything=asked.everything,
        since=since,
        until=until,
        local=asked.local,
        notes=(*_gaps(seen), *_strange(asked.scope, names, seen)),
    )


def _span(asked: Asked, kind: _Kind, now: datetime) -> tuple[datetime, datetime]:
    until = min(asked.until or now, now)
    since = asked.since
    if since is None:
        here = asked.local(until)
        month = here.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        since = month.astimezone(UTC) if kind.by_month else until - _BEFORE
    if since >= until:
        raise BadInputError(
            "bad_time_span",
            "There is no time to report on: it begins when it has ended already.",
            why=f"From {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC.",
            cure="Give --since a moment that lies before --until, and before now.",
        )
    return since, until


def _gaps(seen: Observation) -> list[Note]:
    return [Note(f"Not everything was seen ({gap.what}): {gap.why}", gap.cure) for gap in seen.gaps]


def _strange(scope: Scope, names: Names, seen: Observation) -> list[Note]:
    if scope.empty:
        return []
    lost = unmatched(scope, names.everything(seen))
    return [Note(f"Nothing fits what was asked for: {one}.", "Look for a typing error.")
            for one in lost]  # fmt: skip
