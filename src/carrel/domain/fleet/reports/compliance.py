"""Compliance: how each workspace stands with its time to live."""

from collections import Counter

from carrel.domain.fleet.reports import naming
from carrel.domain.fleet.reports.ground import Ground
from carrel.domain.fleet.reports.listing import until_stop
from carrel.domain.fleet.reports.report import Chart, Fact, Field, Kind, Report, Row
from carrel.domain.fleet.workspaces import FleetWorkspace

GOOD = frozenset({"compliant", "soon"})
"""Standings that are as they should be."""
_ORDER = ("overdue", "drift", "unlimited", "withheld", "soon", "compliant")
_ALL = 100

FIELDS = (
    naming.WORKSPACE,
    Field("standing", "Standing", Kind.STATE),
    naming.TEMPLATE,
    Field("ttl", "TTL", Kind.SPAN, "none"),
    Field("until_stop", "Stops in", Kind.SPAN, "never"),
    Field("why", "Why"),
    naming.OWNER,
    naming.ORGANIZATION,
    Field("deadline", "Stops at", Kind.MOMENT, "never", detail=True),
    naming.WORKSPACE_ID,
)


def make(ground: Ground) -> Report:
    """List running workspaces that are not as they should be; on request every one."""
    judged = [(one, *ground.standing.get(one.workspace_id, ("withheld", "It was not judged.")))
              for one in ground.workspaces if one.running and not one.is_prebuild]  # fmt: skip
    judged.sort(key=lambda each: (_rank(each[1]), each[0].full_name))
    counts = Counter(standing for _, standing, _ in judged)
    good = sum(counts[name] for name in GOOD)
    share = round(_ALL * good / len(judged), 1) if judged else None
    shown = [each for each in judged if ground.everything or each[1] not in GOOD]
    return Report(
        name="compliance",
        title="Compliance with times to live",
        at=ground.observation.at,
        fields=FIELDS,
        rows=tuple(_row(ground, *each) for each in shown),
        facts=(
            Fact("running", "Running", len(judged)),
            Fact("compliant", "As they should be", good),
            Fact("rate", "Compliance", share, Kind.PERCENT),
        ),
        charts=(
            Chart("Running workspaces by standing", "Standing", "workspaces",
                  tuple((name, float(counts[name])) for name in sorted(counts, key=_rank))),
            Chart("Not as they should be, by template", "Template", "workspaces",
                  naming.counted(one.template for one, name, _ in judged if name not in GOOD)),
        ),
        notes=ground.notes,
        nothing="Every running workspace is as it should be.",
    )  # fmt: skip


def _rank(standing: str) -> int:
    return _ORDER.index(standing) if standing in _ORDER else len(_ORDER)


def _row(ground: Ground, one: FleetWorkspace, standing: str, why: str) -> Row:
    return (
        one.full_name, standing, one.template, one.ttl or None, until_stop(ground, one), why,
        one.owner, one.organization, one.build.deadline, one.workspace_id,
    )  # fmt: skip
