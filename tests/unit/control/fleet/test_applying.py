"""Applying a plan: checked on fresh facts, within limits, sent once, followed to its end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.control.fleet.runs import govern, made, states

from carrel.control.fleet import applying, deciding, emergency, freezing, keeping
from carrel.control.fleet.applying import End
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.observation import Gap
from carrel.domain.fleet.workspaces import BuildStatus
from carrel.domain.governance.acting import Beginning
from carrel.domain.governance.plans import ActionState, Deed, Purpose
from carrel.domain.governance.verdicts import Wish
from carrel.domain.ledger import first_break
from carrel.errors import FailedError, RefusedError
from carrel.ports.fleet import Queue
from carrel.system import holders
from carrel.testing.clocks import HandClock
from carrel.testing.fleets import FakeFleet, Misbehaviour

MINUTE = timedelta(minutes=1)


def test_what_a_plan_says_is_done_verified_and_written_down(
    ctx: FleetContext, fleet: FakeFleet
) -> None:
    workspace = fleet.add("dev")
    moved: list[tuple[str, str]] = []
    plan = made(ctx)
    report = applying.apply(ctx, plan.plan_id, lambda a, p: moved.append((a.workspace, p.state)))
    assert (report.end, states(report)) == (End.OVER, ["done"])
    assert moved == [("ada/dev", "following"), ("ada/dev", "done")]
    assert not fleet.workspace(workspace.workspace_id).on
    with ctx.store.reading() as session:
        events = list(session.events())
    assert [event.action for event in events] == [
        "plan.made", "action.sent", "action.following", "action.done",
    ]  # fmt: skip
    assert events[-1].data["build_id"] == fleet.workspace("w-1").build.build_id
    assert (events[-1].data["policy"], events[-1].data["reason"]) == ("night", "It is night.")
    assert events[-1].data["plan"] == plan.plan_id
    assert first_break(events) is None


def test_a_plan_applied_leaves_nothing_to_do(ctx: FleetContext, fleet: FakeFleet) -> None:
    fleet.add("dev")
    plan = made(ctx)
    applying.apply(ctx, plan.plan_id)
    again = applying.apply(ctx, plan.plan_id)
    assert (again.end, fleet.asked("stop")) == (End.OVER, ["w-1"])
    ctx.seen = None
    assert deciding.plan(ctx, Purpose.GOVERN).actions == ()


def test_fresh_facts_are_asked_before_each_action(
    ctx: FleetContext, fleet: FakeFleet, limiting: Callable[..., None]
) -> None:
    limiting(max_percent=100.0)
    for name in ("kept", "stopped", "gone", "given"):
        fleet.add(name)
    plan = made(ctx)
    keeping.snooze(ctx, "kept", timedelta(hours=1), "Training runs.")
    fleet.stop(fleet.workspaces["w-2"])
    del fleet.workspaces["w-3"]
    fleet.change("w-4", owner="bob", owner_id="u-bob")
    report = applying.apply(ctx, plan.plan_id)
    notes = {plan.actions[one.number - 1].workspace: one.note for one in report.progress}
    assert set(states(report)) == {"skipped"}
    assert "Training runs." in notes["ada/kept"]
    assert "being stopped" in notes["ada/stopped"]
    assert "gone" in notes["ada/gone"]
    assert "bob" in notes["ada/given"]
    assert fleet.asked("stop") == ["w-2"]


def test_what_no_policy_wants_any_more_is_dropped(
    ctx: FleetContext, fleet: FakeFleet, night: object
) -> None:
    fleet.add("dev")
    plan = made(ctx)
    night.wish = Wish.NOTHING  # type: ignore[attr-defined]
    report = applying.apply(ctx, plan.plan_id)
    assert states(report) == ["skipped"]
    assert "not wanted any more" in report.progress[0].note


def test_missing_data_stops_nothing(ctx: FleetContext, fleet: FakeFleet, clock: HandClock) -> None:
    fleet.add("dev")
    plan = made(ctx)
    fleet.gaps = (Gap("workspaces", "No permission."),)
    clock.advance(ctx.safety.freshness)
    report = applying.apply(ctx, plan.plan_id)
    assert (states(report), fleet.requests) == (["skipped"], [])


def test_a_build_under_way_is_waited_for(ctx: FleetContext, fleet: FakeFleet) -> None:
    workspace = fleet.add("dev")
    plan = made(ctx)
    busy = replace(workspace.build, number=2, status=BuildStatus.RUNNING)
    fleet.change("w-1", build=busy)
    report = applying.apply(ctx, plan.plan_id)
    assert (report.end, states(report)) == (End.WAITING, ["waiting"])
    assert "start of it is running" in report.waits[1]


@pytest.mark.parametrize(
    ("how", "state"),
    [
        (Misbehaviour.CONFLICT, ActionState.SKIPPED),
        (Misbehaviour.REFUSED, ActionState.FAILED),
        (Misbehaviour.UNCERTAIN, ActionState.UNCERTAIN),
        (Misbehaviour.LOST_ANSWER, ActionState.UNCERTAIN),
        (Misbehaviour.FAILS, ActionState.FAILED),
        (Misbehaviour.NEVER_SEEN, ActionState.UNCERTAIN),
    ],
)
def test_every_answer_has_a_meaning_and_nothing_is_sent_twice(
    ctx: FleetContext, fleet: FakeFleet, how: Misbehaviour, state: ActionState
) -> None:
    fleet.add("dev")
    fleet.misbehaving["w-1"] = how
    plan = made(ctx)
    applying.apply(ctx, plan.plan_id)
    report = applying.apply(ctx, plan.plan_id)
    assert states(report) == [state]
    assert fleet.asked("stop") == ["w-1"]


def test_a_long_build_is_left_to_a_later_run(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("dev")
    fleet.misbehaving["w-1"] = Misbehaviour.SLOW
    report = govern(ctx)
    assert (report.end, states(report)) == (End.BUSY, ["following"])
    clock.advance(timedelta(days=1))
    assert states(applying.apply(ctx, report.plan.plan_id)) == ["done"]


def test_no_minute_has_more_stops_than_allowed(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock, limiting: Callable[..., None]
) -> None:
    limiting(max_stops_per_minute=2, max_percent=100.0)
    for number in range(7):
        fleet.add(f"dev-{number}")
    began = clock.now()
    report = govern(ctx)
    assert set(states(report)) == {"done"}
    sent = sorted(one.sent_at for one in report.progress if one.sent_at)
    assert all(later - earlier >= MINUTE for earlier, later in zip(sent, sent[2:], strict=False))
    assert clock.now() - began < 5 * MINUTE


def test_no_more_stops_are_under_way_than_allowed(
    ctx: FleetContext, fleet: FakeFleet, limiting: Callable[..., None]
) -> None:
    limiting(max_concurrent_stops=1, max_percent=100.0)
    fleet.add("one")
    fleet.add("two")
    fleet.misbehaving["w-1"] = Misbehaviour.SLOW
    fleet.misbehaving["w-2"] = Misbehaviour.SLOW
    report = govern(ctx)
    assert (report.end, sorted(states(report))) == (End.BUSY, ["following", "waiting"])


def test_a_long_queue_holds_new_stops_back(
    ctx: FleetContext, fleet: FakeFleet, limiting: Callable[..., None]
) -> None:
    limiting(max_queue=3)
    fleet.add("dev")
    fleet.pending = 3
    report = govern(ctx)
    assert (report.end, states(report), fleet.requests) == (End.BUSY, ["waiting"], [])
    fleet.pending = 2
    assert states(applying.apply(ctx, report.plan.plan_id)) == ["done"]


def test_a_queue_that_our_own_stops_fill_holds_the_others_only_until_it_is_short_again(
    ctx: FleetContext, fleet: FakeFleet, limiting: Callable[..., None]
) -> None:
    limiting(max_queue=2, max_percent=100.0)
    for number in range(5):
        fleet.add(f"dev-{number}")

    def queue() -> Queue:
        return Queue(sum(one.build.status.active for one in fleet.workspaces.values()), 0)

    fleet.queue = queue  # type: ignore[method-assign]
    report = govern(ctx)
    assert (report.end, set(states(report))) == (End.OVER, {"done"})


def test_an_emergency_waits_for_room_in_the_queue_and_goes_on(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock, limiting: Callable[..., None]
) -> None:
    limiting(max_queue=2)
    fleet.add("dev")
    began = clock.now()

    def queue() -> Queue:
        return Queue(3 if clock.now() - began < 5 * MINUTE else 0, 0)

    fleet.queue = queue  # type: ignore[method-assign]
    assert applying.carry_out(ctx, emergency.plan(ctx)).end is End.OVER
    assert clock.now() - began >= 5 * MINUTE
    fleet.restart("w-1")
    fleet.queue = lambda: Queue(3, 0)  # type: ignore[method-assign]
    clock.advance(MINUTE)
    report = applying.carry_out(ctx, emergency.plan(ctx))
    assert (report.end, states(report)) == (End.BUSY, ["waiting"])


def test_a_queue_that_is_never_shown_holds_a_plan_with_its_cure_and_no_emergency(
    ctx: FleetContext, fleet: FakeFleet, limiting: Callable[..., None]
) -> None:
    def hidden() -> Queue:
        raise FailedError("fleet_forbidden", "Forbidden.", cure="Ask for more rights.")

    fleet.add("dev")
    fleet.queue = hidden  # type: ignore[method-assign]
    with pytest.raises(FailedError, match="Forbidden") as told:
        govern(ctx)
    assert told.value.cure.startswith("Ask for more rights. Or set safety.max_queue to 0")
    assert fleet.requests == []
    assert states(applying.carry_out(ctx, emergency.plan(ctx))) == ["done"]
    fleet.restart("w-1")
    ctx.clock.wait(60)
    limiting(max_queue=0)
    assert states(govern(ctx)) == ["done"]


def test_the_queue_is_asked_for_once_a_batch_and_again_when_it_could_be_full(
    ctx: FleetContext,
    fleet: FakeFleet,
    limiting: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limiting(max_queue=3, batch_size=4, max_percent=100.0)
    for number in range(4):
        fleet.add(f"dev-{number}")
    fleet.pending = 1
    asked: list[Queue] = []
    plain = fleet.queue

    def queue() -> Queue:
        asked.append(plain())
        return asked[-1]

    monkeypatch.setattr(fleet, "queue", queue)
    assert states(govern(ctx)) == ["done"] * 4
    assert len(asked) == 2


def test_too_many_failures_end_a_run(
    ctx: FleetContext, fleet: FakeFleet, limiting: Callable[..., None]
) -> None:
    limiting(max_failures=2, batch_size=1, max_percent=100.0)
    for number in range(5):
        workspace = fleet.add(f"dev-{number}")
        fleet.misbehaving[workspace.workspace_id] = Misbehaviour.FAILS
    report = govern(ctx)
    assert (report.end, len(fleet.asked("stop"))) == (End.BROKEN, 2)
    assert report.count(ActionState.WAITING) == 3
    assert applying.apply(ctx, report.plan.plan_id).end is End.BROKEN
    assert len(fleet.asked("stop")) == 2


def test_a_freeze_in_the_middle_ends_a_run_at_once(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock, limiting: Callable[..., None]
) -> None:
    limiting(batch_size=1, max_percent=100.0)
    fleet.add("one")
    fleet.add("two")

    def freeze() -> None:
        freezing.freeze(ctx, "Stop it!")

    clock.on_wait = freeze
    report = govern(ctx)
    assert (report.end, sorted(states(report))) == (End.FROZEN, ["done", "waiting"])
    with pytest.raises(RefusedError) as told:
        applying.apply(ctx, report.plan.plan_id)
    assert told.value.code == "frozen"
    assert freezing.unfreeze(ctx)
    clock.on_wait = None
    assert set(states(applying.apply(ctx, report.plan.plan_id))) == {"done"}


def test_tighter_limits_refuse_an_old_plan(
    ctx: FleetContext, fleet: FakeFleet, limiting: Callable[..., None]
) -> None:
    fleet.add("one")
    fleet.add("two")
    limiting(max_percent=100.0)
    plan = made(ctx)
    limiting(max_stops=1)
    with pytest.raises(RefusedError) as told:
        applying.apply(ctx, plan.plan_id)
    assert (told.value.code, fleet.requests) == ("plan_too_large", [])


def test_a_plan_of_another_deployment_is_refused(ctx: FleetContext, fleet: FakeFleet) -> None:
    fleet.add("dev")
    plan = made(ctx)
    ctx.address = "https://other.example.org"
    with pytest.raises(RefusedError) as told:
        applying.apply(ctx, plan.plan_id)
    assert told.value.code == "other_fleet"


def test_a_due_moment_is_waited_for(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock, night: object
) -> None:
    fleet.add("dev")
    due = clock.now() + 30 * MINUTE
    night.due = due  # type: ignore[attr-defined]
    plan = made(ctx)
    report = applying.apply(ctx, plan.plan_id)
    assert (report.end, report.again_at, fleet.requests) == (End.WAITING, due, [])
    clock.advance(30 * MINUTE)
    assert states(applying.apply(ctx, plan.plan_id)) == ["done"]


def test_a_task_is_paused_and_its_build_is_found(ctx: FleetContext, fleet: FakeFleet) -> None:
    fleet.add("agent", task_id="task-1")
    report = govern(ctx)
    assert (states(report), fleet.requests) == (["done"], [("pause", "w-1")])
    assert report.progress[0].build_id == fleet.workspaces["w-1"].build.build_id


def test_sleep_is_a_stop_and_then_dormancy(
    ctx: FleetContext, fleet: FakeFleet, night: object
) -> None:
    fleet.add("dev")
    night.wish = Wish.SLEEP  # type: ignore[attr-defined]
    report = govern(ctx)
    assert [one.deed for one in report.plan.actions] == [Deed.STOP, Deed.MAKE_DORMANT]
    assert states(report) == ["done", "done"]
    assert fleet.workspaces["w-1"].dormant_at is not None


@pytest.mark.parametrize(
    ("how", "state"),
    [(Misbehaviour.FAILS, "failed"), (Misbehaviour.LOST_ANSWER, "uncertain")],
)
def test_what_could_not_be_stopped_does_not_become_dormant(
    ctx: FleetContext, fleet: FakeFleet, night: object, how: Misbehaviour, state: str
) -> None:
    fleet.add("dev")
    night.wish = Wish.SLEEP  # type: ignore[attr-defined]
    fleet.misbehaving["w-1"] = how
    report = govern(ctx)
    assert states(report) == [state, "skipped"]
    assert fleet.asked("set_dormant") == []


def test_a_correction_is_made_though_the_stop_beside_it_is_due_later(
    ctx: FleetContext, fleet: FakeFleet, night: object
) -> None:
    night.ttl, night.due = 60 * MINUTE, ctx.now() + MINUTE  # type: ignore[attr-defined]
    fleet.add("dev", ttl=480 * MINUTE)
    assert states(govern(ctx)) == ["done", "waiting"]
    assert fleet.workspace("w-1").ttl == 60 * MINUTE


def test_what_a_dead_run_sent_is_read_and_not_sent_again(
    ctx: FleetContext, fleet: FakeFleet, limiting: Callable[..., None]
) -> None:
    limiting(max_percent=100.0)
    fleet.add("arrived")
    fleet.add("lost")
    plan = made(ctx)
    with holders.held() as holder:
        for number in (1, 2):
            beginning = Beginning(plan.plan_id, number, ctx.now(), holder, build_number=1)
            with ctx.store.writing() as session:
                session.governance.begin(beginning, ctx.safety)
        fleet.stop(fleet.workspaces["w-1"])
        # While that run lives, what it has not heard of yet is left to it.
        assert sorted(states(applying.apply(ctx, plan.plan_id))) == ["sent", "sent"]
    report = applying.apply(ctx, plan.plan_id)
    by_name = {plan.actions[one.number - 1].workspace: one for one in report.progress}
    assert by_name["ada/arrived"].state is ActionState.DONE
    assert by_name["ada/lost"].state is ActionState.UNCERTAIN
    assert fleet.asked("stop") == ["w-1"]


@pytest.mark.parametrize("stopped_again", [False, True])
def test_a_restart_after_our_stop_does_not_hide_it(
    ctx: FleetContext, fleet: FakeFleet, stopped_again: bool
) -> None:
    fleet.add("dev")
    plan = made(ctx)
    with holders.held() as holder, ctx.store.writing() as session:
        beginning = Beginning(plan.plan_id, 1, ctx.now(), holder, build_number=1)
        session.governance.begin(beginning, ctx.safety)
    fleet.stop(fleet.workspaces["w-1"])
    ctx.clock.wait(60)
    fleet.restart("w-1", "vscode_connection")
    if stopped_again:
        ctx.clock.wait(60)
        fleet.stop(fleet.workspaces["w-1"])
    report = applying.apply(ctx, plan.plan_id)
    assert (states(report), report.progress[0].build_id) == (["done"], "b-w-1-2")


def test_a_value_that_a_dead_run_set_is_set_again_only_if_it_is_not_there(
    ctx: FleetContext, fleet: FakeFleet, night: object
) -> None:
    fleet.add("dev")
    night.wish, night.ttl = Wish.CORRECT, timedelta(hours=8)  # type: ignore[attr-defined]
    plan = made(ctx)
    with holders.held() as holder, ctx.store.writing() as session:
        beginning = Beginning(plan.plan_id, 1, ctx.now(), holder, build_number=1)
        session.governance.begin(beginning, ctx.safety)
    report = applying.apply(ctx, plan.plan_id)
    assert (states(report), fleet.asked("set_ttl")) == (["done"], ["w-1"])
    assert fleet.workspaces["w-1"].ttl == timedelta(hours=8)


def test_flapping_is_seen_from_the_stops_that_were_done(
    ctx: FleetContext, fleet: FakeFleet
) -> None:
    fleet.add("dev")
    for _ in range(2):
        ctx.seen = None
        govern(ctx)
        ctx.clock.wait(60)
        fleet.restart("w-1", "vscode_connection")
    ctx.seen = None
    seen = fleet.observe()
    assert len(deciding.situation(ctx, seen).flaps["w-1"]) == 2
