"""Making a report: what it needs is read, what can't be read is said, names choose."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from carrel.control.fleet import reporting
from carrel.control.fleet.context import FleetContext
from carrel.control.fleet.reporting import KINDS, Asked
from carrel.domain.fleet.deployment import Deployment, Feature, Source
from carrel.domain.fleet.history import AuditEntry, Connection, Usage
from carrel.domain.fleet.observation import Gap
from carrel.domain.fleet.people import Group, User
from carrel.domain.fleet.remembering import Ran
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.scopes import Scope
from carrel.errors import BadInputError, FailedError
from carrel.testing.clocks import HandClock
from carrel.testing.fleets import FakeFleet

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Remembering(FakeFleet):
    """A fleet with logs, each of which can fail."""

    failing: frozenset[str] = frozenset()
    licensed = True

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.log: list[Connection] = []
        self.spans: list[tuple[datetime, datetime]] = []

    def deployment(self) -> Deployment:
        source = Source.NATIVE if self.licensed else Source.UNAVAILABLE
        features = tuple(Feature(name, source, "So it is.") for name in ("connections", "audit"))
        return replace(super().deployment(), features=features)

    def connect(self, workspace: FleetWorkspace, user: str) -> None:
        at = self._clock.now() - HOUR
        self.log.append(
            Connection(f"c-{len(self.log)}", workspace.workspace_id, workspace.name,
                       workspace.owner, user, "ssh", at)
        )  # fmt: skip

    def connections(self, since: datetime, until: datetime) -> Iterator[Connection]:
        self.spans.append((since, until))
        self._fail("connections")
        return iter(self.log)

    def audit(self, since: datetime, until: datetime) -> Iterator[AuditEntry]:
        self._fail("audit")
        return iter(())

    def usage(self, since: datetime, until: datetime) -> list[Usage]:
        self._fail("usage")
        return [Usage("u-ada", "ada", 3 * HOUR)]

    def deleted(self) -> Iterator[FleetWorkspace]:
        self._fail("deleted")
        return iter(())

    def _fail(self, what: str) -> None:
        if what in self.failing:
            raise FailedError("fleet_forbidden", "The token may not read this.", cure="Ask.")


@pytest.fixture
def fleet(clock: HandClock) -> Remembering:
    made = Remembering(clock)
    made.add("dev")
    made.add("lab", "bob", organization_id="o-2", organization="research", template="gpu",
             template_id="t-2")  # fmt: skip
    made.users["u-eve"] = User("u-eve", "eve")
    made.users["u-bob"] = User("u-bob", "bob", groups=frozenset({"g-2"}))
    made.groups["g-2"] = Group("g-2", "physicists", "o-2")
    return made


def rows(ctx: FleetContext, name: str, **scope: tuple[str, ...]) -> list[object]:
    made = reporting.report(ctx, name, Asked(Scope(**scope)))
    return [row[0] for row in made.rows]


@pytest.mark.parametrize("name", KINDS)
def test_every_report_can_be_made_of_an_empty_fleet(name, ctx, fleet):
    fleet.workspaces.clear()
    fleet.users.clear()
    assert reporting.report(ctx, name, Asked()).rows == ()


@pytest.mark.parametrize("name", KINDS)
def test_what_can_not_be_read_becomes_a_line_with_its_cure(name, ctx, fleet):
    fleet.failing = frozenset({"connections", "audit", "usage", "deleted"})
    fleet.gaps = (Gap("groups", "It is forbidden.", "Ask an owner."),)
    made = reporting.report(ctx, name, Asked())
    said = {note.what: note.cure for note in made.notes}
    assert said["Not everything was seen (groups): It is forbidden."] == "Ask an owner."
    lacking = set(KINDS[name].needs) & {"connections", "audit", "usage", "deleted"}
    assert sum("It was not possible to read" in one for one in said) == len(lacking)


def test_without_a_licence_nobody_asks_for_the_log(ctx, fleet):
    fleet.licensed = False
    made = reporting.report(ctx, "activity", Asked())
    assert fleet.spans == []
    assert [row[:2] for row in made.rows] == [("ada", 3.0)]
    assert "Connections can't be seen. So it is." in [note.what for note in made.notes]


def test_workspaces_are_chosen_by_every_kind_of_name(ctx, fleet):
    assert rows(ctx, "ls") == ["ada/dev", "bob/lab"]
    assert rows(ctx, "ls", organizations=("RESEARCH",)) == ["bob/lab"]
    assert rows(ctx, "ls", groups=("physi*",)) == ["bob/lab"]
    assert rows(ctx, "ls", users=("ada",)) == ["ada/dev"]
    assert rows(ctx, "ls", templates=("python", "gpu")) == ["ada/dev", "bob/lab"]
    assert rows(ctx, "ls", users=("ada",), templates=("gpu",)) == []


def test_users_are_chosen_by_name_and_group_and_as_owners(ctx, fleet):
    assert rows(ctx, "last-seen") == ["ada", "bob", "eve"]
    assert rows(ctx, "last-seen", groups=("physicists",)) == ["bob"]
    assert rows(ctx, "last-seen", users=("e*",)) == ["eve"]
    assert rows(ctx, "last-seen", organizations=("research",)) == ["bob"]


@pytest.mark.parametrize("name", ["activity", "connections", "sessions"])
def test_connections_belong_to_who_connected(name, ctx, fleet):
    ada, bob = fleet.workspaces.values()
    fleet.connect(bob, "ada")
    fleet.connect(bob, "")
    fleet.connect(ada, "gone")
    assert sorted(rows(ctx, name)) == ["ada", "bob", "gone"]
    assert rows(ctx, name, users=("ada",)) == ["ada"]
    assert rows(ctx, name, users=("gone",)) == ["gone"]
    assert rows(ctx, name, groups=("physicists",)) == ["bob"]
    assert sorted(rows(ctx, name, organizations=("research",))) == ["ada", "bob"]
    assert rows(ctx, name, users=("ada",), templates=("python",)) == []


def test_a_name_that_fits_nothing_is_told(ctx):
    made = reporting.report(ctx, "ls", Asked(Scope(templates=("gpuu",))))
    assert [note.what for note in made.notes] == [
        "Nothing fits what was asked for: templates: gpuu."
    ]


def test_a_time_ends_now_at_the_latest_and_begins_a_week_before(ctx, fleet, clock):
    now = clock.now()
    made = reporting.report(ctx, "sessions", Asked(until=now + 9 * DAY))
    assert (made.since, made.until) == (now - 7 * DAY, now)
    made = reporting.report(ctx, "sessions", Asked(since=now - 30 * DAY, until=now - 20 * DAY))
    assert (made.since, made.until) == (now - 30 * DAY, now - 20 * DAY)
    assert fleet.spans[-1] == (made.since, made.until)


def test_cost_is_told_for_the_month_of_the_readers_calendar(ctx):
    """In the evening of the last day of a month, further east the next one has begun."""
    until = datetime(2025, 1, 31, 20, tzinfo=UTC)
    east = timezone(5 * HOUR)
    made = reporting.report(ctx, "cost", Asked(until=until, local=lambda at: at.astimezone(east)))
    assert made.since == datetime(2025, 1, 31, 19, tzinfo=UTC)
    assert reporting.report(ctx, "cost", Asked(until=until)).since == datetime(
        2025, 1, 1, tzinfo=UTC
    )


def test_a_time_that_ends_before_it_begins_is_refused(ctx, clock):
    now = clock.now()
    with pytest.raises(BadInputError) as failed:
        reporting.report(ctx, "cost", Asked(since=now, until=now - DAY))
    assert failed.value.code == "bad_time_span"


def record(ctx: FleetContext, month: datetime, hours: float) -> None:
    with ctx.store.writing() as session:
        ran = Ran(month, "w-1", "ada/dev", "ada", "python", hours * 3600)
        session.history.add_running(ctx.address, [ran])


def hours(ctx: FleetContext, **asked: datetime) -> dict[str, float]:
    made = reporting.report(ctx, "cost", Asked(**asked))
    return {str(row[0]): float(str(row[2])) for row in made.rows}


def test_without_an_audit_log_hours_are_what_passes_have_recorded(ctx, fleet, clock):
    """Both have been running for two hours; ada's ran before, too."""
    now = clock.now()
    march, february = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    record(ctx, march, 30)
    record(ctx, february, 100)
    assert hours(ctx) == {"ada/dev": 2, "bob/lab": 2}, "the log is licensed, and says nothing more"
    fleet.licensed, ctx.seen = False, None
    assert hours(ctx) == {"ada/dev": 30, "bob/lab": 2}
    assert hours(ctx, since=february) == {"ada/dev": 130, "bob/lab": 2}
    assert hours(ctx, since=february, until=march) == {"ada/dev": 100}
    assert hours(ctx, since=now - DAY) == {"ada/dev": 2, "bob/lab": 2}
    assert hours(ctx, since=february, until=february + 9 * DAY) == {}


def test_a_log_that_fails_is_made_up_for_by_what_was_recorded(ctx, fleet):
    record(ctx, datetime(2026, 3, 1, tzinfo=UTC), 30)
    fleet.failing = frozenset({"audit"})
    assert hours(ctx)["ada/dev"] == 30
