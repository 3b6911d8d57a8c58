"""Looking at a moment to come, back at the past and ahead, on a fleet in memory."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from carrel.control.fleet import foreseeing, governing, observing, plans, recording
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.deployment import Feature, Source
from carrel.domain.fleet.history import AuditEntry, Connection
from carrel.domain.fleet.observation import Observation
from carrel.domain.governance.plans import Deed
from carrel.errors import BadInputError, NotFoundError
from carrel.planning.deciding import Configured
from carrel.policies.autostop import POLICY as AUTOSTOP
from carrel.testing.clocks import HandClock
from carrel.testing.fleets import FakeFleet

HOUR, STEP = timedelta(hours=1), timedelta(minutes=30)


@pytest.fixture
def idle(ctx: FleetContext) -> FleetContext:
    ctx.remember = timedelta(days=90)
    ctx.policies = (
        *(one for one in ctx.policies if one.policy.protects),
        Configured(AUTOSTOP, AUTOSTOP.read({"idle_hours": 6})),
    )
    return ctx


def lived(ctx: FleetContext, clock: HandClock, hours: float) -> None:
    for _ in range(int(hours * 2)):
        recording.record(ctx, observing.observe(ctx))
        clock.advance(STEP)


def test_a_simulation_tells_what_a_pass_would_do_and_stores_nothing(
    idle: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("dev")
    now = clock.now()
    assert foreseeing.simulate(idle, now + HOUR).plan.actions == ()
    found = foreseeing.simulate(idle, now + 5 * HOUR)
    assert [(one.deed, one.workspace) for one in found.plan.actions] == [(Deed.STOP, "ada/dev")]
    assert (found.recorded, plans.listing(idle), fleet.requests) == (False, [], [])


def test_a_moment_that_has_gone_by_is_seen_as_it_was_recorded(
    idle: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    workspace = fleet.add("dev")
    began = clock.now()
    lived(idle, clock, 12)
    fleet.stop(workspace)
    clock.advance(HOUR)
    found = foreseeing.simulate(idle, began + 6 * HOUR)
    assert found.recorded
    assert [one.workspace for one in found.plan.actions] == ["ada/dev"]
    with pytest.raises(NotFoundError) as told:
        foreseeing.simulate(idle, began - HOUR)
    assert told.value.code == "nothing_recorded"


def test_a_backtest_goes_through_what_was_recorded(
    idle: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("dev")
    fleet.add("excluded-web")
    began = clock.now()
    lived(idle, clock, 12)
    found = foreseeing.look_back(idle, began, clock.now())
    assert found.source == "recorded"
    (halt,) = found.outcome.halts
    assert (halt.workspace, halt.at) == ("ada/dev", began + 4 * HOUR)
    assert fleet.requests == []
    of_one = foreseeing.look_back(idle, began, clock.now(), ["autostop"])
    assert of_one.outcome.halts == (halt,), "what only keeps is asked in any case"


def test_a_backtest_needs_a_past_and_policies_that_are_in_force(
    idle: FleetContext, clock: HandClock
) -> None:
    now = clock.now()
    with pytest.raises(NotFoundError) as told:
        foreseeing.look_back(idle, now - HOUR, now)
    assert told.value.code == "nothing_recorded"
    with pytest.raises(BadInputError) as lost:
        foreseeing.look_back(idle, now - HOUR, now, ["prune"])
    assert lost.value.code == "policy_not_in_force"
    with pytest.raises(BadInputError) as span:
        foreseeing.look_back(idle, now + HOUR, now)
    assert span.value.code == "bad_time_span"


class Remembering(FakeFleet):
    """A fleet whose backend keeps logs."""

    entries: tuple[AuditEntry, ...] = ()
    lines: tuple[Connection, ...] = ()

    def observe(self, previous: Observation | None = None) -> Observation:
        seen = super().observe(previous)
        features = tuple(Feature(name, Source.NATIVE, "So.") for name in ("audit", "connections"))
        return replace(seen, deployment=replace(seen.deployment, features=features))

    def audit(self, since: datetime, until: datetime) -> Iterator[AuditEntry]:
        return (one for one in self.entries if since <= one.at <= until)

    def connections(self, since: datetime, until: datetime) -> Iterator[Connection]:
        return iter(self.lines)


def test_without_a_recording_the_logs_tell(idle: FleetContext, clock: HandClock) -> None:
    fleet = Remembering(clock)
    idle._fleet = fleet  # noqa: SLF001 - the one that keeps logs
    one = fleet.add("dev")
    clock.advance(48 * HOUR)
    now = clock.now()
    fields = {"workspace_id": one.workspace_id, "workspace_owner": "ada", "workspace_name": "dev"}
    fleet.entries = (
        AuditEntry("e1", now - 30 * HOUR, "ada", "start", "workspace_build", "dev", "b",
                   details={"additional_fields": fields}),
    )  # fmt: skip
    fleet.lines = (
        Connection("c", one.workspace_id, "dev", "ada", "ada", "ssh",
                   now - 24 * HOUR, now - 20 * HOUR),
    )  # fmt: skip
    found = foreseeing.look_back(idle, now - 26 * HOUR, now)
    assert found.source == "logs"
    assert [halt.at for halt in found.outcome.halts] == [now - 14 * HOUR]
    assert any("logs" in note for note in found.notes)


def test_what_tells_of_the_longer_time_is_taken_unless_one_is_asked_for(
    idle: FleetContext, clock: HandClock
) -> None:
    idle._fleet = fleet = Remembering(clock)  # noqa: SLF001 - the one that keeps logs
    one = fleet.add("dev")
    began = clock.now()
    fields = {"workspace_id": one.workspace_id, "workspace_owner": "ada", "workspace_name": "dev"}
    fleet.entries = (
        AuditEntry("e1", began, "ada", "start", "workspace_build", "dev", "b",
                   details={"additional_fields": fields}),
    )  # fmt: skip
    clock.advance(24 * HOUR)
    lived(idle, clock, 8)

    def source(hours: float, wanted: str = foreseeing.EITHER) -> str:
        now = clock.now()
        return foreseeing.look_back(idle, now - hours * HOUR, now, source=wanted).source

    assert (source(32), source(32, foreseeing.RECORDED)) == ("logs", "recorded")
    assert (source(10), source(10, foreseeing.LOGS)) == ("recorded", "logs")


def test_a_forecast_lets_recorded_days_come_again(
    idle: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("dev")
    lived(idle, clock, 50)
    told = foreseeing.look_ahead(idle, 3).forecast
    assert told.rhythm.length == timedelta(days=2)
    assert told.sure == "low"
    assert told.since >= clock.now() - STEP
    assert [one.workspace for one in told.workspaces] == ["ada/dev"]
    with pytest.raises(BadInputError):
        foreseeing.look_ahead(idle, 0)


def test_a_forecast_of_an_unknown_past_is_refused(idle: FleetContext) -> None:
    with pytest.raises(NotFoundError) as told:
        foreseeing.look_ahead(idle, 30)
    assert told.value.code == "nothing_recorded"


def test_a_pass_records_what_a_backtest_needs(
    idle: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("dev")
    began = clock.now()
    for _ in range(12):
        governing.once(idle)
        clock.advance(STEP)
    found = foreseeing.look_back(idle, began, clock.now())
    assert [one.workspace for one in found.outcome.halts] == ["ada/dev"]
    assert found.outcome.halts[0].hours < 1, "it was stopped in truth just then"
