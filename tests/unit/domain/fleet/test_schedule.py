"""Coder's own deadlines, against example tables and an oracle that walks minute by minute."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.domain.clock_changes import clock_changes

from carrel.domain.fleet.schedule import (
    OLD_LEEWAY,
    DailyTime,
    Deadlines,
    applicable_day,
    bumped,
    deadlines,
    max_deadline,
    parse_daily,
    time_to_live,
)
from carrel.domain.fleet.templates import Template

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "America/Havana",
    "Australia/Lord_Howe",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Africa/Cairo",
    "Pacific/Auckland",
    "Pacific/Chatham",
]
YEAR = st.integers(min_value=0, max_value=2 * 366 * 24 * 60).map(
    lambda minutes: datetime(2023, 12, 31, tzinfo=UTC) + minutes * MINUTE
)


def template(**facts) -> Template:
    return Template("t", "python", "org", **facts)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def minutes_after(at: datetime) -> Iterator[datetime]:
    at = at.replace(second=0, microsecond=0)
    while True:
        at += MINUTE
        yield at


def slow_next(quiet: DailyTime, after: datetime) -> datetime:
    """Look at every minute until the wall clock shows the time."""
    return next(at for at in minutes_after(after) if at.astimezone(quiet.zone).time() == quiet.at)


def slow_max(started: datetime, facts: Template, quiet: DailyTime, leeway: timedelta) -> datetime:
    """Look at every day's quiet start; the first on a required day of an applicable week."""
    today = (started + leeway).astimezone(quiet.zone).date()
    skipping = False
    for ahead in range(60):
        day = today + timedelta(days=ahead)
        week = (day - date(2023, 1, 2)).days // 7
        if not skipping and facts.required_weeks > 1 and week % facts.required_weeks:
            continue
        first, skipping = not skipping, True
        if day.weekday() not in facts.required_days:
            continue
        midnight = datetime.combine(day, time(), quiet.zone).astimezone(UTC)
        start = slow_next(quiet, midnight - 15 * MINUTE)
        if not (first and start < started + leeway):
            return start
    raise AssertionError


daily = st.builds(
    lambda hour, minute, zone: DailyTime(hour, minute, ZoneInfo(zone)),
    st.integers(0, 23),
    st.sampled_from([0, 1, 15, 30, 46, 59]),
    st.sampled_from(ZONES),
)


@given(daily, YEAR)
@settings(max_examples=40)
def test_a_daily_time_comes_when_the_wall_clock_shows_it(quiet: DailyTime, at: datetime):
    assert quiet.next_after(at) == slow_next(quiet, at)


def test_a_daily_time_keeps_to_the_wall_clock_in_every_zone_that_changes_its_own():
    for zone, change in clock_changes():
        first = change - 26 * HOUR
        walls = [(first + n * MINUTE).astimezone(zone).time() for n in range(60 * 78)]
        # As skipped or repeated times, as the first and the last of a day, and as a usual one.
        odd = {(change + n * MINUTE - HOUR).astimezone(zone).time() for n in (0, 30, 60)}
        skipped = (change - MINUTE).astimezone(zone) + MINUTE
        for at in {*odd, skipped.time(), time(0), time(23, 59), time(18, 30)}:
            quiet = DailyTime(at.hour, at.minute, zone)
            for after in (0, 60 * 25, 60 * 26 - 1, 60 * 26, 60 * 27):
                comes = walls.index(at, after + 1)
                assert quiet.next_after(first + after * MINUTE) == first + comes * MINUTE


def test_required_stops_keep_to_the_wall_clock_in_every_zone_that_changes_its_own():
    for number, (zone, change) in enumerate(clock_changes()):
        quiet = DailyTime(number % 24, 30, zone)
        started = change - 30 * HOUR
        facts = template(required_days=frozenset({number % 7}), required_weeks=1 + number % 2)
        assert max_deadline(started, facts, quiet) == slow_max(started, facts, quiet, 2 * HOUR)


