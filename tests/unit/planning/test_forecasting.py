"""The past comes again, moved on by whole weeks; how sure that is, is said."""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta

import pytest

from carrel.domain.fleet.recording import Recorder, settled
from carrel.domain.fleet.replaying import Replay
from carrel.domain.fleet.workspaces import Activity, BuildStatus, FleetWorkspace, Transition, Work
from carrel.domain.governance.foresight import Outcome, Sums
from carrel.domain.governance.safety import Safety
from carrel.planning import forecasting
from carrel.planning.backtesting import Look, Terms, backtest
from carrel.planning.deciding import Configured
from carrel.planning.forecasting import Rhythm
from carrel.planning.projecting import project
from carrel.policies.autostop import POLICY as AUTOSTOP
from carrel.testing.observations import NOW, build, observation, workspace

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
END = NOW.replace(minute=0)
IDLE = Configured(AUTOSTOP, AUTOSTOP.read({"idle_hours": 2}))


def at_hour(hour: int) -> FleetWorkspace:
    """A workspace that runs from 8 to 20 each day, and is used until 12."""
    at = END - WEEK + hour * HOUR
    day = at.replace(hour=0)
    runs = 8 <= at.hour < 20
    since = day + (8 if runs else 20 if at.hour >= 20 else -4) * HOUR
    turn = Transition.START if runs else Transition.STOP
    made = build(build_id=f"b{since}", transition=turn, created_at=since, completed_at=since)
    idle = min(at, day + 12 * HOUR)
    busy = runs and at.hour < 12
    activity = Activity(Work.CONNECTED if busy else Work.IDLE, since if busy else idle, "So.")
    return workspace(build=made, activity=activity, last_used_at=at if busy else idle)


def a_week() -> Iterator[Look]:
    recorder, replay = Recorder(), Replay()
    for hour in range(7 * 24):
        seen = observation(at_hour(hour), at=END - WEEK + hour * HOUR)
        replay.take(recorder.document(settled(seen)))
        yield replay


def test_a_recorded_week_comes_again_day_by_day() -> None:
    base = Rhythm(END - WEEK, END, "recorded")
    looks = forecasting.future(a_week, base, END + 2 * WEEK)
    terms = Terms((IDLE,), Safety(), END, lambda _: 1.0)
    told = forecasting.forecast(backtest(looks, terms), base)
    (mine,) = told.workspaces
    assert mine.stops == 14
    assert mine.first.hour == 14
    assert mine.first >= END
    assert mine.saved_hours == pytest.approx(14 * 6, abs=12)
    assert told.outcome.sums.hours == pytest.approx(14 * 12, abs=12)
    assert told.outcome.until <= END + 2 * WEEK
    assert told.sure == "low"


def moments(one: FleetWorkspace) -> dict[str, datetime | None]:
    """Every moment that is known of a workspace."""
    return {
        f"{type(part).__name__}.{field.name}": getattr(part, field.name)
        for part in (one, one.build, one.activity)
        for field in fields(part)
        if "datetime.datetime" in str(field.type)
    }


def test_everything_that_comes_again_is_moved_on_by_whole_rounds() -> None:
    full = replace(
        workspace(),
        build=build(deadline=NOW + HOUR, max_deadline=NOW + DAY),
        next_start_at=NOW + 2 * DAY,
        dormant_at=NOW - 2 * DAY,
        deleting_at=NOW + 3 * DAY,
    )

    def past() -> Iterator[Look]:
        recorder, replay = Recorder(), Replay()
        for hour in range(-30, 25):  # before the stretch that counts, and its end, too
            seen = observation(full, at=NOW + hour * HOUR)
            replay.take(recorder.document(settled(seen)))
            yield replay

    base = Rhythm(NOW, NOW + DAY, "recorded")
    seen = [
        (look.frame.at, look.workspace("w1"), look.upset, set(look.touched))
        for look in forecasting.future(past, base, NOW + 3 * DAY)
    ]
    assert [at for at, *_ in seen] == [NOW + DAY + hour * HOUR for hour in range(49)]
    assert [at for at, _, upset, _ in seen if upset] == [NOW + DAY, NOW + 2 * DAY, NOW + 3 * DAY]
    assert [at for at, *_, touched in seen if touched] == [NOW + n * DAY for n in (1, 2, 3)]
    known = moments(full)
    assert None not in known.values(), "a new moment needs a value above"
    builds = [full.build.build_id]
    for round_, (_, one, *_) in enumerate((seen[0], seen[24], seen[48]), 1):
        assert one is not None
        assert moments(one) == {name: at and at + round_ * DAY for name, at in known.items()}
        builds.append(one.build.build_id)
    assert len(set(builds)) == 4, "each round is a run of its own"


@pytest.mark.parametrize(
    ("known", "weeks", "days"), [(40 * DAY, 4, 28), (15 * DAY, 2, 14), (3.5 * DAY, 0, 3)]
)
def test_whole_weeks_come_again_or_else_whole_days(known: timedelta, weeks: int, days: int) -> None:
    base = forecasting.rhythm(END - known, END, "logs")
    assert base is not None
    assert (base.weeks, base.length, base.end) == (weeks, days * DAY, END)


