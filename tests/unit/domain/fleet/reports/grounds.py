"""What reports are made from, in small."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from carrel.domain.fleet.deployment import Deployment
from carrel.domain.fleet.history import AuditEntry, Connection
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.people import User
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.reports.report import Report
from carrel.domain.fleet.workspaces import (
    Activity,
    Build,
    BuildStatus,
    FleetWorkspace,
    Transition,
    Work,
)

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_numbers = count()


def build(transition: Transition = Transition.START, **changes: object) -> Build:
    """Return a build that ended well an hour before 'now'."""
    made = Build("b", 1, transition, BuildStatus.SUCCEEDED, created_at=NOW - HOUR,
                 completed_at=NOW - HOUR)  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def workspace(name: str = "ada/dev", **changes: object) -> FleetWorkspace:
    """Return a running workspace without a time to live."""
    owner, _, own = name.partition("/")
    made = FleetWorkspace(
        workspace_id=f"id-{name}",
        name=own,
        owner_id=f"id-{owner}",
        owner=owner,
        organization_id="o1",
        organization="acme",
        template_id="t1",
        template="python",
        build=build(),
        created_at=NOW - 30 * DAY,
        last_used_at=NOW - HOUR,
        activity=Activity(Work.IDLE, NOW - HOUR, "Nobody is connected."),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def stopped(name: str = "ada/dev", **changes: object) -> FleetWorkspace:
    """Return a workspace that was stopped an hour ago."""
    return workspace(name, build=build(Transition.STOP), **changes)


def user(name: str = "ada", **changes: object) -> User:
    made = User(f"id-{name}", name, last_seen_at=NOW - HOUR)
    return replace(made, **changes)  # type: ignore[arg-type]


def connection(
    begin: timedelta, end: timedelta | None, user: str = "ada", to: str = "ada/dev",
    kind: str = "ssh",
) -> Connection:  # fmt: skip
    """Return a connection that began and ended so long before 'now'."""
    owner, _, name = to.partition("/")
    ended = None if end is None else NOW - end
    return Connection(str(next(_numbers)), f"id-{to}", name, owner, user, kind, NOW - begin, ended)


def turned(action: str, ago: timedelta, name: str = "ada/dev", status: int = 200) -> AuditEntry:
    """Return the entry of a build in the audit log."""
    owner, _, own = name.partition("/")
    more = {"workspace_owner": owner, "workspace_name": own, "workspace_id": f"id-{name}"}
    details = {"additional_fields": more, "status_code": status}
    return AuditEntry(str(next(_numbers)), NOW - ago, "ada", action, "workspace_build", own, "x",
                      details=details)  # fmt: skip


def ground(*workspaces: FleetWorkspace, **changes: object) -> Ground:
    """Return the ground of a report over the last two days."""
    users = {one.user_id: one for one in changes.get("users", ())}  # type: ignore[attr-defined]
    seen = Observation(NOW, Deployment("https://c", "d", "v2.35.3", "admin"), workspaces,
                       users=users)  # fmt: skip
    made = Ground(NOW, seen, workspaces, since=NOW - 2 * DAY, until=NOW)
    return replace(made, **changes)  # type: ignore[arg-type]


def table(report: Report) -> list[dict[str, object]]:
    """Return the rows of a report with their columns' names."""
    names = [field.name for field in report.fields]
    return [dict(zip(names, row, strict=True)) for row in report.rows]


def facts(report: Report) -> dict[str, object]:
    return {fact.name: fact.value for fact in report.facts}


def bars(report: Report, title: str) -> dict[str, float]:
    return next(dict(chart.bars) for chart in report.charts if chart.title == title)
