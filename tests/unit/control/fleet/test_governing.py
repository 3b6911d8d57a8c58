"""A pass observes, decides, warns and applies; what people order besides is a plan as well."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from carrel.control.fleet import (
    applying,
    emergency,
    freezing,
    governing,
    keeping,
    observing,
    plans,
    setting,
    undoing,
)
from carrel.control.fleet.context import FleetContext, Recipients
from carrel.control.fleet.governing import Missed, Pass
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.templates import Template
from carrel.domain.governance.plans import ActionState, Deed, Plan, Purpose
from carrel.domain.governance.verdicts import Wish
from carrel.domain.governance.warnings import Delivery
from carrel.errors import BadInputError, CarrelError, FailedError, LimitError, NotFoundError
from carrel.testing.clocks import HandClock
from carrel.testing.fleets import FakeFleet, Misbehaviour, Postbox

MINUTE = timedelta(minutes=1)


@pytest.fixture
def warned(ctx: FleetContext) -> FleetContext:
    ctx.recipients = Recipients(enabled=True, lead=15 * MINUTE, mail="mailtos://u:secret@smtp")
    return ctx


def refusal(act: Callable[[], object]) -> CarrelError:
    with pytest.raises(CarrelError) as told:
        act()
    assert told.value.cure
    return told.value


def test_a_pass_without_anything_to_do_writes_nothing(ctx: FleetContext, fleet: FakeFleet) -> None:
    fleet.add("excluded-dev")
    done = governing.once(ctx)
    assert (done.report, plans.listing(ctx)) == (None, [])
    with ctx.store.reading() as session:
        assert list(session.events()) == []


def test_a_pass_stops_what_policies_want(ctx: FleetContext, fleet: FakeFleet) -> None:
    fleet.add("dev")
    done = governing.once(ctx)
    assert done.report is not None
    assert done.report.count(ActionState.DONE) == 1
    assert governing.once(ctx).report is None


def test_a_stop_waits_until_its_owner_was_told(
    warned: FleetContext, fleet: FakeFleet, clock: HandClock, postbox: Postbox
) -> None:
    fleet.add("dev")
    fleet.add("web")
    warned.safety = replace(warned.safety, max_percent=100.0)
    first = governing.once(warned)
    assert [one.delivery for one in first.warned] == [Delivery.SENT] * 2
    ((address, title, body),) = postbox.sent
    assert (address, title) == (
        "mailtos://u:secret@smtp?to=ada%40example.org",
        "ada: your 2 workspaces will stop at 18:15 UTC",
    )
    assert "carrel snooze ada/dev --for 2h" in body
    assert {one.recipient for one in first.warned} == {"mailtos://***"}
    clock.advance(14 * MINUTE)
    second = governing.once(warned)
    assert (second.plan.plan_id, second.warned) == (first.plan.plan_id, ())
    assert fleet.requests == []
    clock.advance(MINUTE)
    governing.once(warned)
    assert (len(fleet.requests), len(postbox.sent)) == (2, 1)


def test_a_stop_comes_however_long_before_its_owner_is_told(
    warned: FleetContext, fleet: FakeFleet, clock: HandClock, postbox: Postbox
) -> None:
    warned.recipients = replace(warned.recipients, lead=timedelta(days=5))
    fleet.add("dev")
    for _ in range(10):
        governing.once(warned)
        clock.advance(timedelta(hours=12))
    assert fleet.requests == []
    governing.once(warned)
    assert (fleet.asked("stop"), len(postbox.sent)) == (["w-1"], 1)


def test_a_snooze_after_the_warning_keeps_the_workspace(
    warned: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("dev")
    governing.once(warned)
    keeping.snooze(warned, "ada/dev", timedelta(hours=2), "A demo.")
    clock.advance(20 * MINUTE)
    governing.once(warned)
    assert fleet.requests == []


def test_a_warning_that_can_not_be_delivered_holds_the_stop_back(
    warned: FleetContext, fleet: FakeFleet, clock: HandClock, postbox: Postbox
) -> None:
    fleet.add("dev")
    postbox.broken = {"mailtos://u:secret@smtp?to=ada%40example.org"}
    first = governing.once(warned)
    assert [(one.delivery, one.recipient) for one in first.warned] == [
        (Delivery.FAILED, "mailtos://***")
    ]
    clock.advance(timedelta(hours=1))
    governing.once(warned)
    assert fleet.requests == []
    postbox.broken = set()
    governing.once(warned)
    clock.advance(15 * MINUTE)
    governing.once(warned)
    assert fleet.asked("stop") == ["w-1"]


def test_the_backends_own_reminder_is_enough(
    warned: FleetContext, fleet: FakeFleet, clock: HandClock, postbox: Postbox
) -> None:
    workspace = fleet.add("dev")
    fleet.templates["t-1"] = Template("t-1", "python", "o-1", notify_lead=30 * MINUTE)
    deadline = clock.now() + 10 * MINUTE
    fleet.set_deadline(workspace.workspace_id, deadline)
    fleet.requests.clear()
    done = governing.once(warned)
    assert [one.delivery for one in done.warned] == [Delivery.COVERED]
    assert postbox.sent == []


def test_the_backends_reminder_of_a_later_stop_is_not_enough(
    warned: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    workspace = fleet.add("dev")
    fleet.templates["t-1"] = Template("t-1", "python", "o-1", notify_lead=600 * MINUTE)
    fleet.set_deadline(workspace.workspace_id, clock.now() + timedelta(hours=5))
    assert [one.delivery for one in governing.once(warned).warned] == [Delivery.SENT]


def test_the_backends_reminder_is_of_another_stop_once_its_deadline_was_moved(
    warned: FleetContext, fleet: FakeFleet, clock: HandClock, postbox: Postbox
) -> None:
    workspace = fleet.add("dev")
    fleet.templates["t-1"] = Template("t-1", "python", "o-1", notify_lead=30 * MINUTE)
    fleet.set_deadline(workspace.workspace_id, clock.now() + 10 * MINUTE)
    governing.once(warned)
    fleet.set_deadline(workspace.workspace_id, clock.now() + timedelta(hours=3))
    clock.advance(15 * MINUTE)
    assert [one.delivery for one in governing.once(warned).warned] == [Delivery.SENT]
    assert fleet.asked("stop") == []
    clock.advance(15 * MINUTE)
    governing.once(warned)
    assert fleet.asked("stop") == ["w-1"]


def test_an_owner_is_warned_when_the_policy_says_so_and_the_stop_waits_for_its_time(
    warned: FleetContext, fleet: FakeFleet, clock: HandClock, postbox: Postbox, night: object
) -> None:
    fleet.add("dev")
    due = clock.now() + timedelta(hours=1)
    night.due, night.warn_from = due, clock.now() + 10 * MINUTE  # type: ignore[attr-defined]
    assert governing.once(warned).warned == ()
    clock.advance(10 * MINUTE)
    assert [one.due for one in governing.once(warned).warned] == [due]
    clock.advance(49 * MINUTE)
    assert governing.once(warned).warned == ()
    assert fleet.asked("stop") == []
    clock.advance(MINUTE)
    governing.once(warned)
    assert (fleet.asked("stop"), len(postbox.sent)) == (["w-1"], 1)


def test_a_restart_is_warned_of_anew(
    warned: FleetContext, fleet: FakeFleet, clock: HandClock, postbox: Postbox
) -> None:
    fleet.add("dev")
    governing.once(warned)
    fleet.stop(fleet.workspaces["w-1"])
    clock.advance(MINUTE)
    fleet.restart("w-1")
    clock.advance(20 * MINUTE)
    governing.once(warned)
    assert len(postbox.sent) == 2
    assert fleet.asked("stop") == ["w-1"]


@pytest.mark.parametrize(
    ("routes", "address"),
    [
        ((("user:ada", "slack://ada"), ("group:developers", "slack://all")), "slack://ada"),
        ((("group:developers", "slack://all"), ("ada/*", "slack://pattern")), "slack://all"),
        ((("bob/*", "slack://bob"), ("ada/d*", "slack://pattern")), "slack://pattern"),
    ],
)
def test_the_nearest_route_counts(
    warned: FleetContext,
    fleet: FakeFleet,
    postbox: Postbox,
    routes: tuple[tuple[str, str], ...],
    address: str,
) -> None:
    warned.recipients = replace(warned.recipients, routes=routes)
    fleet.add("dev")
    governing.once(warned)
    assert [sent[0] for sent in postbox.sent] == [address]


def test_an_old_plan_gives_way_to_a_newer_look(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    ctx.recipients = Recipients(enabled=True, lead=15 * MINUTE)
    fleet.add("dev")
    first = governing.once(ctx).plan
    fleet.restart("w-1")
    clock.advance(MINUTE)
    second = governing.once(ctx).plan
    assert second.plan_id != first.plan_id
    assert plans.get(ctx, first.plan_id).count(ActionState.SKIPPED) == 1


def test_what_a_plan_left_that_broke_off_is_for_a_new_one(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock, limiting: Callable[..., None]
) -> None:
    limiting(max_failures=1, batch_size=1, max_percent=100.0)
    fleet.add("bad")
    fleet.add("good")
    fleet.misbehaving["w-1"] = Misbehaviour.REFUSED
    first = governing.once(ctx)
    assert first.report is not None
    assert first.report.end is applying.End.BROKEN
    keeping.snooze(ctx, "ada/bad", timedelta(hours=1), "It can't be stopped.")
    shown = governing.keep(ctx, governing.rehearse(ctx))
    assert shown.plan_id != first.plan.plan_id
    assert governing.once(ctx).plan == shown
    assert fleet.asked("stop") == ["w-1", "w-2"]


def test_a_watch_goes_on_after_an_error(ctx: FleetContext, fleet: FakeFleet) -> None:
    fleet.add("dev")
    watching = governing.watch(ctx, 5 * MINUTE)
    freezing.freeze(ctx, "Wait.")
    missed = next(watching)
    assert isinstance(missed, Missed)
    assert missed.error.code == "frozen"
    freezing.unfreeze(ctx)
    done = next(watching)
    assert isinstance(done, Pass)
    assert done.report is not None


def test_a_watch_takes_the_new_token_when_the_old_one_is_refused(
    ctx: FleetContext, fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.add("dev")
    opened: list[str] = []
    token, valid = ["old"], ["old"]

    def connect() -> FakeFleet:
        opened.append(token[0])
        return fleet

    see = fleet.observe

    def observe(last: Observation | None) -> Observation:
        if opened[-1] != valid[0]:
            assert opened[-1] == "old"
            raise FailedError("token_refused", "No.")
        return see(last)

    monkeypatch.setattr(fleet, "observe", observe)
    ctx.connect = connect
    watching = governing.watch(ctx, 5 * MINUTE)
    assert isinstance(next(watching), Pass)
    valid[0] = "new"
    missed = next(watching)
    assert isinstance(missed, Missed)
    assert missed.error.code == "token_refused"
    assert ctx.seen is None
    token[0] = "new"
    assert isinstance(next(watching), Pass)
    assert opened == ["old", "new"]


def test_a_freeze_needs_no_deployment(ctx: FleetContext) -> None:
    def unreachable() -> FakeFleet:
        raise FailedError("fleet_unreachable", "No answer.")

    ctx.connect = unreachable
    first = freezing.freeze(ctx, "Something is wrong.")
    assert freezing.freeze(ctx, "Again.") == first
    assert freezing.frozen(ctx) == first
    assert freezing.unfreeze(ctx) == first
    assert freezing.unfreeze(ctx) is None


def test_a_lease_has_a_cap_a_list_and_an_end(ctx: FleetContext, fleet: FakeFleet) -> None:
    fleet.add("dev")
    kept = keeping.snooze(ctx, "dev", timedelta(hours=1), "A demo.")
    assert keeping.listing(ctx) == [kept]
    assert isinstance(
        refusal(lambda: keeping.snooze(ctx, "dev", timedelta(days=300), "Long.")), LimitError
    )
    keeping.end(ctx, kept.keep.keep_id)
    assert keeping.listing(ctx) == []
    assert refusal(lambda: keeping.end(ctx, kept.keep.keep_id)).code == "unknown_keep"


def test_a_workspace_is_found_by_name_where_that_is_enough(
    ctx: FleetContext, fleet: FakeFleet
) -> None:
    fleet.add("dev")
    fleet.add("dev", owner="bob")
    assert observing.find(ctx, "Bob/dev").owner == "bob"
    assert observing.find(ctx, "w-1").owner == "ada"
    assert isinstance(refusal(lambda: observing.find(ctx, "dev")), BadInputError)
    assert isinstance(refusal(lambda: observing.find(ctx, "web")), NotFoundError)


def test_the_emergency_stop_pauses_prebuilds_first_and_spares_what_is_excluded(
    ctx: FleetContext, fleet: FakeFleet
) -> None:
    fleet.paused = False
    fleet.add("dev")
    fleet.add("excluded-db")
    keeping.snooze(ctx, "dev", timedelta(hours=1), "A demo.")
    plan = emergency.plan(ctx, "The bill explodes.")
    report = applying.carry_out(ctx, plan)
    assert report.end is applying.End.OVER
    assert fleet.requests == [("set_prebuilds_paused", ""), ("stop", "w-1")]
    everything = emergency.plan(ctx, "Really.", include_excluded=True)
    assert [one.workspace for one in everything.actions if one.workspace] == ["ada/excluded-db"]
    ctx.clock.wait(60)
    undone = applying.apply(ctx, undoing.undo(ctx, plan.plan_id).plan_id)
    assert undone.end is applying.End.OVER
    assert (fleet.paused, fleet.workspaces["w-1"].running) == (False, True)


def test_the_emergency_stop_can_be_switched_off_but_never_the_freeze(
    ctx: FleetContext, fleet: FakeFleet
) -> None:
    fleet.add("dev")
    ctx.safety = replace(ctx.safety, emergency_stop_enabled=False)
    assert refusal(lambda: emergency.plan(ctx)).code == "emergency_stop_disabled"
    freezing.freeze(ctx)
    ctx.safety = replace(ctx.safety, emergency_stop_enabled=True)
    assert refusal(lambda: applying.carry_out(ctx, emergency.plan(ctx))).code == "frozen"
    assert fleet.requests == []


def carried(ctx: FleetContext, plan: Plan) -> applying.Report:
    assert plan.purpose is Purpose.SET
    return applying.carry_out(ctx, plan)


def test_a_time_to_live_is_set_and_put_back(ctx: FleetContext, fleet: FakeFleet) -> None:
    fleet.add("dev", ttl=timedelta(hours=4))
    plan = setting.ttl(ctx, "dev", timedelta(hours=8), "A long day.")
    assert carried(ctx, plan).count(ActionState.DONE) == 1
    assert fleet.workspaces["w-1"].ttl == timedelta(hours=8)
    applying.apply(ctx, undoing.undo(ctx, plan.plan_id).plan_id)
    assert fleet.workspaces["w-1"].ttl == timedelta(hours=4)
    assert refusal(lambda: setting.ttl(ctx, "dev", timedelta(days=31))).code == "bad_ttl"


def test_a_deadline_is_moved_as_far_as_may_be(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    workspace = fleet.add("dev")
    hour = timedelta(hours=1)
    assert refusal(lambda: setting.extend(ctx, "dev", hour)).code == "no_deadline"
    deadline = clock.now() + hour
    fleet.set_deadline("w-1", deadline)
    ctx.seen = None
    carried(ctx, setting.extend(ctx, "dev", hour))
    assert fleet.workspaces["w-1"].build.deadline == deadline + hour
    ctx.seen = None
    assert refusal(lambda: setting.extend(ctx, "dev", -2 * hour)).code == "bad_extension"
    fleet.change(
        "w-1", build=replace(workspace.build, deadline=deadline, max_deadline=deadline + hour)
    )
    ctx.seen = None
    assert refusal(lambda: setting.extend(ctx, "dev", 2 * hour)).code == "beyond_max_deadline"


def test_a_correction_stops_nothing_and_needs_no_warning(
    warned: FleetContext, fleet: FakeFleet, night: object
) -> None:
    fleet.add("dev")
    night.wish, night.ttl = Wish.CORRECT, timedelta(hours=8)  # type: ignore[attr-defined]
    done = governing.once(warned)
    assert [one.deed for one in done.plan.actions] == [Deed.SET_TTL]
    assert fleet.requests == [("set_ttl", "w-1")]


def test_what_is_kept_is_not_corrected_pass_after_pass(
    ctx: FleetContext, fleet: FakeFleet, night: object
) -> None:
    fleet.add("dev")
    night.wish, night.ttl = Wish.CORRECT, timedelta(hours=8)  # type: ignore[attr-defined]
    keeping.snooze(ctx, "dev", timedelta(hours=2), "a demo")
    for _ in range(2):
        made = governing.once(ctx).plan
        assert made.actions == ()
        assert [name for name, _ in made.held_back] == ["ada/dev"]
    assert plans.listing(ctx) == []
    assert fleet.requests == []


def test_a_plan_is_found_by_the_start_of_its_id(ctx: FleetContext, fleet: FakeFleet) -> None:
    fleet.add("dev")
    plan = governing.once(ctx).plan
    assert plans.get(ctx, plan.plan_id[:3]).plan == plan
    assert refusal(lambda: plans.get(ctx, "zzz")).code == "unknown_plan"
    assert refusal(lambda: plans.get(ctx, "")).code == "unknown_plan"
