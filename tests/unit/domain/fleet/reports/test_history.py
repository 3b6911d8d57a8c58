"""Reports about a time: activity, connections, sessions, cost, deleted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.domain.fleet.reports.grounds import (
    DAY,
    HOUR,
    NOW,
    bars,
    build,
    connection,
    facts,
    ground,
    stopped,
    table,
    turned,
    user,
    workspace,
)

from carrel.domain.fleet.history import Usage
from carrel.domain.fleet.reports import activity, connections, cost, days, deleted, sessions
from carrel.domain.fleet.reports.report import NO_MATTER
from carrel.domain.fleet.workspaces import Transition

MODULE = attrgetter("__name__")
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    "kind", [activity, connections, sessions, cost, deleted], ids=lambda kind: kind.__name__
)
def test_an_empty_fleet_has_an_empty_report(kind):
    report = kind.make(ground())
    assert report.rows == ()
    assert (report.since, report.until) == (NOW - 2 * DAY, NOW)


def test_hours_that_overlap_count_once_and_only_within_the_time():
    fleet = ground(
        users=(user(), user("bob")),
        connections=(
            connection(5 * HOUR, 3 * HOUR),
            connection(4 * HOUR, 2 * HOUR, kind="vscode"),
            connection(9 * DAY, 47 * HOUR),
        ),
    )
    report = activity.make(fleet)
    (row,) = table(report)
    assert row["hours"] == 4
    assert row["days"] == 2
    assert row["last_at"] == NOW - 2 * HOUR
    assert facts(report) == {"active": 1, "users": 2, "hours": 4}
    assert sum(bars(report, "Hours connected by day").values()) == 4
    both = table(activity.make(replace(fleet, everything=True)))
    assert [(one["user"], one["hours"], one["last_at"]) for one in both][1] == ("bob", 0, None)


def test_somebody_who_is_no_user_any_more_is_told_by_name():
    report = activity.make(ground(connections=(connection(HOUR, None, user="gone"),)))
    (row,) = table(report)
    assert (row["user"], row["hours"], row["user_id"]) == ("gone", 1, None)


def test_without_a_connection_log_the_backends_count_is_told_as_such():
    fleet = ground(users=(user(), user("bob")), usage=(Usage("id-ada", "ada", 3 * HOUR),))
    report = activity.make(fleet)
    (row,) = table(report)
    assert (row["user"], row["hours"], row["sessions"]) == ("ada", 3, NO_MATTER)
    assert "backend's own count" in report.notes[0].what


@pytest.mark.parametrize("kind", [activity, connections, sessions, deleted], ids=MODULE)
def test_what_can_not_be_seen_is_not_taken_for_nothing(kind):
    unseen = kind.make(ground(users=(user(),), deleted=None))
    assert "Nobody can tell" in unseen.nothing
    assert set(facts(unseen).values()) <= {None, 1}
    seen = kind.make(ground(users=(user(),), connections=()))
    assert "Nobody can tell" not in seen.nothing
    assert None not in [value for name, value in facts(seen).items() if name != "mean"]


def test_hours_that_nobody_counted_are_unknown():
    (row,) = table(activity.make(ground(users=(user(),), everything=True)))
    assert row["hours"] is None


def test_connections_are_counted_by_who_and_by_what():
    report = connections.make(
        ground(
            connections=(
                connection(5 * HOUR, 4 * HOUR),
                connection(3 * HOUR, None, kind="vscode"),
                connection(2 * HOUR, HOUR, kind="carrier_pigeon"),
                connection(2 * HOUR, HOUR, user="", to="bob/x"),
            )
        )
    )
    ada, bob = table(report)
    assert (ada["connections"], ada["ssh"], ada["vscode"], ada["other"]) == (3, 1, 1, 1)
    assert (ada["first_at"], ada["last_at"]) == (NOW - 5 * HOUR, NOW - 2 * HOUR)
    assert ada["hours"] == 1 + 3 + 1
    assert (bob["user"], bob["workspaces"]) == ("bob", 1)
    assert facts(report) == {"connections": 4, "users": 2, "open": 1}


def test_connections_that_follow_each_other_closely_are_one_session():
    report = sessions.make(
        ground(
            connections=(
                connection(60 * MINUTE, 50 * MINUTE),
                connection(41 * MINUTE, 30 * MINUTE),
                connection(19 * MINUTE, None),
                connection(41 * MINUTE, 40 * MINUTE, to="ada/other"),
            )
        )
    )
    rows = table(report)
    assert [row["lasted"] / MINUTE for row in rows] == [19, 1, 30]
    assert [row["connections"] for row in rows] == [1, 1, 2]
    assert rows[0]["ended_at"] is None
    assert rows[1]["workspace"] == "ada/other"
    assert facts(report)["open"] == 1


def test_a_pause_of_ten_minutes_ends_no_session_and_another_program_begins_one():
    made = sessions.make(
        ground(
            connections=(
                connection(60 * MINUTE, 50 * MINUTE),
                connection(40 * MINUTE, 30 * MINUTE),
                connection(39 * MINUTE, 35 * MINUTE, kind="vscode"),
            )
        )
    )
    assert [(row["kind"], row["lasted"] / MINUTE) for row in table(made)] == [
        ("vscode", 4),
        ("ssh", 30),
    ]


def test_a_connection_within_another_one_adds_nothing_nor_does_what_comes_later():
    fleet = ground(
        users=(user(),),
        connections=(
            connection(9 * HOUR, 3 * HOUR),
            connection(8 * HOUR, 7 * HOUR),
            connection(6 * HOUR, 5 * HOUR, kind="vscode"),
        ),
    )
    assert table(activity.make(fleet))[0]["hours"] == 6
    (row,) = table(activity.make(replace(fleet, until=NOW - 4 * HOUR)))
    assert (row["hours"], row["last_at"]) == (5, NOW - 4 * HOUR)


def test_a_build_is_no_session():
    assert sessions.make(ground(workspace(), entries=(turned("start", HOUR),))).rows == ()


def cost_of(*entries, now=None, **changes):
    fleet = ground(*([now] if now else []), entries=entries, everything=True, **changes)
    return {row["workspace"]: row for row in table(cost.make(fleet))}


def test_running_hours_are_read_from_starts_and_stops():
    log = (turned("stop", 10 * HOUR), turned("start", 14 * HOUR))
    assert cost_of(*log, now=stopped())["ada/dev"]["hours"] == 4
    log = (turned("start", 3 * HOUR), turned("stop", 40 * HOUR))
    assert cost_of(*log, now=workspace())["ada/dev"]["hours"] == 8 + 3


def test_what_ran_all_the_time_has_no_line_in_the_log():
    ran = workspace(build=build(completed_at=NOW - 9 * DAY))
    assert cost_of(now=ran)["ada/dev"]["hours"] == 48
    assert cost_of(now=stopped())["ada/dev"]["hours"] == 0


def test_nothing_ran_before_it_was_made():
    young = stopped(created_at=NOW - 5 * HOUR)
    assert cost_of(turned("stop", HOUR), now=young)["ada/dev"]["hours"] == 4


def test_a_stop_that_failed_stopped_nothing():
    log = (turned("start", 8 * HOUR), turned("stop", 6 * HOUR, status=500))
    assert cost_of(*log, now=workspace())["ada/dev"]["hours"] == 8


def test_what_is_deleted_first_was_stopped():
    gone = workspace("bob/x", build=build(Transition.DELETE))
    (row,) = cost_of(turned("delete", HOUR, "bob/x"), deleted=(gone,)).values()
    assert (row["state"], row["hours"]) == ("deleted", 0)


def test_what_only_the_log_knows_is_told_too():
    (row,) = cost_of(
        turned("start", 8 * HOUR, "eve/x"), turned("delete", 6 * HOUR, "eve/x")
    ).values()
    assert (row["workspace"], row["hours"], row["state"]) == ("eve/x", 2, "unknown")
    assert row["money"] is None
    assert cost_of(turned("start", HOUR, "eve/x"), whole=False) == {}


def test_money_comes_from_prices_and_credits_stay_credits():
    fleet = ground(
        workspace("ada/a", build=build(completed_at=NOW - 10 * HOUR), daily_credits=7),
        workspace("ada/b", template="gpu", daily_credits=5),
        entries=(),
        prices={"id-ada/a": 0.25},
        currency="EUR",
    )
    report = cost.make(fleet)
    rows = {row["workspace"]: row for row in table(report)}
    assert rows["ada/a"]["money"] == 2.5
    assert rows["ada/b"]["money"] is None
    assert facts(report) == {"hours": 11, "money": 2.5, "credits_per_day": 12}
    titles = {field.name: field.title for field in report.fields}
    assert titles["money"] == "Money (EUR)"
    assert titles["credits_per_day"] == "Credits/day"
    assert "No price is known for: gpu." in [note.what for note in report.notes]


def test_without_prices_and_log_the_report_says_what_it_lacks():
    said = [note.what for note in cost.make(ground(workspace())).notes]
    assert any("price book" in one for one in said)
    assert any("audit log" in one for one in said)


def test_deleted_workspaces_of_the_time_the_last_first():
    def gone(name, ago):
        made = build(Transition.DELETE, completed_at=NOW - ago, initiator="root", reason="cli")
        return workspace(name, build=made)

    report = deleted.make(
        ground(deleted=(gone("ada/a", 5 * HOUR), gone("ada/b", HOUR), gone("ada/c", 3 * DAY)))
    )
    assert [row["workspace"] for row in table(report)] == ["ada/b", "ada/a"]
    assert table(report)[0]["by"] == "root"
    assert table(report)[0]["lived"] == 30 * DAY - HOUR


ZONES = ("UTC", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "America/New_York",
         "Asia/Kathmandu")  # fmt: skip


@given(
    zone=st.sampled_from(ZONES),
    begin=st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    length=st.timedeltas(timedelta(0), timedelta(days=5)),
)
@example("Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC), 3 * DAY)
@example("Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC), 3 * DAY)
@example("America/Santiago", datetime(2026, 9, 5, 12, tzinfo=UTC), 3 * DAY)
@example("America/Santiago", datetime(2026, 4, 4, 12, tzinfo=UTC), 3 * DAY)
def test_days_share_a_stretch_of_time_without_a_second_lost(zone, begin, length):
    """Whatever the clocks do at night, each piece lies on its own day."""
    here = ground(local=lambda at: at.astimezone(ZoneInfo(zone)))
    at = begin
    for day, piece in days.shared(here, begin, begin + length):
        assert piece > timedelta(0)
        assert here.local(at).date() == day
        assert here.local(at + piece - timedelta(microseconds=1)).date() == day
        at += piece
    assert at == begin + length


def test_a_long_time_is_drawn_by_weeks():
    long = ground(since=NOW - 100 * DAY)
    bars_of = days.filled(long, {NOW.date(): 2.0})
    assert len(bars_of) == 15
    assert sum(value for _, value in bars_of) == 2
