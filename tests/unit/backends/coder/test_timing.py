"""Whose time counts: ours, which must agree with a deployment's, or a simulated deployment's."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from carrel.backends.coder.timing import MOST_APART, DeploymentClock, Watch
from carrel.domain.fleet import passing
from carrel.domain.fleet.passing import asking
from carrel.domain.fleet.rehearsing import MOMENT, SPEED, Tick, announced, heard
from carrel.errors import RefusedError
from carrel.simulators.coder.peopling.population import Population
from carrel.simulators.coder.serving.dispatch import Asked
from carrel.simulators.coder.serving.faults import Fault, Kind
from carrel.simulators.coder.simulator import Simulator
from carrel.testing.clocks import HandClock

THEN = datetime(2030, 1, 1, 12, tzinfo=UTC)
HERE = "http://127.0.0.1:1"  # nobody listens there
FAR = "https://coder.example.com"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def real() -> HandClock:
    return HandClock()


@pytest.fixture
def rehearsal(real: HandClock) -> Iterator[Simulator]:
    population = Population(workspaces=5, people=2, start=THEN)
    with Simulator(population, speed=60.0, real=real).serving() as running:
        yield running


def test_a_tick_is_heard_as_it_was_announced():
    tick = Tick(THEN + timedelta(microseconds=7), 0.5)
    assert heard(announced(tick)) == tick


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {MOMENT: "2030-01-01T12:00:00+00:00"},
        {MOMENT: "2030-01-01T12:00:00", SPEED: "1"},
        {MOMENT: "noon", SPEED: "1"},
        {MOMENT: "2030-01-01T12:00:00+00:00", SPEED: "fast"},
        {MOMENT: "2030-01-01T12:00:00+00:00", SPEED: "-1"},
        {MOMENT: "2030-01-01T12:00:00+00:00", SPEED: "nan"},
        {MOMENT: "2030-01-01T12:00:00+00:00", SPEED: "inf"},
    ],
)
def test_what_is_no_tick_is_not_heard(headers: dict[str, str]):
    assert heard(headers) is None


def test_the_first_question_is_answered_with_the_simulated_time(
    real: HandClock, rehearsal: Simulator
):
    clock = DeploymentClock(real, rehearsal.url)
    assert clock.now() == THEN
    real.advance(MINUTE)
    assert clock.now() == THEN + 60 * MINUTE


def test_where_time_runs_fast_waiting_is_short(real: HandClock, rehearsal: Simulator):
    clock = DeploymentClock(real, rehearsal.url)
    clock.wait(120.0)
    assert real.waited == [2.0]
    assert clock.now() == THEN + 2 * MINUTE


def test_where_time_stands_still_it_stands_still_here(real: HandClock):
    clock = DeploymentClock(real, HERE)
    clock.hear(announced(Tick(THEN, 0.0)))
    clock.wait(3.0)
    assert real.waited == [3.0]
    assert clock.now() == THEN


def test_where_time_stands_still_waiting_lets_it_pass(real: HandClock):
    with Simulator(Population(workspaces=5, people=2, start=THEN), real=real).serving() as still:
        clock = DeploymentClock(real, still.url)
        assert clock.now() == THEN
        clock.wait(90.0)
        assert real.waited == []
        assert clock.now() == still.clock.now() == THEN + timedelta(seconds=90)


def test_a_lost_answer_leaves_nobody_in_another_time(real: HandClock):
    with Simulator(Population(workspaces=5, people=2, start=THEN), real=real).serving() as still:
        still.fault(Fault(Kind.DROP, path="^/buildinfo$", count=2))
        clock = DeploymentClock(real, still.url)
        assert clock.now() == THEN
        still.fault(Fault(Kind.RESET, path="^/buildinfo$", count=2))
        clock.wait(90.0)
        assert real.waited == []
        assert clock.now() == THEN + timedelta(seconds=90)


def test_nobody_makes_time_pass_that_runs_by_itself(real: HandClock, rehearsal: Simulator):
    asked = Asked("GET", "/api/v2/buildinfo", asking(3600))
    assert heard({k.lower(): v for k, v in rehearsal.answer(asked).headers.items()}) == Tick(
        THEN, 60.0
    )


@pytest.mark.parametrize(
    ("written", "span"),
    [("5", 5), ("-5", 0), ("soon", 0), ("nan", 0), ("1e99", 0), ("1e9", 86_400)],
)
def test_how_much_time_is_asked_for(written: str, span: int):
    assert passing.asked({passing.HEADER: written}) == timedelta(seconds=span)


def test_a_late_answer_does_not_turn_time_back(real: HandClock):
    clock = DeploymentClock(real, HERE)
    clock.hear(announced(Tick(THEN + MINUTE, 1.0)))
    assert clock.now() == THEN + MINUTE
    clock.hear(announced(Tick(THEN, 1.0)))
    assert clock.now() == THEN + MINUTE


@pytest.mark.parametrize("address", [FAR, "http://coder.example.com", "https://127.0.0.1:1"])
def test_a_deployment_elsewhere_can_not_claim_to_be_simulated(real: HandClock, address: str):
    clock = DeploymentClock(real, address)
    assert not clock.hear(announced(Tick(THEN, 60.0)))
    assert clock.now() == real.now()


def test_a_simulated_time_may_lie_before_ours(real: HandClock):
    clock = DeploymentClock(real, HERE)
    past = real.now() - timedelta(days=99)
    assert clock.hear(announced(Tick(past, 1.0)))
    assert clock.now() == past


def test_who_does_not_answer_is_not_followed(real: HandClock):
    clock = DeploymentClock(real, HERE)
    assert clock.now() == real.now()
    clock.wait(1.0)
    assert real.waited == [1.0]


def test_a_rehearsal_never_differs_however_late_its_answer_comes(real: HandClock):
    watch = Watch(DeploymentClock(real, HERE))
    then = THEN.replace(microsecond=0)
    watch.hear({"date": format_datetime(then, usegmt=True)})
    watch.hear(announced(Tick(then + 10 * MINUTE, 600.0)))
    watch.hear({"date": format_datetime(then, usegmt=True), **announced(Tick(then, 600.0))})
    watch.agree(HERE)


@pytest.mark.parametrize("way", [1, -1])
def test_a_clock_that_differs_is_a_reason_to_refuse(real: HandClock, way: int):
    watch = Watch(DeploymentClock(real, FAR))
    off = real.now() + way * (MOST_APART + MINUTE)
    watch.hear({"date": format_datetime(off, usegmt=True)})
    with pytest.raises(RefusedError) as error:
        watch.agree(FAR)
    assert error.value.code == "clock_differs"
    assert f"3 minutes {'ahead of' if way > 0 else 'behind'} ours" in str(error.value)


@pytest.mark.parametrize("date", ["", "soon", "Mon, 02 Mar 2026 18:01:30 GMT"])
def test_who_tells_no_time_or_nearly_ours_is_not_contradicted(real: HandClock, date: str):
    watch = Watch(real)
    watch.hear({"date": date})
    watch.agree(FAR)


def test_a_clock_that_was_set_right_is_no_reason_any_more(real: HandClock):
    watch = Watch(real)
    watch.hear({"date": format_datetime(real.now() + timedelta(days=1), usegmt=True)})
    watch.hear({"date": format_datetime(real.now(), usegmt=True)})
    watch.agree(FAR)


def test_requests_are_counted_by_real_minutes(real: HandClock):
    assert Watch(DeploymentClock(real, HERE)).pacing is real
    assert Watch(real).pacing is real
