"""Plans, their progress, leases, the freeze and warnings, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import text
from tests.forks import at_once

from carrel.domain.governance.acting import Answer, Beginning, Freeze, Grant, Stopped
from carrel.domain.governance.keeping import KeepAlive
from carrel.domain.governance.plans import (
    Action,
    ActionState,
    Deed,
    Plan,
    Progress,
    Purpose,
    canonical,
    sealed,
)
from carrel.domain.governance.safety import Safety
from carrel.domain.governance.warnings import Delivery, Warned
from carrel.errors import FailedError, NotFoundError
from carrel.stores import schema
from carrel.stores.database import DatabaseService
from carrel.stores.packing import packed
from carrel.stores.revisions import HEAD

FLEET = "https://coder.example.org"
NOW = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
WIDE = Safety(
    max_stops_per_minute=1000, max_concurrent_stops=1000, max_stops=1000, max_failures=1000
)


def action(number: int, deed: Deed = Deed.STOP, **more: object) -> Action:
    plain = Action(
        number=number,
        deed=deed,
        workspace_id=f"w-{number}",
        workspace=f"ada/w{number}",
        owner_id="u-1",
        policy="quiet_hours",
        reason="The window began at 18:00.",
        due=NOW + timedelta(minutes=5),
        argument="2026-03-29T02:00:00+00:00",
        expected_build=7,
        before={"ttl_ms": 3_600_000, "deadline": None},
        warn=True,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def answered(db: DatabaseService, of: Plan, at: datetime, number: int = 1) -> None:
    """Let an action of a plan have its answer."""
    after = Progress(of.plan_id, number, ActionState.FOLLOWING, at)
    with db.writing() as session:
        assert session.governance.advance(ActionState.SENT, after)


def plan(stops: int = 3, purpose: Purpose = Purpose.GOVERN, **more: object) -> Plan:
    plain = Plan(
        plan_id="",
        hash="",
        purpose=purpose,
        fleet=FLEET,
        made_at=NOW,
        observed_at=NOW - timedelta(seconds=3),
        made_by="Zoë@host",
        actions=tuple(action(number) for number in range(1, stops + 1)),
        held_back=(("ada/spared", "A lease keeps it."),),
        notes=("The cap was reached.",),
    )
    return sealed(replace(plain, **more))  # type: ignore[arg-type]


def begin(
    db: DatabaseService,
    of: Plan,
    number: int,
    safety: Safety = WIDE,
    at: datetime = NOW,
    **more: object,
) -> Grant:
    beginning = Beginning(of.plan_id, number, at, "host:1:a", build_number=7, before={"ttl_ms": 5})
    with db.writing() as session:
        return session.governance.begin(replace(beginning, **more), safety)  # type: ignore[arg-type]


def end(db: DatabaseService, of: Plan, number: int, state: ActionState) -> bool:
    with db.writing() as session:
        (was,) = [one for one in session.governance.progress(of.plan_id) if one.number == number]
        return session.governance.advance(was.state, replace(was, state=state, at=NOW))


@pytest.fixture
def stored(db: DatabaseService) -> Plan:
    made = plan()
    with db.writing() as session:
        assert session.governance.add_plan(made)
    return made


def test_a_plan_comes_back_as_it_went(db: DatabaseService, stored: Plan) -> None:
    with db.writing() as session:
        assert not session.governance.add_plan(stored)
        assert session.governance.plan(stored.plan_id) == stored
        assert session.governance.plan("nothing") is None
        assert session.governance.plan_ids(stored.plan_id[:4]) == [stored.plan_id]
        assert session.governance.plan_ids("~") == []
        (line,) = session.governance.plan_lines()
    assert (line.plan_id, line.purpose, line.made_by) == (stored.plan_id, "govern", "Zoë@host")
    assert line.states == {ActionState.WAITING: 3}
    assert not line.over


def test_plans_are_listed_newest_first_and_by_fleet(db: DatabaseService) -> None:
    old, new = plan(), plan(made_at=NOW + timedelta(hours=1))
    other = plan(fleet="https://other.example.org")
    with db.writing() as session:
        for one in (old, new, other):
            session.governance.add_plan(one)
        listed = [line.plan_id for line in session.governance.plan_lines(FLEET)]
        assert listed == [new.plan_id, old.plan_id]
        assert [one.plan_id for one in session.governance.plan_lines(limit=1)] == [new.plan_id]


def test_a_plan_that_was_changed_in_the_database_is_refused(
    db: DatabaseService, stored: Plan
) -> None:
    with db.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE plans SET body = replace(body, 'w-1', 'w-2')")
    refused(db, stored)


def test_a_new_hash_does_not_make_it_another_plan(db: DatabaseService, stored: Plan) -> None:
    other = plan(made_at=NOW + timedelta(hours=1))
    with db.engine().begin() as connection:
        connection.execute(
            text("UPDATE plans SET body = :body, hash = :hash"),
            {"body": canonical(other), "hash": other.hash},
        )
    refused(db, stored)


@pytest.mark.parametrize("change", ["purpose = 'undo'", "fleet = 'https://other.example.org'"])
def test_what_limits_count_by_is_what_the_plan_says(
    db: DatabaseService, stored: Plan, change: str
) -> None:
    with db.engine().begin() as connection:
        connection.exec_driver_sql(f"UPDATE plans SET {change}")
    refused(db, stored)


def large() -> Plan:
    held = tuple(
        (f"ada/w{number}", "The cap of 100 stops a plan is reached.") for number in range(999)
    )
    return plan(held_back=held)


def packed_cell(db: DatabaseService, of: Plan) -> str:
    with db.engine().begin() as connection:
        rows = connection.execute(
            text("SELECT body FROM plans WHERE plan_id = :plan_id"), {"plan_id": of.plan_id}
        )
        return str(rows.scalar())


def test_a_large_plan_takes_little_room_and_comes_back_as_it_went(db: DatabaseService) -> None:
    made, small = large(), plan()
    with db.writing() as session:
        for one in (made, small):
            assert session.governance.add_plan(one)
            assert session.governance.plan(one.plan_id) == one
    assert len(packed_cell(db, made)) * 10 < len(canonical(made))
    assert packed_cell(db, small) == canonical(small)


def test_a_large_plan_from_before_it_was_packed_comes_back(db: DatabaseService) -> None:
    made = large()
    with db.writing() as session:
        session.governance.add_plan(made)
    with db.engine().begin() as connection:
        connection.execute(text("UPDATE plans SET body = :body"), {"body": canonical(made)})
    with db.reading() as session:
        assert session.governance.plan(made.plan_id) == made


@pytest.mark.parametrize("tail", ["", "A", "====", "é"])
def test_a_large_plan_that_was_changed_in_the_database_is_refused(
    db: DatabaseService, tail: str
) -> None:
    made = large()
    with db.writing() as session:
        session.governance.add_plan(made)
    broken = packed_cell(db, made)[:-8] + tail
    with db.engine().begin() as connection:
        connection.execute(text("UPDATE plans SET body = :body"), {"body": broken})
    refused(db, made)


def test_another_large_plan_in_its_place_is_refused(db: DatabaseService) -> None:
    made, other = large(), replace(large(), made_at=NOW + timedelta(hours=1))
    with db.writing() as session:
        session.governance.add_plan(made)
    with db.engine().begin() as connection:
        connection.execute(
            text("UPDATE plans SET body = :body"), {"body": packed(canonical(other))}
        )
    refused(db, made)


def refused(db: DatabaseService, stored: Plan) -> None:
    with db.reading() as session, pytest.raises(FailedError) as told:
        session.governance.plan(stored.plan_id)
    assert told.value.code == "database_damaged"


def test_an_action_is_begun_once(db: DatabaseService, stored: Plan) -> None:
    assert begin(db, stored, 1).answer is Answer.GRANTED
    assert begin(db, stored, 1).answer is Answer.TAKEN
    with db.reading() as session:
        first, second, _ = session.governance.progress(stored.plan_id)
        assert [first] == session.governance.under_way(FLEET)
        assert session.governance.under_way("https://other") == []
    assert (first.state, first.sent_at, first.holder) == (ActionState.SENT, NOW, "host:1:a")
    assert (first.build_number, first.before) == (7, {"ttl_ms": 5})
    assert (second.state, second.sent_at) == (ActionState.WAITING, None)


def test_an_unknown_action_is_named(db: DatabaseService, stored: Plan) -> None:
    with pytest.raises(NotFoundError) as told:
        begin(db, stored, 9)
    assert told.value.code == "unknown_plan"


def test_progress_moves_only_from_where_it_was(db: DatabaseService, stored: Plan) -> None:
    begin(db, stored, 1)
    after = Progress(
        stored.plan_id, 1, ActionState.FOLLOWING, NOW + timedelta(seconds=1), "b-1", "Queued."
    )
    with db.writing() as session:
        assert not session.governance.advance(ActionState.WAITING, after)
        assert session.governance.advance(ActionState.SENT, after)
        read = session.governance.progress(stored.plan_id)[0]
    assert (read.state, read.build_id, read.note) == (ActionState.FOLLOWING, "b-1", "Queued.")
    assert read.sent_at == after.at


def test_no_more_stops_a_minute_than_allowed_over_all_plans(
    db: DatabaseService, stored: Plan
) -> None:
    other = plan(made_at=NOW + timedelta(seconds=1))
    with db.writing() as session:
        session.governance.add_plan(other)
    slow = replace(WIDE, max_stops_per_minute=2)
    later = NOW + timedelta(seconds=20)
    assert begin(db, stored, 1, slow).answer is Answer.GRANTED
    assert begin(db, other, 2, slow, later).answer is Answer.GRANTED
    answered(db, stored, NOW)
    answered(db, other, later, 2)
    refused = begin(db, stored, 3, slow, NOW + timedelta(seconds=59))
    assert (refused.answer, refused.again_at) == (Answer.TOO_FAST, NOW + timedelta(seconds=60))
    assert begin(db, stored, 3, slow, NOW + timedelta(seconds=60)).answer is Answer.GRANTED
    again = begin(db, other, 1, slow, NOW + timedelta(seconds=60))
    assert again.again_at == later + timedelta(seconds=60)


def test_what_another_plan_stops_is_looked_at_again(db: DatabaseService, stored: Plan) -> None:
    other = plan(made_at=NOW + timedelta(seconds=1))
    with db.writing() as session:
        session.governance.add_plan(other)
    second = timedelta(seconds=1)
    assert begin(db, other, 1).answer is Answer.GRANTED
    # Sent, and not answered: it may have arrived, whenever we looked.
    assert begin(db, stored, 1, at=NOW + 9 * second).answer is Answer.BESIDE
    answered(db, other, NOW + 2 * second)
    late = NOW + 9 * second
    assert begin(db, stored, 1, at=late, looked_at=NOW + second).answer is Answer.BESIDE
    assert begin(db, stored, 2, at=late, looked_at=NOW + second).answer is Answer.GRANTED
    assert begin(db, stored, 1, at=late, looked_at=NOW + 3 * second).answer is Answer.GRANTED


def test_a_stop_counts_from_its_answer_for_it_may_arrive_as_late(
    db: DatabaseService, stored: Plan
) -> None:
    slow = replace(WIDE, max_stops_per_minute=1)
    late = NOW + timedelta(seconds=300)
    assert begin(db, stored, 1, slow).answer is Answer.GRANTED
    assert begin(db, stored, 2, slow, late).again_at == late + timedelta(seconds=60)
    answered(db, stored, late)
    assert begin(db, stored, 2, slow, late + timedelta(seconds=59)).answer is Answer.TOO_FAST
    assert begin(db, stored, 2, slow, late + timedelta(seconds=60)).answer is Answer.GRANTED


def test_a_correction_is_no_stop(db: DatabaseService) -> None:
    made = plan(actions=(action(1), action(2, Deed.SET_TTL)))
    with db.writing() as session:
        session.governance.add_plan(made)
    slow = replace(WIDE, max_stops_per_minute=1)
    assert begin(db, made, 1, slow).answer is Answer.GRANTED
    assert begin(db, made, 2, slow).answer is Answer.GRANTED


def test_no_more_stops_under_way_than_allowed(db: DatabaseService, stored: Plan) -> None:
    narrow = replace(WIDE, max_concurrent_stops=1)
    begin(db, stored, 1, narrow)
    assert begin(db, stored, 2, narrow).answer is Answer.TOO_MANY
    end(db, stored, 1, ActionState.DONE)
    assert begin(db, stored, 2, narrow).answer is Answer.GRANTED


def test_a_plan_stops_no_more_than_its_cap(db: DatabaseService, stored: Plan) -> None:
    capped = replace(WIDE, max_stops=1)
    begin(db, stored, 1, capped)
    end(db, stored, 1, ActionState.DONE)
    assert begin(db, stored, 2, capped).answer is Answer.CAPPED


def test_an_emergency_stop_has_limits_of_its_own(db: DatabaseService) -> None:
    made = plan(purpose=Purpose.EMERGENCY_STOP)
    with db.writing() as session:
        session.governance.add_plan(made)
    tight = replace(
        WIDE, max_stops=1, max_stops_per_minute=1, max_concurrent_stops=1,
        emergency_stops_per_minute=2,
    )  # fmt: skip
    assert begin(db, made, 1, tight).answer is Answer.GRANTED
    assert begin(db, made, 2, tight).answer is Answer.GRANTED
    assert begin(db, made, 3, tight).answer is Answer.TOO_MANY


@pytest.mark.parametrize("wrong", [ActionState.FAILED, ActionState.UNCERTAIN])
def test_failures_end_a_plan(db: DatabaseService, stored: Plan, wrong: ActionState) -> None:
    fragile = replace(WIDE, max_failures=1)
    begin(db, stored, 1, fragile)
    end(db, stored, 1, wrong)
    assert begin(db, stored, 2, fragile).answer is Answer.BROKEN


def test_a_freeze_holds_everything_but_repairs(db: DatabaseService, stored: Plan) -> None:
    repair = plan(purpose=Purpose.UNDO, actions=(action(1, Deed.START), action(2, Deed.STOP)))
    with db.writing() as session:
        session.governance.add_plan(repair)
        freeze = Freeze("Zoë", "Something is wrong.", NOW)
        assert session.governance.put_freeze(freeze)
        assert not session.governance.put_freeze(replace(freeze, by="Bob"))
        assert session.governance.freeze() == freeze
    assert begin(db, stored, 1).answer is Answer.FROZEN
    assert begin(db, repair, 1).answer is Answer.GRANTED
    assert begin(db, repair, 2).answer is Answer.FROZEN
    with db.writing() as session:
        assert session.governance.drop_freeze()
        assert not session.governance.drop_freeze()
        assert session.governance.freeze() is None
    assert begin(db, stored, 1).answer is Answer.GRANTED


def test_stops_that_were_done_are_remembered_with_what_they_ended(
    db: DatabaseService, stored: Plan
) -> None:
    began = NOW - timedelta(hours=4)
    before = {"started_at": began.isoformat(), "start_reason": "vscode_connection"}
    begin(db, stored, 1, before=before)
    begin(db, stored, 2)
    end(db, stored, 1, ActionState.DONE)
    with db.reading() as session:
        assert session.governance.stopped(FLEET, NOW - timedelta(hours=1)) == [
            Stopped("w-1", NOW, 7, began, "vscode_connection")
        ]
        assert session.governance.stopped(FLEET, NOW) == []


def test_leases_end_by_themselves_or_before(db: DatabaseService) -> None:
    first = KeepAlive("k-1", "w-1", "ada", "Training runs.", NOW, NOW + timedelta(hours=2))
    second = replace(first, keep_id="k-2", until=NOW + timedelta(hours=1))
    with db.writing() as session:
        session.governance.add_keep(first, FLEET, "ada/w1")
        session.governance.add_keep(second, FLEET, "ada/w1")
        at = session.governance.keeps
        assert at(FLEET, NOW) == [("ada/w1", second), ("ada/w1", first)]
        assert at("https://other", NOW) == []
        assert at(FLEET, second.until) == [("ada/w1", first)]
        assert session.governance.end_keep("k-1", NOW)
        assert not session.governance.end_keep("k-1", NOW)
        assert at(FLEET, NOW) == [("ada/w1", second)]


def test_a_warning_is_one_a_build_and_due_moment(db: DatabaseService) -> None:
    due = NOW + timedelta(minutes=15)
    failed = Warned("w-1", "u-1", 7, due, NOW, Delivery.FAILED, "mailto://***", "No answer.", "p")
    sent = replace(failed, at=NOW + timedelta(minutes=1), delivery=Delivery.SENT, why="")
    with db.writing() as session:
        session.governance.add_warnings(FLEET, [failed])
        assert session.governance.warnings(FLEET, NOW) == [failed]
        session.governance.add_warnings(FLEET, [sent, replace(sent, build_number=8)])
        assert session.governance.warnings(FLEET, NOW) == [sent, replace(sent, build_number=8)]
        assert session.governance.warnings(FLEET, NOW + timedelta(hours=1)) == []


def test_governance_goes_down_and_up_with_data_inside(db: DatabaseService, stored: Plan) -> None:
    with db.writing() as session:
        session.append(NOW, "me", "plan.made", stored.plan_id, {})
    schema.downgrade(db, "0002")
    assert schema.upgrade(db) == ("0002", HEAD)
    with db.writing() as session:
        assert session.governance.plan_lines() == []  # what 0002 can't hold
        assert session.governance.add_plan(stored)
        assert [event.action for event in session.events()] == ["plan.made"]
    assert schema.check(db) == []


def begin_all(url: str, plan_id: str, at: datetime, who: str) -> list[int]:
    """Begin each of 30 actions as another process does, and return which it may do."""
    db, granted = DatabaseService(url), []
    safety = Safety(max_stops_per_minute=7, max_concurrent_stops=100)
    for number in range(1, 31):
        with db.writing() as session:
            answer = session.governance.begin(Beginning(plan_id, number, at, who), safety).answer
        if answer is Answer.GRANTED:
            granted.append(number)
    return granted


def test_processes_together_begin_each_action_once_and_no_more_than_allowed(
    db: DatabaseService, url: str
) -> None:
    made = plan(30)
    with db.writing() as session:
        session.governance.add_plan(made)
    db.close()  # whoever is forked opens connections of his own
    racers = [f"racer-{number}" for number in range(4)]
    told = at_once([partial(begin_all, url, made.plan_id, NOW, racer) for racer in racers])
    begun = [number for granted in told for number in granted]
    assert len(begun) == len(set(begun)) == 7
