"""Reports about what there is: list, audit, outdated, dormant, compliance, organizations."""

from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest
from tests.unit.domain.fleet.reports.grounds import (
    DAY,
    HOUR,
    NOW,
    bars,
    build,
    facts,
    ground,
    stopped,
    table,
    user,
    workspace,
)

from carrel.domain.fleet.people import Organization
from carrel.domain.fleet.reports import (
    audit,
    compliance,
    dormant,
    last_seen,
    listing,
    organizations,
    outdated,
)
from carrel.domain.fleet.reports.report import NO_MATTER
from carrel.domain.fleet.templates import Template
from carrel.domain.fleet.workspaces import Activity, BuildStatus, FleetWorkspace, Transition, Work

MAKERS = {
    one.__name__.rpartition(".")[2]: one.make
    for one in (listing, audit, outdated, dormant, compliance, organizations, last_seen)
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_an_empty_fleet_has_an_empty_report(make):
    report = make(ground())
    assert report.rows == ()
    assert report.nothing
    assert all(not any(value for _, value in chart.bars) for chart in report.charts)


@cache
def large() -> tuple[FleetWorkspace, ...]:
    """Return ten thousand workspaces in every state, of owners that are gone."""
    kinds: list[dict[str, object]] = [
        {},
        {"build": build(Transition.STOP), "outdated": True},
        {"build": build(status=BuildStatus.FAILED)},
        {"build": build(status=BuildStatus.RUNNING, completed_at=None)},
        {"build": build(Transition.STOP), "dormant_at": NOW - DAY, "last_used_at": None},
        {"build": build(created_at=None, completed_at=None, deadline=NOW - HOUR), "ttl": HOUR},
        {"is_prebuild": True, "owner_id": "", "owner": ""},
    ]
    return tuple(workspace(f"ada/w{n}", **kinds[n % len(kinds)]) for n in range(10_000))


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_every_row_of_a_large_fleet_fits_its_columns(make):
    report = make(ground(*large(), users=(user(),), everything=True))
    assert report.rows
    assert {len(row) for row in report.rows} == {len(report.fields)}


def test_a_list_has_what_is_on_and_on_request_the_rest():
    off, broken = stopped("ada/off"), workspace("ada/bad", build=build(status=BuildStatus.FAILED))
    fleet = ground(workspace("ada/on"), off, broken)
    assert [row["workspace"] for row in table(listing.make(fleet))] == ["ada/on", "ada/bad"]
    rows = table(listing.make(replace(fleet, everything=True)))
    assert [row["state"] for row in rows] == ["running", "stopped", "failed"]
    assert rows[1]["activity"] == rows[1]["until_stop"] == NO_MATTER


def test_unknown_work_counts_as_use():
    unseen = workspace("ada/x", activity=Activity(Work.UNKNOWN, None, "Not seen."))
    assert facts(listing.make(ground(unseen, workspace())))["active"] == 1


def test_an_audit_tells_the_stop_and_the_last_start():
    late = build(deadline=NOW - HOUR, completed_at=NOW - 9 * HOUR, reason="dashboard")
    soon = build(deadline=NOW + timedelta(minutes=30))
    fleet = ground(
        workspace("ada/late", build=late, ttl=8 * HOUR),
        workspace("ada/soon", build=soon, ttl=HOUR),
        workspace("ada/never"),
        stopped("ada/off", ttl=HOUR),
        workspace("bob/soon", build=soon, ttl=HOUR),
        everything=True,
    )
    report = audit.make(fleet)
    late_row, soon_row, never, off, _ = table(report)
    assert late_row["until_stop"] == -HOUR
    assert late_row["last_start"] == NOW - 9 * HOUR
    assert late_row["running_for"] == 9 * HOUR
    assert soon_row["until_stop"] == timedelta(minutes=30)
    assert (never["ttl"], never["until_stop"], never["deadline"]) == (None, None, None)
    assert (off["ttl"], off["last_start"]) == (HOUR, None)
    assert off["until_stop"] == off["deadline"] == off["running_for"] == NO_MATTER
    assert facts(report) == {"running": 4, "without_ttl": 1, "never_stopping": 1, "overdue": 1}
    drawn = bars(report, "When running workspaces stop")
    assert (drawn["overdue"], drawn["within 1 h"], drawn["never"]) == (1, 2, 1)
    assert sum(drawn.values()) == 4


def test_a_ttl_of_nothing_is_none():
    assert table(audit.make(ground(workspace(ttl=timedelta(0)))))[0]["ttl"] is None


def test_outdated_workspaces_the_oldest_build_first():
    old = workspace("ada/old", outdated=True, build=build(created_at=NOW - 9 * DAY))
    new = stopped("ada/new", outdated=True)
    fleet = ground(new, old, workspace("ada/fine"))
    newer = Template("t1", "python", "o1", active_version_id="v2")
    seen = replace(fleet.observation, templates={"t1": newer})
    report = outdated.make(replace(fleet, observation=seen))
    assert [row["workspace"] for row in table(report)] == ["ada/old", "ada/new"]
    assert {row["active_version_id"] for row in table(report)} == {"v2"}
    assert facts(report) == {"outdated": 2, "running": 1, "workspaces": 3}


def test_dormant_workspaces_the_next_deletion_first():
    kept = stopped("ada/kept", dormant_at=NOW - 9 * DAY)
    later = stopped("ada/later", dormant_at=NOW - 8 * DAY, deleting_at=NOW + 20 * DAY)
    next_ = stopped("ada/next", dormant_at=NOW - DAY, deleting_at=NOW + DAY, last_used_at=None)
    report = dormant.make(ground(kept, later, next_, workspace()))
    assert [row["workspace"] for row in table(report)] == ["ada/next", "ada/later", "ada/kept"]
    assert table(report)[0]["until_delete"] == DAY
    assert table(report)[2]["until_delete"] is None
    assert facts(report) == {"dormant": 3, "this_week": 1, "kept": 1}


def test_compliance_lists_what_is_wrong_the_worst_first():
    names = ("ada/good", "ada/none", "ada/late")
    fleet = ground(*(workspace(name) for name in names), stopped("ada/off"),
                   workspace("prebuilds/p", is_prebuild=True))  # fmt: skip
    standing = {
        "id-ada/good": ("compliant", "In time."),
        "id-ada/none": ("unlimited", "Never."),
        "id-ada/late": ("overdue", "Late."),
    }
    report = compliance.make(replace(fleet, standing=standing))
    assert [row["workspace"] for row in table(report)] == ["ada/late", "ada/none"]
    assert facts(report) == {"running": 3, "compliant": 1, "rate": 33.3}
    whole = compliance.make(replace(fleet, standing=standing, everything=True))
    assert [row["standing"] for row in table(whole)] == ["overdue", "unlimited", "compliant"]


def test_what_nobody_judged_is_withheld_and_not_called_compliant():
    report = compliance.make(ground(workspace()))
    assert [row["standing"] for row in table(report)] == ["withheld"]
    assert facts(report)["rate"] == 0


def test_organizations_are_summed_up_and_empty_ones_come_on_request():
    other = {"organization_id": "o2", "organization": "research"}
    fleet = ground(
        workspace("ada/a", daily_credits=3),
        stopped("ada/b", daily_credits=2, outdated=True),
        workspace("bob/c", **other),
        workspace("prebuilds/p", is_prebuild=True),
    )
    known = {key: Organization(key, name) for key, name in
             (("o1", "acme"), ("o2", "research"), ("o3", "empty"))}  # fmt: skip
    fleet = replace(fleet, observation=replace(fleet.observation, organizations=known))
    acme, research = table(organizations.make(fleet))
    assert (acme["workspaces"], acme["running"], acme["owners"]) == (3, 2, 1)
    assert (acme["credits_per_day"], acme["outdated"], acme["prebuilds"]) == (5, 1, 1)
    assert research["organization"] == "research"
    rows = table(organizations.make(replace(fleet, everything=True)))
    assert [row["workspaces"] for row in rows] == [3, 1, 0]


def test_users_that_were_never_seen_stand_last_and_service_accounts_come_on_request():
    users = (
        user("never", last_seen_at=None),
        user("long", last_seen_at=NOW - 40 * DAY),
        user("now"),
        user("robot", is_service_account=True),
    )
    fleet = ground(workspace("long/dev"), stopped("long/old"), users=users)
    report = last_seen.make(fleet)
    assert [row["user"] for row in table(report)] == ["now", "long", "never"]
    assert table(report)[1]["ago"] == 40 * DAY
    assert table(report)[2]["ago"] is None
    assert facts(report) == {"users": 3, "today": 1, "gone": 2, "held_by_gone": 1}
    assert len(last_seen.make(replace(fleet, everything=True)).rows) == 4
