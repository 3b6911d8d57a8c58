"""Workspaces that were deleted, as far as the backend remembers them."""

from datetime import datetime

from carrel.domain.fleet.reports import days, naming
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.reports.report import Chart, Fact, Field, Kind, Report
from carrel.domain.fleet.workspaces import FleetWorkspace

FIELDS = (
    naming.WORKSPACE,
    naming.TEMPLATE,
    Field("deleted_at", "Deleted", Kind.MOMENT),
    Field("by", "By"),
    Field("lived", "Lived", Kind.SPAN),
    naming.OWNER,
    naming.ORGANIZATION,
    Field("reason", "Reason", detail=True),
    Field("created_at", "Made", Kind.MOMENT, detail=True),
    naming.WORKSPACE_ID,
)


def make(ground: Ground) -> Report:
    """List deleted workspaces, the last one first."""
    since, until = ground.span
    gone = [(at, one) for one in ground.deleted or () if since <= (at := _gone_at(one)) <= until]
    gone.sort(key=lambda pair: (pair[0], pair[1].full_name), reverse=True)
    return Report(
        name="deleted",
        title="Deleted workspaces",
        at=ground.at,
        fields=FIELDS,
        rows=tuple(
            (
                one.full_name, one.template, at, one.build.initiator or None, at - one.created_at,
                one.owner, one.organization, one.build.reason or None, one.created_at,
                one.workspace_id,
            )
            for at, one in gone
        ),
        facts=(
            Fact("deleted", "Deleted", naming.known(len(gone), ground.deleted)),
            Fact("owners", "Owners",
                 naming.known(len({one.owner for _, one in gone}), ground.deleted)),
        ),
        charts=(
            Chart("Deleted by day", "Day", "workspaces",
                  days.counted(ground, (at for at, _ in gone)), in_time=True),
            Chart("Deleted, by template", "Template", "workspaces",
                  naming.counted(one.template for _, one in gone)),
        ),
        notes=ground.notes,
        since=since,
        until=until,
        nothing="No workspace was deleted then."
        if ground.deleted is not None
        else "Nobody can tell: deleted workspaces can't be read.",
    )  # fmt: skip


def _gone_at(one: FleetWorkspace) -> datetime:
    build = one.build
    return build.completed_at or build.created_at or one.created_at
