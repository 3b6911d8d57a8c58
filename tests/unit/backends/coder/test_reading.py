"""From the wire: Go's zero times, ids that may be missing, and words from newer deployments."""

from datetime import UTC, datetime, timedelta

import pytest

from carrel.backends.coder import reading
from carrel.backends.coder.people import read_quiet_hours
from carrel.backends.coder.templates import read_template
from carrel.backends.coder.workspaces import read_sight, read_task
from carrel.domain.fleet.people import QuietHours
from carrel.domain.fleet.workspaces import BuildStatus, TaskStatus, Transition


@pytest.mark.parametrize("none", [None, "", "0001-01-01T00:00:00Z", "soon", 12, {}])
def test_no_moment(none):
    assert reading.moment(none) is None


@pytest.mark.parametrize(
    ("written", "microsecond"),
    [
        ("2026-03-03T09:00:00Z", 0),
        ("2026-03-03T10:00:00+01:00", 0),
        ("2026-03-03T09:00:00.123456789Z", 123456),
        ("2026-03-03T09:00:00.5Z", 500000),
    ],
)
def test_a_moment_in_utc(written, microsecond):
    found = reading.moment(written)
    assert found == datetime(2026, 3, 3, 9, 0, 0, microsecond, tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (None, ""),
        ("a-b", "a-b"),
        ("00000000-0000-0000-0000-000000000000", ""),
        ({"uuid": "a-b", "valid": True}, "a-b"),
        ({"uuid": "a-b", "valid": False}, ""),
        ({"uuid": "00000000-0000-0000-0000-000000000000", "valid": False}, ""),
        (7, ""),
    ],
)
def test_an_id_that_may_be_missing(written, found):
    assert reading.identity(written) == found


def test_words_of_a_newer_deployment_are_unknown_not_an_error(workspace):
    seen = read_sight(workspace(3, "hibernate", "dreaming", new_field={"a": 1})).workspace
    assert seen.build.transition is Transition.UNKNOWN
    assert seen.build.status is BuildStatus.UNKNOWN
    assert not seen.running


@pytest.mark.parametrize("junk", [{}, {"id": "x"}, {"name": "x"}, {"id": 1, "name": 2}])
def test_a_workspace_without_a_name_is_not_understood(junk):
    assert read_sight(junk) is None


def test_a_workspace_of_which_all_else_is_missing_can_be_read():
    seen = read_sight({"id": "1", "name": "dev"}).workspace
    assert seen.build.status is BuildStatus.UNKNOWN
    assert (seen.ttl, seen.healthy, seen.task_id) == (None, None, "")


def test_what_an_agent_said_in_an_earlier_run_does_not_count(workspace):
    old = {"state": "working", "created_at": "2026-03-02T09:00:00Z"}
    new = {"state": "working", "created_at": "2026-03-03T08:30:00Z"}
    assert read_sight(workspace(latest_app_status=old)).app_state == ""
    assert read_sight(workspace(latest_app_status=new)).app_state == "working"


@pytest.mark.parametrize(
    ("task", "status"),
    [
        ({"status": "active", "current_state": {"state": "working"}}, TaskStatus.WORKING),
        ({"status": "active", "current_state": {"state": "idle"}}, TaskStatus.IDLE),
        ({"status": "active", "current_state": {"state": "complete"}}, TaskStatus.COMPLETE),
        ({"status": "active", "current_state": {"state": "pondering"}}, TaskStatus.UNKNOWN),
        ({"status": "active", "current_state": None}, TaskStatus.UNKNOWN),
        ({"status": "paused", "current_state": {"state": "working"}}, TaskStatus.PAUSED),
        ({"status": "error"}, TaskStatus.FAILED),
        ({"status": "initializing"}, TaskStatus.UNKNOWN),
        ({"status": "levitating"}, TaskStatus.UNKNOWN),
        ({}, TaskStatus.UNKNOWN),
    ],
)
def test_what_a_task_is_doing(task, status):
    assert read_task(task).status is status


def test_a_template():
    seen = read_template(
        {
            "id": "t",
            "name": "go",
            "default_ttl_ms": 28_800_000,
            "activity_bump_ms": 0,
            "autostop_requirement": {"days_of_week": ["saturday", "monday", "someday"], "weeks": 0},
            "failure_ttl_ms": 0,
            "time_til_autostop_notify_ms": 600_000,
        }
    )
    assert seen.default_ttl == timedelta(hours=8)
    assert seen.activity_bump == timedelta(0)
    assert seen.required_days == {0, 5}
    assert seen.required_weeks == 1
    assert seen.failure_ttl is None
    assert seen.notify_lead == timedelta(minutes=10)


def test_quiet_hours_as_one_object_and_as_the_list_of_the_description():
    item = {"raw_schedule": "CRON_TZ=Europe/Oslo 0 2 * * *", "user_set": True}
    wanted = QuietHours("CRON_TZ=Europe/Oslo 0 2 * * *", user_set=True)
    assert read_quiet_hours(item) == read_quiet_hours([item]) == wanted
    assert read_quiet_hours({"raw_schedule": ""}) is None
