"""Insights: reports whose times must be aligned, midnight first and a full hour last."""

from collections import Counter
from datetime import datetime

from carrel.simulators.coder.protocol.call import Answer, Call
from carrel.simulators.coder.protocol.routing import Route
from carrel.simulators.coder.refusals import invalid
from carrel.simulators.coder.wire.builds import Document
from carrel.simulators.coder.wire.writing import stamp


def user_activity(call: Call) -> Answer:
    """Tell for how long each user was connected."""
    call.need("template", "view_insights")
    since, until = _aligned(call)
    seconds = _seconds(call, since, until)
    users: list[Document] = [
        {
            "template_ids": [],
            "user_id": key,
            "username": call.world.people[key].username,
            "avatar_url": "",
            "seconds": seconds[key],
        }
        for key in sorted(seconds)
    ]
    return Answer(content={"report": {**_span(since, until), "users": users}})


def templates(call: Call) -> Answer:
    """Tell how many users there were, and for how long they used what."""
    call.need("template", "view_insights")
    since, until = _aligned(call)
    used: Counter[str] = Counter()
    for link in call.world.links:
        end = min(link.closed_at or call.world.now, until)
        used[link.kind] += max(0, int((end - max(link.opened_at, since)).total_seconds()))
    apps: list[Document] = [
        {
            "template_ids": [],
            "type": "builtin",
            "display_name": kind,
            "slug": kind,
            "icon": "",
            "seconds": used[kind],
            "times_used": 0,
        }
        for kind in sorted(used)
    ]
    report = {
        **_span(since, until),
        "active_users": len(_seconds(call, since, until)),
        "apps_usage": apps,
        "parameters_usage": [],
    }
    return Answer(content={"report": report, "interval_reports": []})


def latency(call: Call) -> Answer:
    """Tell how far users are from their workspaces: nobody is, here."""
    call.need("template", "view_insights")
    since, until = _aligned(call)
    return Answer(content={"report": {**_span(since, until), "users": []}})


def daily_users(call: Call) -> Answer:
    """Tell how many users there were on each day of the last month."""
    days: dict[str, set[str]] = {}
    for link in call.world.links:
        days.setdefault(link.opened_at.date().isoformat(), set()).add(link.user_id)
    entries = [{"date": day, "amount": len(days[day])} for day in sorted(days)]
    return Answer(content={"entries": entries[-30:], "tz_hour_offset": 0})


def status_counts(call: Call) -> Answer:
    """Tell how many users have each status."""
    call.need("user", "read")
    counts = Counter(
        one.status for one in call.world.people.values() if one.habits is not None or one.roles
    )
    today = call.world.now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Answer(
        content={
            "status_counts": {
                status: [{"date": stamp(today), "count": count}]
                for status, count in sorted(counts.items())
            }
        }
    )


def _aligned(call: Call) -> tuple[datetime, datetime]:
    since = call.moment(call.query.get("start_time"), "start_time")
    until = call.moment(call.query.get("end_time"), "end_time")
    if (since.hour, since.minute, since.second, since.microsecond) != (0, 0, 0, 0):
        invalid(
            "start_time", f"Query param start_time must have the clock set to 00:00:00: {since}"
        )
    if (until.minute, until.second, until.microsecond) != (0, 0, 0):
        invalid("end_time", f"Query param end_time must have the clock set to full hours: {until}")
    if until <= since:
        invalid("end_time", "Query param end_time must be after start_time")
    return since, until


def _seconds(call: Call, since: datetime, until: datetime) -> Counter[str]:
    seconds: Counter[str] = Counter()
    for link in call.world.links:
        begin, end = max(link.opened_at, since), min(link.closed_at or call.world.now, until)
        if begin < end:
            seconds[link.user_id] += int((end - begin).total_seconds())
    return seconds


def _span(since: datetime, until: datetime) -> Document:
    return {"start_time": stamp(since), "end_time": stamp(until), "template_ids": []}


ROUTES = (
    Route("GET", "/insights/user-activity", user_activity),
    Route("GET", "/insights/templates", templates),
    Route("GET", "/insights/user-latency", latency),
    Route("GET", "/insights/daus", daily_users),
    Route("GET", "/insights/user-status-counts", status_counts),
)
