"""Recurring windows against an oracle that watches the wall clock minute by minute."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.domain.clock_changes import clock_changes

from carrel.domain.governance.windows import EVERY_DAY, Days, Stretch, Timetable, Window

MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")
WEEKDAYS = frozenset(range(5))
ALL_ZONES = sorted(name for name in available_timezones() if "/" in name and "posix" not in name)


class Oracle:
    """Walks through minutes; a window opens when the wall clock first reaches its start."""

    def __init__(self, table: Timetable, begin: datetime, minutes: int) -> None:
        self.inside: list[bool] = []
        walls = [
            (begin + n * MINUTE).astimezone(table.zone).replace(tzinfo=None) for n in range(minutes)
        ]
        marks: list[tuple[datetime, datetime]] = []
        for ahead in range(-4, minutes // 1440 + 3):
            day = walls[0].date() + timedelta(days=ahead)
            midnight = datetime.combine(day, time())
            if any(days.first <= day <= days.last for days in table.whole_days):
                marks.append((midnight, midnight + timedelta(days=1)))
            if any(days.first <= day <= days.last for days in table.free_days):
                continue
            for window in table.windows:
                if day.weekday() in window.days:
                    end = datetime.combine(day, window.end)
                    end += timedelta(days=window.end <= window.start)
                    marks.append((datetime.combine(day, window.start), end))
        highest = walls[0]
        for wall in walls:
            highest = max(highest, wall)
            self.inside.append(any(start <= highest < end for start, end in marks))


def table(zone: ZoneInfo, *windows: Window, **more) -> Timetable:
    return Timetable(zone, windows, **more)


times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 30, 59]))
windows = st.builds(Window, times, times, st.frozensets(st.integers(0, 6), min_size=1))
# Days around changes of the clock in either half of the world, a leap day, a year's end.
starts = st.sampled_from(
    [
        date(2024, 2, 27),
        date(2024, 3, 8),
        date(2024, 3, 28),
        date(2024, 4, 4),
        date(2024, 4, 24),
        date(2024, 9, 6),
        date(2024, 9, 26),
        date(2024, 10, 4),
        date(2024, 10, 25),
        date(2024, 11, 1),
        date(2024, 12, 30),
        date(2011, 12, 28),  # Samoa left out the 30th
    ]
)


@given(
    st.sampled_from(ALL_ZONES),
    starts,
    st.lists(windows, min_size=1, max_size=3),
    st.sets(st.integers(0, 4), max_size=2),
    st.sets(st.integers(0, 4), max_size=1),
)
@settings(max_examples=25)
def test_inside_and_outside_are_those_of_a_walk_through_all_minutes(
    zone: str, begin: date, some: list[Window], holidays: set[int], free: set[int]
):
    def days(numbers: set[int]) -> tuple[Days, ...]:
        return tuple(Days(begin + n * 1440 * MINUTE, begin + n * 1440 * MINUTE) for n in numbers)

    made = Timetable(ZoneInfo(zone), tuple(some), days(holidays), days(free))
    # The walk begins days earlier: the oracle must have seen the highest wall clock so far.
    first = datetime.combine(begin, time(), UTC)
    oracle = Oracle(made, first, 4 * 1440)
    for at in range(1440, 4 * 1440, 397):
        moment = first + at * MINUTE
        stretch = made.present(moment)
        assert (stretch is not None) == oracle.inside[at]
        change = made.change(moment)
        ahead = oracle.inside[at:]
        turn = next((n for n, inside in enumerate(ahead) if inside != ahead[0]), None)
        if turn is not None:
            assert change == moment + turn * MINUTE
        elif change is not None:
            assert change >= first + 4 * 1440 * MINUTE
        if stretch is not None:
            begun = next((n for n in range(at, 1440, -1) if not oracle.inside[n]), None)
            if begun is not None:
                assert stretch.start == first + (begun + 1) * MINUTE


def test_windows_keep_to_the_wall_clock_in_every_zone_that_changes_its_own():
    for zone, change in clock_changes():
        skipped = (change - MINUTE).astimezone(zone).replace(tzinfo=None) + MINUTE
        around = [skipped + n * MINUTE for n in (-40, 20, 50)]
        first = change.replace(minute=0) - timedelta(hours=26)
        for window in (NIGHT, *(Window(one.time(), two.time()) for one, two in pairwise(around))):
            made = table(zone, window)
            oracle = Oracle(made, first, 60 * 36)
            for n in range(60 * 24, 60 * 29, 23):
                assert (made.present(first + n * MINUTE) is not None) == oracle.inside[n]
                turn = made.change(first + n * MINUTE)
                ahead = oracle.inside[n:]
                if (not ahead[0]) in ahead:
                    assert turn == first + (n + ahead.index(not ahead[0])) * MINUTE


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


NIGHT = Window(time(18), time(8))


@pytest.mark.parametrize(
    ("moment", "start", "end"),
    [
        ("2026-11-20 17:59", None, None),
        ("2026-11-20 18:00", "2026-11-20 18:00", "2026-11-21 08:00"),
        ("2026-11-21 07:59", "2026-11-20 18:00", "2026-11-21 08:00"),
        ("2026-11-21 08:00", None, None),
        ("2026-03-29 07:00", "2026-03-28 18:00", "2026-03-29 08:00"),  # an hour shorter
        ("2026-10-25 07:00", "2026-10-24 18:00", "2026-10-25 08:00"),  # an hour longer
    ],
)
def test_a_night(moment: str, start: str | None, end: str | None):
    expected = Stretch(at(start), at(end)) if start and end else None
    assert table(BERLIN, NIGHT).present(at(moment)) == expected


def test_a_night_may_be_shorter_or_longer():
    lengths = [
        table(BERLIN, NIGHT).present(at(day + " 22:00"))
        for day in ("2026-03-28", "2026-10-24", "2026-11-20")
    ]
    assert [one.end - one.start for one in lengths] == [
        timedelta(hours=13),
        timedelta(hours=15),
        timedelta(hours=14),
    ]


def test_nights_and_weekends_that_meet_are_one_stretch():
    weekend = Window(time(8), time(8), frozenset({5, 6}))
    made = table(BERLIN, Window(time(18), time(8), WEEKDAYS), weekend)
    assert made.present(at("2026-11-22 12:00")) == Stretch(
        at("2026-11-20 18:00"), at("2026-11-23 08:00")
    )


def test_a_long_holiday_begins_with_the_night_before_it():
    made = table(BERLIN, NIGHT, whole_days=(Days(date(2026, 12, 19), date(2027, 1, 17)),))
    stretch = made.present(at("2027-01-10 12:00"))
    assert stretch == Stretch(at("2026-12-18 18:00"), at("2027-01-18 08:00"))
    assert made.following(at("2026-12-18 12:00")) == stretch


def test_only_a_far_holiday():
    made = table(BERLIN, whole_days=(Days(date(2027, 8, 1), date(2027, 8, 2)),))
    assert made.change(at("2026-11-20 12:00")) == at("2027-08-01 00:00")
    assert made.present(at("2027-08-02 12:00")).end == at("2027-08-03 00:00")
    assert made.change(at("2027-09-01 12:00")) is None


def test_all_day_every_day_never_ends():
    made = table(BERLIN, Window(time(0), time(0), EVERY_DAY))
    assert made.present(at("2026-11-20 12:00")).end is None
    assert made.change(at("2026-11-20 12:00")) is None


def test_a_window_of_a_given_length_and_the_end_of_the_last_one():
    made = table(BERLIN, Window(time(22), time(22)), length=timedelta(hours=4))
    assert made.present(at("2026-11-21 01:59")) == Stretch(
        at("2026-11-20 22:00"), at("2026-11-21 02:00")
    )
    assert made.present(at("2026-11-21 02:00")) is None
    assert made.last_end(at("2026-11-21 12:00")) == at("2026-11-21 02:00")


def test_no_window_begins_on_a_free_day():
    made = table(BERLIN, NIGHT, free_days=(Days(date(2026, 11, 20), date(2026, 11, 20)),))
    assert made.present(at("2026-11-20 22:00")) is None
    assert made.present(at("2026-11-20 07:00")) is not None


def test_a_window_that_the_clock_jumps_over_does_not_happen():
    made = table(BERLIN, Window(time(2), time(3)))
    assert made.present(at("2026-03-29 03:00")) is None
    assert made.following(at("2026-03-28 12:00")).start == at("2026-03-30 02:00")
