"""Foreseeing the first stop: from change to change, never past the horizon."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.verdicts import Decide, Finding, Situation, Verdict, Wish
from carrel.planning.deciding import Configured
from carrel.planning.foreseeing import first_stops
from carrel.testing.observations import NOW, observation, workspace

HOUR = timedelta(hours=1)


@dataclass
class Alarm:
    """Wants a stop from a moment on, and says before that it will change then."""

    rings: datetime
    ends: datetime | None = None
    wish: Wish = Wish.STOP
    due: datetime | None = None
    name: str = "alarm"
    summary: str = "Rings."
    needs: frozenset[str] = frozenset()
    protects: bool = False
    asked: int = 0

    def read(self, table: Mapping[str, object]) -> object:
        return table

    def prepare(self, settings: object, situation: Situation) -> Decide:
        self.asked += 1

        def decide(one: FleetWorkspace) -> Verdict:
            if situation.at < self.rings:
                return Verdict(self.name, Wish.NOTHING, "Not yet.", self.rings)
            if self.ends is not None and situation.at >= self.ends:
                return Verdict(self.name, Wish.NOTHING, "Over.")
            return Verdict(self.name, self.wish, "It rings.", self.ends, due=self.due or self.rings)

        return decide

    def check(self, settings: object, observation: Observation | None) -> list[Finding]:
        return []


def foreseen(horizon: timedelta, *alarms: Alarm) -> Mapping[str, Verdict]:
    one = workspace()
    policies = [Configured(alarm, {}) for alarm in alarms]
    return first_stops(policies, Situation(at=NOW, observation=observation(one)), [one], horizon)


def test_the_moment_is_exact_although_changes_are_looked_at_in_steps() -> None:
    rings = NOW + 3 * HOUR + timedelta(minutes=1, seconds=7)
    [found] = foreseen(24 * HOUR, Alarm(rings)).values()
    assert (found.policy, found.due) == ("alarm", rings)


def test_nothing_past_the_horizon_is_foreseen() -> None:
    assert foreseen(HOUR, Alarm(NOW + 2 * HOUR)) == {}
    assert foreseen(HOUR, Alarm(NOW, due=NOW + 2 * HOUR)) == {}
    assert foreseen(2 * HOUR, Alarm(NOW, due=NOW + 2 * HOUR))


def test_what_is_kept_is_stopped_when_the_keeping_ends() -> None:
    lease = Alarm(NOW, NOW + 5 * HOUR, Wish.KEEP, "lease")
    [found] = foreseen(24 * HOUR, lease, Alarm(NOW + HOUR)).values()
    assert found.policy == "alarm"
    assert found.due == NOW + 5 * HOUR


def test_the_future_is_looked_at_where_it_changes_only() -> None:
    alarm = Alarm(NOW + 20 * HOUR)
    foreseen(24 * HOUR, alarm)
    assert alarm.asked == 2
