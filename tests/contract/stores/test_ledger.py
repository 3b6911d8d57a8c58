"""What the ledger promises, on both databases: chained, without gaps, append-only."""

from datetime import datetime

import pytest

from carrel.domain.ledger import GENESIS, first_break
from carrel.domain.workspaces import State
from carrel.errors import BadInputError
from carrel.stores.database import DatabaseService


def test_events_are_chained_without_gaps(db: DatabaseService, now: datetime) -> None:
    with db.writing() as session:
        first = session.append(now, "me", "a.b", "ws-1", {"n": 1})

    def append_and_fail() -> None:
        with db.writing() as session:
            session.append(now, "me", "a.b", "ws-1", {"n": 2})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        append_and_fail()
    with db.writing() as session:
        others = [session.append(now, "me", "a.c", "ws-2", {"n": n}) for n in (3, 4)]
    with db.reading() as session:
        found = list(session.events())
        assert found == [first, *others]
        assert [event.sequence for event in found] == [1, 2, 3]
        assert first.previous == GENESIS
        assert first_break(found) is None
        assert list(session.events(after=1, limit=1)) == [others[0]]
        assert list(session.events(subject="ws-2", after=2)) == [others[1]]
        assert session.latest_events(2) == others


def test_facts_are_hashed_as_they_are_read_again(db: DatabaseService, now: datetime) -> None:
    facts = {"pair": (1, 2), "by": {10: "ten", 9: "nine"}, "state": State.ACTIVE, "none": None}
    with db.writing() as session:
        event = session.append(now, "me", "a.b", "ws-1", facts)
    with db.reading() as session:
        assert list(session.events()) == [event]
        assert first_break([event]) is None
    assert event.data["pair"] == [1, 2]


@pytest.mark.parametrize("wrong", [{"x": {1, 2}}, {"x": float("nan")}])
def test_facts_that_are_no_json_are_refused(
    db: DatabaseService, now: datetime, wrong: dict[str, object]
) -> None:
    with pytest.raises(BadInputError) as caught, db.writing() as session:
        session.append(now, "me", "a.b", "ws-1", wrong)
    assert caught.value.code == "bad_facts"


def test_a_moment_without_zone_is_refused(db: DatabaseService, now: datetime) -> None:
    with pytest.raises(BadInputError) as caught, db.writing() as session:
        session.append(now.replace(tzinfo=None), "me", "a.b", "ws-1", {})
    assert caught.value.code == "naive_moment"


def test_many_events_are_read_page_by_page(db: DatabaseService, now: datetime) -> None:
    with db.writing() as session:
        for number in range(2105):
            session.append(now, "me", "a.b", f"s-{number % 2}", {})
    with db.reading() as session:
        assert [event.sequence for event in session.events()] == list(range(1, 2106))
        assert len(list(session.events(subject="s-1"))) == 1052
        assert len(list(session.events(limit=1500))) == 1500
        assert first_break(session.events()) is None


_COPY = "INSERT INTO ledger SELECT {n}, at, actor, action, subject, data, '{previous}', '{hash}'"
_SECOND = " FROM ledger WHERE sequence = 2"
ATTACKS = {
    "update": ("UPDATE ledger SET actor = 'x'",) * 2,
    "delete": ("DELETE FROM ledger WHERE sequence = 2",) * 2,
    "empty": ("DELETE FROM ledger", "TRUNCATE ledger"),
    "replace": (
        "INSERT OR REPLACE INTO ledger SELECT * FROM ledger",
        "INSERT INTO ledger SELECT * FROM ledger ON CONFLICT (sequence) DO UPDATE SET actor = 'x'",
    ),
    "leave a gap": (_COPY.replace("{n}", "4") + _SECOND,) * 2,
    "fork the chain": (_COPY.replace("{n}", "3").replace("{previous}", "f" * 64) + _SECOND,) * 2,
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_database_itself_keeps_the_ledger(
    db: DatabaseService, now: datetime, attack: str
) -> None:
    with db.writing() as session:
        before = [session.append(now, "me", "a.b", f"s-{number}", {}) for number in range(2)]
    statement = ATTACKS[attack][db.address.kind == "postgresql"]
    statement = statement.format(previous=before[-1].hash, hash="e" * 64)
    with pytest.raises(Exception, match="the ledger"), db.get_session() as session:
        session.connection().exec_driver_sql(statement)
    with db.reading() as session:
        assert list(session.events()) == before