@pytest.mark.parametrize(
    ("schedule", "after", "comes"),
    [
        ("CRON_TZ=Europe/Berlin 30 2 * * *", "2026-03-28 12:00", "2026-03-30 00:30"),  # skipped
        ("CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-24 12:00", "2026-10-25 00:30"),
        ("CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-25 00:30", "2026-10-25 01:30"),  # again
        ("CRON_TZ=UTC 0 0 * * *", "2024-02-28 00:00", "2024-02-29 00:00"),
        ("0 0 * * *", "2023-02-28 00:00", "2023-03-01 00:00"),
        ("TZ=Asia/Kathmandu 0 0 * * *", "2026-01-01 00:00", "2026-01-01 18:15"),
    ],
)
def test_daily_times_around_odd_days(schedule: str, after: str, comes: str):
    assert parse_daily(schedule).next_after(moment(after)) == moment(comes)


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "0 18 * * 1-5",
        "*/5 18 * * *",
        "0 24 * * *",
        "60 1 * * *",
        "0 18 * *",
        "CRON_TZ=Mars/Olympus 0 1 * * *",
        "CRON_TZ=../etc/passwd 0 1 * * *",
        "CRON_TZ= 0 1 * * *",
    ],
)
def test_what_is_no_daily_time_is_refused(schedule: str):
    with pytest.raises(ValueError, match=r"is not one daily time|known time zone|must be in"):
        parse_daily(schedule)


@given(
    YEAR,
    daily,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(1, 4),
    st.sampled_from([2 * HOUR, OLD_LEEWAY]),
)
@settings(max_examples=25)
def test_the_required_stop_is_that_of_a_walk_over_all_days(
    started: datetime, quiet: DailyTime, days: frozenset[int], weeks: int, leeway: timedelta
):
    facts = template(required_days=days, required_weeks=weeks)
    found = max_deadline(started, facts, quiet, leeway=leeway)
    assert found == slow_max(started, facts, quiet, leeway)
    assert started < found


@pytest.mark.parametrize(
    ("started", "zone_line", "days", "weeks", "stops"),
    [
        # A Thursday, required on Saturdays at midnight UTC.
        ("2026-11-19 12:00", "0 0 * * *", {5}, 1, "2026-11-21 00:00"),
        # 21:59 is more than two hours before; 22:01 is not, and takes the next Saturday.
        ("2026-11-20 21:59", "0 0 * * *", {5}, 1, "2026-11-21 00:00"),
        ("2026-11-20 22:01", "0 0 * * *", {5}, 1, "2026-11-28 00:00"),
        # Every day: today's if it is far enough, else tomorrow's.
        ("2026-11-20 10:00", "0 18 * * *", set(range(7)), 1, "2026-11-20 18:00"),
        ("2026-11-20 16:30", "0 18 * * *", set(range(7)), 1, "2026-11-21 18:00"),
        # A quiet start within fifteen minutes before midnight belongs to the day that follows.
        ("2026-11-20 10:00", "50 23 * * *", {5}, 1, "2026-11-20 23:50"),
        # Week 203 since 2023-01-02 begins 2026-11-23; with two weeks, 204 is the next even one.
        ("2026-11-25 10:00", "0 0 * * *", {0}, 2, "2026-11-30 00:00"),
        ("2026-11-20 10:00", "0 0 * * *", {6}, 2, "2026-11-22 00:00"),
        # A leap day is a day like others. Week 60 holds it; what is not required in the rest of
        # that week comes in the next one, which the search goes on into.
        ("2024-02-28 12:00", "0 0 * * *", {3}, 1, "2024-02-29 00:00"),
        ("2024-02-28 12:00", "CRON_TZ=Europe/Berlin 0 18 * * *", {3}, 1, "2024-02-29 17:00"),
        ("2024-02-29 12:00", "0 0 * * *", {4}, 2, "2024-03-01 00:00"),
        ("2024-02-29 12:00", "0 0 * * *", {2}, 2, "2024-03-06 00:00"),
        # The day is the owner's, not UTC's.
        ("2026-11-20 02:00", "CRON_TZ=America/New_York 0 18 * * *", {3}, 1, "2026-11-26 23:00"),
    ],
)
def test_required_stops_by_example(
    started: str, zone_line: str, days: set[int], weeks: int, stops: str
):
    facts = template(required_days=frozenset(days), required_weeks=weeks)
    assert max_deadline(moment(started), facts, parse_daily(zone_line)) == moment(stops)


