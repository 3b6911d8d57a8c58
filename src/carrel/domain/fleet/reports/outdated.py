"""Workspaces whose template has a newer active version."""

from carrel.domain.fleet.reports import naming
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.reports.report import Chart, Fact, Field, Kind, Report

FIELDS = (
    naming.WORKSPACE,
    naming.TEMPLATE,
    naming.STATE,
    Field("built_at", "Built", Kind.MOMENT),
    Field("age", "Ago", Kind.SPAN),
    naming.OWNER,
    naming.ORGANIZATION,
    Field("version_id", "Version", detail=True),
    Field("active_version_id", "Active version", detail=True),
    naming.WORKSPACE_ID,
)


def make(ground: Ground) -> Report:
    """List what is outdated, the oldest build first."""
    templates = ground.observation.templates
    old = [one for one in ground.workspaces if one.outdated]
    old.sort(key=lambda one: (one.build.created_at or one.created_at, one.full_name))
    return Report(
        name="outdated",
        title="Outdated workspaces",
        at=ground.observation.at,
        fields=FIELDS,
        rows=tuple(
            (
                one.full_name,
                one.template,
                naming.state(one),
                built := one.build.created_at or one.created_at,
                ground.at - built,
                one.owner,
                one.organization,
                one.build.version_id or None,
                found.active_version_id or None
                if (found := templates.get(one.template_id)) else None,
                one.workspace_id,
            )
            for one in old
        ),
        facts=(
            Fact("outdated", "Outdated", len(old)),
            Fact("running", "Of these running", sum(one.running for one in old)),
            Fact("workspaces", "Workspaces", len(ground.workspaces)),
        ),
        charts=(
            Chart("Outdated, by template", "Template", "workspaces",
                  naming.counted(one.template for one in old)),
        ),
        notes=ground.notes,
        nothing="Every workspace has its template's active version.",
    )  # fmt: skip
