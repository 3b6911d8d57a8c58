"""What passes saw is recorded, comes back, and adds up what ran."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta

import pytest

from carrel.control.fleet import governing, observing, recording, spending
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.recording import settled
from carrel.domain.fleet.remembering import Record
from carrel.domain.fleet.workspaces import FleetWorkspace, Transition
from carrel.errors import FailedError
from carrel.planning.deciding import Configured
from carrel.policies.budget import POLICY as BUDGET
from carrel.ports.store import Session, Store
from carrel.testing.clocks import HandClock
from carrel.testing.fleets import ADDRESS, FakeFleet

STEP = timedelta(minutes=5)


@pytest.fixture
def recorded(ctx: FleetContext) -> FleetContext:
    ctx.remember = timedelta(days=1)
    return ctx


def told(ctx: FleetContext) -> list[Record]:
    now = ctx.now()
    with ctx.store.reading() as session:
        return list(session.history.records(ADDRESS, now - timedelta(days=9), now))


def test_a_pass_records_what_it_saw(
    recorded: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("excluded-dev")
    governing.once(recorded)
    first = recorded.seen
    clock.advance(STEP)
    fleet.add("excluded-web")
    governing.once(recorded)
    looks = [look.observation() for look in recording.looks(recorded, clock.now(), clock.now())]
    assert first is not None
    assert recorded.seen is not None
    assert looks == [settled(first), settled(recorded.seen)]
    assert [one.alone for one in told(recorded)] == [True, False]


def test_nothing_is_recorded_where_nothing_is_kept(ctx: FleetContext, fleet: FakeFleet) -> None:
    fleet.add("excluded-dev")
    governing.once(ctx)
    assert told(ctx) == []


def test_passes_that_follow_at_once_are_recorded_once(
    recorded: FleetContext, clock: HandClock
) -> None:
    assert recording.record(recorded, observing.observe(recorded))
    clock.advance(timedelta(minutes=1))
    assert not recording.record(recorded, observing.observe(recorded))


def test_another_process_goes_on_where_the_last_one_ended(
    recorded: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("dev")
    recording.record(recorded, observing.observe(recorded))
    recorded.recorder = None
    clock.advance(STEP)
    seen = observing.observe(recorded)
    recording.record(recorded, seen)
    (_, second) = told(recorded)
    assert not second.alone
    *_, last = recording.looks(recorded, clock.now(), clock.now())
    assert last.observation() == settled(seen)


def test_what_is_too_old_is_forgotten(recorded: FleetContext, clock: HandClock) -> None:
    for _ in range(10):
        recording.record(recorded, observing.observe(recorded))
        clock.advance(timedelta(hours=12))
    assert [clock.now() - one.at < timedelta(days=3) for one in told(recorded)] == [True] * 3


def test_a_damaged_recording_is_told_and_begun_anew(
    recorded: FleetContext, clock: HandClock
) -> None:
    now = clock.now()
    with recorded.store.writing() as session:
        session.history.add_record(ADDRESS, Record(now, alone=True, body=b"rubbish"), None)
    with pytest.raises(FailedError) as caught:
        list(recording.looks(recorded, now, now))
    assert caught.value.code == "recording_damaged"
    clock.advance(STEP)
    assert recording.record(recorded, observing.observe(recorded))
    assert told(recorded)[-1].alone


class Overtaken:
    """A database in which somebody else writes a moment before we do."""

    def __init__(self, store: Store, first: Callable[[], object]) -> None:
        self._store = store
        self._first = first

    def reading(self) -> AbstractContextManager[Session]:
        return self._store.reading()

    def writing(self) -> AbstractContextManager[Session]:
        self._first()
        return self._store.writing()


def test_of_two_that_record_at_once_one_does_and_nothing_counts_twice(
    recorded: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("dev")
    recording.record(recorded, observing.observe(recorded))
    clock.advance(STEP)
    seen = observing.observe(recorded)
    rival = replace(recorded, recorder=None)
    store = Overtaken(recorded.store, lambda: recording.record(rival, seen))
    late = replace(recorded, store=store)
    assert not recording.record(late, seen)
    assert late.recorder is None
    assert len(told(recorded)) == 2
    begin, end = spending.month(recorded, seen.at)
    with recorded.store.reading() as session:
        (ran,) = session.history.running(ADDRESS, begin, end)
    assert ran.seconds == timedelta(hours=2, minutes=5).total_seconds()


def turned_off(workspace: FleetWorkspace, clock: HandClock) -> FleetWorkspace:
    build = replace(workspace.build, transition=Transition.STOP, created_at=clock.now())
    return replace(workspace, build=build)


def test_running_time_adds_up_to_the_second(
    recorded: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    recorded.policies = (
        Configured(BUDGET, BUDGET.read({"prices": {"python": 6.0}})),
        *recorded.policies,
    )
    workspace = fleet.add("dev")
    assert spending.spent(recorded, observing.observe(recorded), clock.now()) == {}
    recording.record(recorded, observing.observe(recorded))
    clock.advance(STEP)
    recording.record(recorded, observing.observe(recorded))
    clock.advance(timedelta(minutes=2))
    fleet.workspaces[workspace.workspace_id] = turned_off(workspace, clock)
    clock.advance(timedelta(minutes=3))
    seen = observing.observe(recorded)
    recording.record(recorded, seen)
    spent = spending.spent(recorded, seen, clock.now())  # it ran for two hours before
    assert spent["user:ada"] == pytest.approx(6.0 * (120 + 7) / 60)
    assert spent["template:python"] == pytest.approx(6.0 * (120 + 7) / 60)
    assert spent["group:developers"] == pytest.approx(6.0 * (120 + 7) / 60)


def test_the_first_pass_counts_the_present_runs_of_the_month(
    recorded: FleetContext, fleet: FakeFleet
) -> None:
    workspace = fleet.add("dev")
    seen = observing.observe(recorded)
    begin, end = spending.month(recorded, seen.at)
    began = workspace.on_since
    assert began is not None
    found = spending.ran(recorded, replace(seen, at=began + 12 * STEP), frozenset(), None)
    assert [one.seconds for one in found] == [3600.0]
    next_month = replace(seen, at=end + STEP)
    found = spending.ran(recorded, next_month, frozenset(), None)
    assert [(one.month, one.seconds) for one in found] == [(end, 300.0)]
    assert begin < began < end


def test_a_month_ends_at_its_end(recorded: FleetContext, fleet: FakeFleet) -> None:
    workspace = fleet.add("dev")
    seen = observing.observe(recorded)
    _, end = spending.month(recorded, seen.at)
    later = replace(seen, at=end + STEP)
    before = frozenset({workspace.workspace_id})
    found = spending.ran(recorded, later, before, end - 2 * STEP)
    assert [one.seconds for one in found] == [600.0, 300.0]
    assert found[1].month == end
