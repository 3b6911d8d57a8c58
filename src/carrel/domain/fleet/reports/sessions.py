"""Sessions as `last` shows them: connections that belong together, from first to last."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from carrel.domain.fleet.history import Connection
from carrel.domain.fleet.reports import naming
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.reports.report import Chart, Fact, Field, Kind, Report
from carrel.domain.records import dataclass

PAUSE = timedelta(minutes=10)
"""Connections of one person to one workspace that lie no further apart are one session."""

FIELDS = (
    Field("user", "User", Kind.NAME),
    Field("workspace", "Workspace"),
    Field("kind", "By"),
    Field("began_at", "From", Kind.MOMENT),
    Field("ended_at", "To", Kind.MOMENT, "still open"),
    Field("lasted", "For", Kind.SPAN),
    Field("connections", "Connections", Kind.COUNT, detail=True),
    Field("owner", "Owner", detail=True),
    Field("workspace_id", "Id", detail=True),
)


@dataclass(frozen=True, slots=True)
class Session:
    """Connections that belong together.

    Attributes:
        user: Whose; the owner's where the backend does not say who connected.
        workspace_id: To which workspace.
        workspace: `owner/name`.
        owner: Its owner.
        kind: Such as `ssh`.
        began_at: When the first began.
        ended_at: When the last ended; None: it is open.
        connections: How many.
    """

    user: str
    workspace_id: str
    workspace: str
    owner: str
    kind: str
    began_at: datetime
    ended_at: datetime | None
    connections: int = 1


def joined(connections: Iterable[Connection]) -> list[Session]:
    """Join connections to sessions, the newest first. A build that starts is no session."""
    open_ones: dict[tuple[str, str, str], Session] = {}
    found: list[Session] = []
    for one in sorted(connections, key=lambda each: each.connected_at):
        who = one.user or one.owner
        key = (who, one.workspace_id, one.kind)
        before = open_ones.get(key)
        if before is not None and _belongs(before, one):
            open_ones[key] = _longer(before, one)
            continue
        if before is not None:
            found.append(before)
        name = f"{one.owner}/{one.workspace}"
        open_ones[key] = Session(who, one.workspace_id, name, one.owner, one.kind,
                                 one.connected_at, one.disconnected_at)  # fmt: skip
    found += open_ones.values()
    return sorted(found, key=lambda one: (one.began_at, one.workspace), reverse=True)


def make(ground: Ground) -> Report:
    """List sessions between two moments, the newest first."""
    since, until = ground.span
    sessions = joined(ground.connections or ())
    length = {id(one): (one.ended_at or ground.at) - one.began_at for one in sessions}
    rows = tuple(
        (
            one.user, one.workspace, one.kind, one.began_at, one.ended_at,
            length[id(one)], one.connections, one.owner, one.workspace_id,
        )
        for one in sessions
    )  # fmt: skip
    begun = Counter(ground.local(one.began_at).hour for one in sessions)
    total = sum(length.values(), timedelta(0))
    return Report(
        name="sessions",
        title="Sessions",
        at=ground.at,
        fields=FIELDS,
        rows=rows,
        facts=(
            Fact("sessions", "Sessions", naming.known(len(sessions), ground.connections)),
            Fact("open", "Still connected",
                 naming.known(sum(one.ended_at is None for one in sessions), ground.connections)),
            Fact("users", "Users",
                 naming.known(len({one.user for one in sessions}), ground.connections)),
            Fact("mean", "Mean length", total / len(sessions) if sessions else None, Kind.SPAN),
        ),
        charts=(
            Chart("Sessions by the hour in which they began", "Hour", "sessions",
                  tuple((f"{hour:02}", float(begun[hour])) for hour in range(24)), in_time=True),
        ),
        notes=ground.notes,
        since=since,
        until=until,
        nothing="Nobody was connected." if ground.connections is not None else naming.UNSEEN,
        of="sessions",
    )  # fmt: skip


def _belongs(before: Session, one: Connection) -> bool:
    return before.ended_at is None or one.connected_at - before.ended_at <= PAUSE


def _longer(before: Session, one: Connection) -> Session:
    ends = (before.ended_at, one.disconnected_at)
    last = None if None in ends else max(end for end in ends if end is not None)
    return replace(before, ended_at=last, connections=before.connections + 1)
