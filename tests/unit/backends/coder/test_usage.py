"""Insights: asked for in whole days and full hours, or the deployment says no."""

from datetime import UTC, datetime, timedelta

from carrel.domain.fleet.history import Usage

AT = datetime(2026, 3, 3, 9, 20, 5, tzinfo=UTC)


def test_a_span_is_widened_to_midnight_and_to_a_full_hour(coder, deployment):
    rows = [{"user_id": "u1", "username": "ann", "seconds": 5400}, {"user_id": "u2"}]
    deployment.on("GET", "/insights/user-activity", lambda _: {"report": {"users": rows}})
    found = coder.usage(AT - timedelta(days=2), AT)
    assert found == [
        Usage("u1", "ann", timedelta(minutes=90)),
        Usage("u2", "", timedelta(0)),
    ]
    asked = deployment.asked[-1].url.params
    assert asked["start_time"] == "2026-03-01T00:00:00Z"
    assert asked["end_time"] == "2026-03-03T10:00:00Z"


def test_a_full_hour_stays_what_it_is(coder, deployment):
    deployment.on("GET", "/insights/user-activity", lambda _: {"report": None})
    assert coder.usage(AT, AT.replace(minute=0, second=0)) == []
    assert deployment.asked[-1].url.params["end_time"] == "2026-03-03T09:00:00Z"
