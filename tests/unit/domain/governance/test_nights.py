"""Quiet hours that are worked out once are everybody's own, and hold no longer than they are so."""

from dataclasses import replace
from datetime import UTC, datetime

from carrel.domain.fleet.people import QuietHours, User
from carrel.domain.governance.quiet import Nights, read_rules
from carrel.domain.governance.reading import Table
from carrel.testing.observations import observation, workspace

DESK = workspace()
SHED = workspace(workspace_id="w2", owner_id="u-bob", owner="bob")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_who_is_on_vacation_shares_no_night_with_who_is_not() -> None:
    rules = read_rules(
        Table("policy.quiet_hours", {"vacation": [{"users": ["ann"], "dates": ["2026-11-20"]}]})
    )
    bob = {"u-bob": User("u-bob", "bob")}
    seen = observation(DESK, SHED, licensed=True)
    users, hours = {**seen.users, **bob}, QuietHours("CRON_TZ=UTC 0 20 * * *")
    seen = replace(seen, users=users, default_quiet_hours=hours)
    nights = Nights(rules, seen, at("2026-11-20 12:00"))
    away, here = nights.of(DESK), nights.of(SHED)
    assert away is not None
    assert here is not None
    assert (away.day_off, away.present is None) == (True, False)
    assert (here.day_off, here.present is None) == (False, True)


def test_a_night_that_goes_on_into_a_holiday_says_so_from_midnight_on() -> None:
    table = {"start": "18:00", "end": "08:00", "native": False, "holidays": ["2026-11-21"]}
    rules = read_rules(Table("policy.quiet_hours", table))
    seen = observation(DESK)
    found = [
        night.day_off
        for moment in (
            "2026-11-20 17:00",
            "2026-11-20 22:30",
            "2026-11-21 00:30",
            "2026-11-22 01:00",
        )
        if (night := Nights(rules, seen, at(moment)).of(DESK)) is not None
    ]
    assert found == [False, False, True, False]
