"""What there is: every workspace that holds a machine, and on request every other."""

from carrel.domain.fleet.reports import naming
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.reports.report import (
    NO_MATTER,
    Chart,
    Fact,
    Field,
    Kind,
    Report,
    Row,
    Value,
)
from carrel.domain.fleet.workspaces import FleetWorkspace

FIELDS = (
    naming.WORKSPACE,
    naming.STATE,
    naming.TEMPLATE,
    Field("activity", "Activity", Kind.STATE),
    Field("last_used_at", "Last used", Kind.MOMENT, "never"),
    Field("until_stop", "Stops in", Kind.SPAN, "never"),
    naming.OWNER,
    naming.ORGANIZATION,
    Field("activity_why", "Why", detail=True),
    Field("on_since", "On since", Kind.MOMENT, detail=True),
    Field("deadline", "Stops at", Kind.MOMENT, "never", detail=True),
    Field("created_at", "Made", Kind.MOMENT, detail=True),
    Field("task", "AI task", Kind.STATE, detail=True),
    naming.WORKSPACE_ID,
)


def make(ground: Ground) -> Report:
    """List workspaces."""
    shown = [one for one in ground.workspaces if ground.everything or naming.present(one)]
    running = sum(one.running for one in ground.workspaces)
    active = sum(one.running and one.activity.work.active for one in ground.workspaces)
    return Report(
        name="ls",
        title="Workspaces",
        at=ground.observation.at,
        fields=FIELDS,
        rows=tuple(_row(ground, one) for one in shown),
        facts=(
            Fact("workspaces", "Workspaces", len(ground.workspaces)),
            Fact("running", "Running", running),
            Fact("active", "In use", active),
            Fact("idle", "Idle", running - active),
        ),
        charts=(
            Chart("Workspaces by state", "State", "workspaces",
                  naming.counted(naming.state(one) for one in ground.workspaces)),
            Chart("Running, by template", "Template", "workspaces",
                  naming.counted(one.template for one in ground.workspaces if one.running)),
        ),
        notes=ground.notes,
        nothing="No workspace is running. --all shows those that are not.",
    )  # fmt: skip


def _row(ground: Ground, one: FleetWorkspace) -> Row:
    deadline = one.build.deadline if one.running else None
    return (
        one.full_name,
        naming.state(one),
        one.template,
        str(one.activity.work) if one.running else NO_MATTER,
        one.last_used_at,
        until_stop(ground, one),
        one.owner,
        one.organization,
        one.activity.why if one.running else NO_MATTER,
        one.on_since if one.on else NO_MATTER,
        deadline if one.running else NO_MATTER,
        one.created_at,
        str(one.task) if one.task_id else NO_MATTER,
        one.workspace_id,
    )


def until_stop(ground: Ground, one: FleetWorkspace) -> Value:
    """Return how long until the backend stops a workspace; negative: it should have stopped."""
    if not one.running:
        return NO_MATTER
    return one.build.deadline - ground.at if one.build.deadline else None
