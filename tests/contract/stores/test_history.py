"""Recorded observations, running time and bills, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from carrel.domain.fleet.remembering import Billed, Ran, Record
from carrel.errors import FailedError
from carrel.stores import schema
from carrel.stores.database import DatabaseService
from carrel.stores.revisions import HEAD

FLEET, OTHER = "https://coder.example.org", "https://other.example.org"
NOW = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
STEP = timedelta(minutes=5)
MARCH, APRIL, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 5))


def recorded(db: DatabaseService, count: int, alone: set[int], fleet: str = FLEET) -> list[Record]:
    made = [Record(NOW + n * STEP, n in alone, bytes([n % 256, 0, 255])) for n in range(count)]
    with db.writing() as session:
        for n, one in enumerate(made):
            assert session.history.add_record(fleet, one, made[n - 1].at if n else None)
    return made


def test_records_come_back_from_one_that_stands_alone(db: DatabaseService) -> None:
    made = recorded(db, 250, {0, 120})
    recorded(db, 3, {0}, OTHER)
    with db.reading() as session:
        history = session.history
        assert history.last_record(FLEET) == made[-1].at
        assert history.last_record("nowhere") is None
        assert list(history.records("nowhere", NOW, NOW + STEP)) == []
        assert list(history.records(FLEET, NOW, made[-1].at)) == made
        assert list(history.records(FLEET, made[119].at, made[121].at)) == made[:122]
        assert list(history.records(FLEET, made[200].at, made[201].at)) == made[120:202]
        assert list(history.records(FLEET, NOW - 9 * STEP, NOW)) == made[:1]
        assert list(history.records(FLEET, NOW - 9 * STEP, NOW - STEP)) == []


def test_one_record_follows_the_other(db: DatabaseService) -> None:
    made = recorded(db, 2, {0})
    late = Record(NOW + 2 * STEP, alone=False, body=b"late")
    with db.writing() as session:
        assert not session.history.add_record(FLEET, late, None)
        assert not session.history.add_record(FLEET, late, made[0].at)
        assert session.history.add_record(FLEET, late, made[1].at)


def test_what_later_records_stand_on_is_not_forgotten(db: DatabaseService) -> None:
    made = recorded(db, 10, {0, 4, 8})
    with db.writing() as session:
        assert session.history.forget_records(FLEET, NOW - STEP) == 0
        assert session.history.forget_records(FLEET, made[7].at) == 4
        assert list(session.history.records(FLEET, NOW, made[-1].at)) == made[4:]


def test_running_time_adds_up_by_month(db: DatabaseService) -> None:
    one = Ran(MARCH, "w-1", "ada/dev", "ada", "python", 60.5)
    other = replace(one, workspace_id="w-2", workspace="bob/dev", owner="bob")
    with db.writing() as session:
        session.history.add_running(FLEET, [one, other])
        session.history.add_running(FLEET, [replace(one, workspace="ada/new", seconds=30)])
        session.history.add_running(FLEET, [replace(one, month=APRIL)])
        session.history.add_running(OTHER, [one])
    with db.reading() as session:
        march = session.history.running(FLEET, MARCH, APRIL)
        assert march == [replace(one, workspace="ada/new", seconds=90.5), other]
        assert session.history.running(FLEET, APRIL, MAY) == [replace(one, month=APRIL)]


def test_a_newer_bill_of_the_same_month_takes_the_place_of_the_older(db: DatabaseService) -> None:
    lines = [
        Billed(MARCH, "aws/1", "ada/dev", "ada", "python", 12.5, "USD"),
        Billed(MARCH, "aws/1", "", "", "", 3.25, "USD"),
    ]
    other = replace(lines[0], account="gcp/2")
    with db.writing() as session:
        assert session.history.put_bill(FLEET, MARCH, "aws/1", lines) == 0
        assert session.history.put_bill(FLEET, MARCH, "gcp/2", [other]) == 0
        newer = [replace(lines[0], cost=20.0)]
        assert session.history.put_bill(FLEET, MARCH, "aws/1", newer) == 2
        assert session.history.bills(FLEET, MARCH, APRIL) == [*newer, other]
        assert session.history.bills(FLEET, APRIL, MAY) == []


def test_time_that_goes_back_is_refused(db: DatabaseService) -> None:
    wrong = Ran(MARCH, "w-1", "ada/dev", "ada", "python", -1.0)
    with pytest.raises(FailedError) as told, db.writing() as session:
        session.history.add_running(FLEET, [wrong])
    assert told.value.code == "database_refused"


def test_history_goes_down_and_up_with_data_inside(db: DatabaseService) -> None:
    recorded(db, 3, {0})
    with db.writing() as session:
        session.append(NOW, "me", "plan.made", "p", {})
    schema.downgrade(db, "0003")
    assert schema.upgrade(db) == ("0003", HEAD)
    with db.reading() as session:
        assert session.history.last_record(FLEET) is None  # what 0003 can't hold
        assert [event.action for event in session.events()] == ["plan.made"]
    assert schema.check(db) == []
