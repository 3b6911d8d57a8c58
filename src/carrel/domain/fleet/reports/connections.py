"""Connections between two dates: how many, by what, for how long, person by person."""

from collections import Counter
from dataclasses import field
from datetime import datetime, timedelta

from carrel.domain.fleet.history import Connection
from carrel.domain.fleet.reports import days, naming
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.reports.report import Chart, Fact, Field, Kind, Report
from carrel.domain.records import dataclass

KINDS = ("ssh", "vscode", "jetbrains", "reconnecting_pty", "workspace_app", "port_forwarding")
"""Ways to connect that have a column; others are counted together."""

FIELDS = (
    Field("user", "User", Kind.NAME),
    Field("connections", "Connections", Kind.COUNT),
    Field("ssh", "SSH", Kind.COUNT),
    Field("vscode", "VS Code", Kind.COUNT),
    Field("jetbrains", "JetBrains", Kind.COUNT),
    Field("reconnecting_pty", "Terminal", Kind.COUNT),
    Field("workspace_app", "Apps", Kind.COUNT),
    Field("last_at", "Last", Kind.MOMENT),
    Field("port_forwarding", "Ports", Kind.COUNT, detail=True),
    Field("other", "Other", Kind.COUNT, detail=True),
    Field("hours", "Hours", Kind.HOURS, detail=True),
    Field("workspaces", "Workspaces", Kind.COUNT, detail=True),
    Field("first_at", "First", Kind.MOMENT, detail=True),
)


@dataclass(slots=True)
class _Tally:
    """What one person did."""

    kinds: Counter[str] = field(default_factory=Counter[str])
    workspaces: set[str] = field(default_factory=set[str])
    spent: timedelta = timedelta(0)
    first: datetime | None = None
    last: datetime | None = None

    def add(self, one: Connection, spent: timedelta) -> None:
        self.kinds[one.kind if one.kind in KINDS else "other"] += 1
        self.workspaces.add(one.workspace_id)
        self.spent += spent
        self.first = min(self.first or one.connected_at, one.connected_at)
        self.last = max(self.last or one.connected_at, one.connected_at)


def make(ground: Ground) -> Report:
    """Count connections, those who connected most first."""
    since, until = ground.span
    connections = ground.connections or ()
    tallies: dict[str, _Tally] = {}
    for one in connections:
        tallies.setdefault(one.user or one.owner, _Tally()).add(one, ground.clipped(one))
    ordered = sorted(tallies.items(), key=lambda each: (-each[1].kinds.total(), each[0]))
    kinds = Counter(one.kind for one in connections)
    return Report(
        name="connections",
        title="Connections",
        at=ground.at,
        fields=FIELDS,
        rows=tuple(
            (
                who, tally.kinds.total(), *(tally.kinds[kind] for kind in KINDS[:-1]), tally.last,
                tally.kinds["port_forwarding"], tally.kinds["other"], naming.hours(tally.spent),
                len(tally.workspaces), tally.first,
            )
            for who, tally in ordered
        ),
        facts=(
            Fact("connections", "Connections", naming.known(len(connections), ground.connections)),
            Fact("users", "Users", naming.known(len(tallies), ground.connections)),
            Fact("open", "Open now",
                 naming.known(sum(one.disconnected_at is None for one in connections),
                              ground.connections)),
        ),
        charts=(
            Chart("Connections by day", "Day", "connections",
                  days.counted(ground, (one.connected_at for one in connections)), in_time=True),
            Chart("Connections by way", "Way", "connections",
                  naming.by_size({kind: float(count) for kind, count in kinds.items()})),
        ),
        notes=ground.notes,
        since=since,
        until=until,
        nothing="Nobody was connected." if ground.connections is not None else naming.UNSEEN,
        of="users",
    )  # fmt: skip