def test_weeks_are_counted_from_a_monday_and_not_before_it():
    assert applicable_day(date(2023, 1, 4), 3) == date(2023, 1, 4)
    assert applicable_day(date(2023, 1, 9), 3) == date(2023, 1, 23)
    with pytest.raises(ValueError, match="counted from"):
        applicable_day(date(2023, 1, 1), 2)


def test_nothing_is_required_without_days_or_without_quiet_hours():
    quiet = parse_daily("0 0 * * *")
    assert max_deadline(moment("2026-01-01"), template(), quiet) is None
    assert max_deadline(moment("2026-01-01"), template(required_days=frozenset({1})), None) is None


NOON = moment("2026-11-20 12:00")


@pytest.mark.parametrize(
    ("own", "facts", "following", "expected"),
    [
        (None, {}, None, None),
        (timedelta(0), {}, None, None),
        (8 * HOUR, {}, None, NOON + 8 * HOUR),
        (None, {"default_ttl": 3 * HOUR}, None, None),
        (8 * HOUR, {"default_ttl": 3 * HOUR, "allow_user_autostop": False}, None, NOON + 3 * HOUR),
        (8 * HOUR, {}, NOON + 5 * HOUR, NOON + 13 * HOUR),
        (8 * HOUR, {}, NOON + 8 * HOUR, NOON + 8 * HOUR),
    ],
)
def test_the_first_deadline(own, facts, following, expected):
    found = deadlines(NOON, own, template(**facts), next_start=lambda _: following)
    assert found == Deadlines(expected, None)


def test_a_required_stop_comes_before_a_later_deadline_and_stands_in_for_none():
    facts = template(required_days=frozenset(range(7)))
    quiet = parse_daily("0 18 * * *")
    six = NOON + 6 * HOUR
    assert deadlines(NOON, 8 * HOUR, facts, quiet=quiet) == Deadlines(six, six)
    assert deadlines(NOON, None, facts, quiet=quiet) == Deadlines(six, six)
    assert deadlines(NOON, HOUR, facts, quiet=quiet) == Deadlines(NOON + HOUR, six)


def test_a_result_in_the_past_is_an_error():
    with pytest.raises(ValueError, match="past"):
        deadlines(NOON, HOUR, template(), next_start=lambda at: at - 9 * HOUR)


@pytest.mark.parametrize(
    ("deadline", "latest", "bump", "following", "expected"),
    [
        (None, None, HOUR, None, None),
        (NOON + HOUR, None, timedelta(0), None, NOON + HOUR),
        (NOON + HOUR, None, HOUR, None, NOON + HOUR),
        (NOON + 58 * MINUTE, None, HOUR, None, NOON + 58 * MINUTE),
        (NOON + 57 * MINUTE, None, HOUR, None, NOON + HOUR),
        (NOON + 9 * HOUR, None, HOUR, None, NOON + 9 * HOUR),
        (NOON + 10 * MINUTE, NOON + 30 * MINUTE, HOUR, None, NOON + 30 * MINUTE),
        (NOON + 10 * MINUTE, None, HOUR, NOON + 30 * MINUTE, NOON + 8.5 * HOUR),
        (NOON + 10 * MINUTE, None, HOUR, NOON + HOUR, NOON + HOUR),
    ],
)
def test_activity_moves_a_deadline_ahead(deadline, latest, bump, following, expected):
    now = Deadlines(deadline, latest)
    assert bumped(NOON, now, bump, ttl=8 * HOUR, following=following) == expected


@given(YEAR, st.integers(-300, 900), st.integers(0, 900), st.integers(0, 240))
@settings(max_examples=60)
def test_activity_never_brings_a_deadline_nearer_nor_beyond_the_latest(
    at: datetime, left: int, more: int, bump: int
):
    now = Deadlines(at + left * MINUTE, at + (left + more) * MINUTE)
    moved = bumped(at, now, bump * MINUTE)
    assert now.deadline <= moved <= now.max_deadline


def test_a_time_to_live_of_nothing_is_none():
    assert time_to_live(timedelta(0), template()) is None
    assert time_to_live(None, template(default_ttl=HOUR)) is None
    assert time_to_live(None, template(default_ttl=HOUR, allow_user_autostop=False)) == HOUR