def test_nothing_comes_again_of_less_than_a_day() -> None:
    assert forecasting.rhythm(END - 20 * HOUR, END, "recorded") is None


def test_a_projection_lets_the_backends_own_clocks_go_on() -> None:
    ends = replace(workspace(), build=build(deadline=NOW + HOUR))
    used = replace(ends, workspace_id="w2", activity=Activity(Work.CONNECTED, NOW, "ssh"))
    capped = replace(
        used,
        workspace_id="w3",
        build=build(deadline=NOW + HOUR, max_deadline=NOW + 2 * HOUR),
    )
    sleeps = workspace(
        workspace_id="w4",
        build=build(transition=Transition.STOP, status=BuildStatus.SUCCEEDED),
        next_start_at=NOW + 2 * HOUR,
        ttl=8 * HOUR,
    )
    dormant = replace(sleeps, workspace_id="w5", dormant_at=NOW - DAY)
    seen = observation(ends, used, capped, sleeps, dormant)
    found = project(seen, NOW + 3 * HOUR)
    later = {one.workspace_id: one for one in found.observation.workspaces}
    assert [key for key, one in later.items() if one.on] == ["w2", "w4"]
    assert later["w4"].build.deadline == NOW + 10 * HOUR
    assert [(one.workspace_id, at) for one, at in found.stopped] == [
        ("w1", NOW + HOUR),
        ("w3", NOW + 2 * HOUR),
    ]
    assert project(seen, NOW + timedelta(minutes=5)).observation.workspaces == seen.workspaces


def test_a_projection_ends_what_it_started_and_starts_what_it_ended() -> None:
    night = replace(
        workspace(), build=build(deadline=NOW + HOUR), next_start_at=NOW + 4 * HOUR, ttl=2 * HOUR
    )
    early = replace(night, workspace_id="w2", next_start_at=NOW + HOUR / 2)
    seen = observation(night, early)

    def at(hours: float) -> tuple[list[bool], list[tuple[str, float]], list[tuple[str, float]]]:
        found = project(seen, NOW + hours * HOUR)
        turns = (
            [(one.workspace_id, (when - NOW) / HOUR) for one, when in each]
            for each in (found.stopped, found.started)
        )
        return [one.on for one in found.observation.workspaces], *turns  # type: ignore[return-value]

    first = [("w1", 1.0), ("w2", 1.0)]
    assert at(2) == ([False, False], first, [])
    assert at(5) == ([True, False], first, [("w1", 4.0)])
    assert at(7) == ([False, False], [("w1", 1.0), ("w1", 6.0), ("w2", 1.0)], [("w1", 4.0)])


@pytest.mark.parametrize("status", ["dormant", "suspended"])
def test_nothing_is_started_for_an_owner_who_is_not_active(status: str) -> None:
    off = build(transition=Transition.STOP, status=BuildStatus.SUCCEEDED)
    one = workspace(build=off, next_start_at=NOW + HOUR)
    seen = observation(one)
    assert len(project(seen, NOW + 2 * HOUR).started) == 1
    users = {key: replace(user, status=status) for key, user in seen.users.items()}
    assert project(replace(seen, users=users), NOW + 2 * HOUR).started == ()


def test_who_is_at_work_has_moved_the_deadline_as_far_as_the_template_lets() -> None:
    used = replace(
        workspace(),
        build=build(deadline=NOW + HOUR),
        activity=Activity(Work.CONNECTED, NOW, "ssh"),
    )
    capped = replace(
        used,
        workspace_id="w2",
        build=build(deadline=NOW + HOUR, max_deadline=NOW + 4 * HOUR),
    )
    template = replace(next(iter(observation().templates.values())), activity_bump=2 * HOUR)
    seen = observation(used, capped, templates={template.template_id: template})
    later = project(seen, NOW + 3 * HOUR).observation.workspaces
    assert [one.build.deadline for one in later] == [NOW + 5 * HOUR, NOW + 4 * HOUR]


def coming(hours: list[float]) -> Outcome:
    """Sixteen days, of which the first and the last are half ones."""
    days = {f"2026-12-{day:02}": Sums(hours=ran) for day, ran in enumerate(hours, 1)}
    until = END + (len(hours) - 1) * DAY
    return Outcome(END, until, 1, (), Sums(hours=sum(hours)), days)


def test_the_range_is_of_whole_weeks_and_holds_what_is_expected() -> None:
    two = Rhythm(END - 2 * WEEK, END, "recorded")
    told = forecasting.forecast(coming([5.0, *[10.0] * 14, 5.0]), two)
    assert (told.least, told.most) == (Sums(hours=150), Sums(hours=150))
    told = forecasting.forecast(coming([5.0, *[10.0] * 7, *[20.0] * 7, 5.0]), two)
    assert told.least is not None
    assert told.most is not None
    assert (told.least.hours, told.most.hours) == pytest.approx((150.0, 300.0))
    told = forecasting.forecast(coming([90.0, *[10.0] * 14, 90.0]), two)
    assert (told.least, told.most) == (Sums(hours=150), told.outcome.sums)


def test_a_single_week_that_comes_again_has_no_range() -> None:
    told = forecasting.forecast(coming([10.0] * 16), Rhythm(END - WEEK, END, "recorded"))
    assert (told.least, told.most) == (None, None)
