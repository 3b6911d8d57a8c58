"""Dormant workspaces, and when they will be deleted."""

from datetime import timedelta

from carrel.domain.fleet.reports import naming
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.reports.report import Chart, Fact, Field, Kind, Report

_WEEK = timedelta(days=7)
_STEPS = (
    ("overdue", timedelta(0)),
    ("within 7 days", _WEEK),
    ("within 30 days", timedelta(days=30)),
    ("within 90 days", timedelta(days=90)),
)

FIELDS = (
    naming.WORKSPACE,
    naming.TEMPLATE,
    Field("dormant_for", "Dormant for", Kind.SPAN),
    Field("until_delete", "Deleted in", Kind.SPAN, "never"),
    Field("last_used_at", "Last used", Kind.MOMENT, "never"),
    naming.OWNER,
    naming.ORGANIZATION,
    Field("dormant_at", "Dormant since", Kind.MOMENT, detail=True),
    Field("deleting_at", "Deleted at", Kind.MOMENT, "never", detail=True),
    naming.WORKSPACE_ID,
)


def make(ground: Ground) -> Report:
    """List dormant workspaces, the next to be deleted first."""
    asleep = [(one.dormant_at, one) for one in ground.workspaces if one.dormant_at is not None]
    asleep.sort(key=lambda pair: (pair[1].deleting_at is None, pair[1].deleting_at or pair[0],
                                  pair[1].full_name))  # fmt: skip
    left = [one.deleting_at - ground.at for _, one in asleep if one.deleting_at]
    return Report(
        name="dormant",
        title="Dormant workspaces",
        at=ground.observation.at,
        fields=FIELDS,
        rows=tuple(
            (
                one.full_name, one.template, ground.at - since,
                one.deleting_at - ground.at if one.deleting_at else None, one.last_used_at,
                one.owner, one.organization, since, one.deleting_at, one.workspace_id,
            )
            for since, one in asleep
        ),
        facts=(
            Fact("dormant", "Dormant", len(asleep)),
            Fact("this_week", "Deleted within 7 days", sum(one < _WEEK for one in left)),
            Fact("kept", "Never deleted", len(asleep) - len(left)),
        ),
        charts=(
            Chart("When dormant workspaces are deleted", "Deleted", "workspaces",
                  (*naming.sorted_into(left, _STEPS, "later"),
                   ("never", float(len(asleep) - len(left)))), in_time=True),
            Chart("Dormant, by template", "Template", "workspaces",
                  naming.counted(one.template for _, one in asleep)),
        ),
        notes=ground.notes,
        nothing="No workspace is dormant.",
    )  # fmt: skip
