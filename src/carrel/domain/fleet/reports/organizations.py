"""The fleet by organization."""

from collections import Counter

from carrel.domain.fleet.reports import naming
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.reports.report import Chart, Fact, Field, Kind, Report, Row
from carrel.domain.fleet.workspaces import FleetWorkspace

FIELDS = (
    Field("organization", "Organization", Kind.NAME),
    Field("workspaces", "Workspaces", Kind.COUNT),
    Field("running", "Running", Kind.COUNT),
    Field("idle", "Idle", Kind.COUNT),
    Field("dormant", "Dormant", Kind.COUNT),
    Field("outdated", "Outdated", Kind.COUNT),
    Field("owners", "Owners", Kind.COUNT),
    Field("credits_per_day", "Credits/day", Kind.CREDITS),
    Field("never_stopping", "Never stop", Kind.COUNT, detail=True),
    Field("prebuilds", "Prebuilds", Kind.COUNT, detail=True),
    Field("organization_id", "Id", detail=True),
)


def make(ground: Ground) -> Report:
    """Sum up each organization; those without workspaces on request only."""
    held: dict[str, list[FleetWorkspace]] = {}
    names: dict[str, str] = {}
    for one in ground.workspaces:
        held.setdefault(one.organization_id, []).append(one)
        names[one.organization_id] = one.organization
    for key, found in ground.observation.organizations.items():
        names[key] = found.name
        if ground.everything:
            held.setdefault(key, [])
    ordered = sorted(held.items(), key=lambda each: (-len(each[1]), names[each[0]]))
    rows = tuple((names[key], *_sums(mine), key) for key, mine in ordered)
    running: Counter[str] = Counter(one.organization for one in ground.workspaces if one.running)
    return Report(
        name="organizations",
        title="By organization",
        at=ground.observation.at,
        fields=FIELDS,
        rows=rows,
        facts=(
            Fact("organizations", "Organizations", len(rows)),
            Fact("workspaces", "Workspaces", len(ground.workspaces)),
            Fact("running", "Running", running.total()),
        ),
        charts=(
            Chart("Workspaces, by organization", "Organization", "workspaces",
                  naming.counted(one.organization for one in ground.workspaces)),
            Chart("Running, by organization", "Organization", "workspaces",
                  naming.by_size({name: float(number) for name, number in running.items()})),
        ),
        notes=ground.notes,
        nothing="No workspace fits.",
        of="organizations",
    )  # fmt: skip


def _sums(mine: list[FleetWorkspace]) -> Row:
    running = [one for one in mine if one.running]
    return (
        len(mine),
        len(running),
        sum(not one.activity.work.active for one in running),
        sum(one.dormant_at is not None for one in mine),
        sum(one.outdated for one in mine),
        len({one.owner_id for one in mine if not one.is_prebuild}),
        sum(one.daily_credits for one in mine),
        sum(one.build.deadline is None for one in running),
        sum(one.is_prebuild for one in mine),
    )
