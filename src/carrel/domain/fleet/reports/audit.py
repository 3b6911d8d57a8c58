"""The audit: owner, template, time to live, time until the stop, and the last start."""

from datetime import datetime, timedelta

from carrel.domain.fleet.reports import naming
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.reports.listing import until_stop
from carrel.domain.fleet.reports.report import (
    NO_MATTER,
    Chart,
    Fact,
    Field,
    Kind,
    Report,
    Row,
)
from carrel.domain.fleet.workspaces import FleetWorkspace, Transition

_STEPS = tuple(
    (name, timedelta(hours=limit))
    for name, limit in (
        ("overdue", 0), ("within 1 h", 1), ("1 to 4 h", 4), ("4 to 8 h", 8), ("8 to 24 h", 24)
    )
)  # fmt: skip

FIELDS = (
    naming.WORKSPACE,
    naming.TEMPLATE,
    naming.STATE,
    Field("ttl", "TTL", Kind.SPAN, "none"),
    Field("until_stop", "Stops in", Kind.SPAN, "never"),
    Field("last_start", "Last start", Kind.MOMENT, "unknown"),
    naming.OWNER,
    naming.ORGANIZATION,
    Field("running_for", "Runs for", Kind.SPAN, detail=True),
    Field("deadline", "Stops at", Kind.MOMENT, "never", detail=True),
    Field("max_deadline", "At the latest", Kind.MOMENT, detail=True),
    Field("start_reason", "Started by", detail=True),
    Field("autostart", "Starts by itself", detail=True),
    Field("next_start_at", "Next start", Kind.MOMENT, detail=True),
    naming.WORKSPACE_ID,
)


def make(ground: Ground) -> Report:
    """Audit the workspaces that hold a machine; on request every one."""
    shown = [one for one in ground.workspaces if ground.everything or naming.present(one)]
    running = [one for one in shown if one.running]
    ends = [one.build.deadline - ground.at for one in running if one.build.deadline]
    never = len(running) - len(ends)
    return Report(
        name="audit",
        title="Audit",
        at=ground.observation.at,
        fields=FIELDS,
        rows=tuple(_row(ground, one) for one in shown),
        facts=(
            Fact("running", "Running", len(running)),
            Fact("without_ttl", "Without a TTL", sum(not one.ttl for one in running)),
            Fact("never_stopping", "Never stop", never),
            Fact("overdue", "Should have stopped", sum(end < timedelta(0) for end in ends)),
        ),
        charts=(
            Chart("When running workspaces stop", "Stops in", "workspaces",
                  (*naming.sorted_into(ends, _STEPS, "later"), ("never", float(never))),
                  in_time=True),
            Chart("Running, by template", "Template", "workspaces",
                  naming.counted(one.template for one in running)),
        ),
        notes=ground.notes,
        nothing="No workspace is running. --all shows those that are not.",
    )  # fmt: skip


def _row(ground: Ground, one: FleetWorkspace) -> Row:
    deadline = one.build.deadline if one.running else None
    since = one.running_since
    return (
        one.full_name,
        one.template,
        naming.state(one),
        one.ttl or None,
        until_stop(ground, one),
        last_start(one),
        one.owner,
        one.organization,
        ground.at - since if since else NO_MATTER,
        deadline if one.running else NO_MATTER,
        one.build.max_deadline if one.running else NO_MATTER,
        one.build.reason if one.build.transition is Transition.START else NO_MATTER,
        one.autostart or None,
        one.next_start_at,
        one.workspace_id,
    )


def last_start(one: FleetWorkspace) -> datetime | None:
    """Return when a workspace was started last; None where a later build hides it."""
    build = one.build
    if build.transition is not Transition.START:
        return None
    return build.completed_at or build.started_at or build.created_at
