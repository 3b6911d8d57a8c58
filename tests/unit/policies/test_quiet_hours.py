"""Quiet hours: the documented categories, whose windows count, and what prevents a stop."""

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from carrel.domain.fleet.deployment import Deployment
from carrel.domain.fleet.observation import Gap
from carrel.domain.fleet.people import QuietHours, User
from carrel.domain.fleet.workspaces import Activity, BuildStatus, FleetWorkspace, Work
from carrel.domain.governance.quiet import Nights, QuietRules
from carrel.domain.governance.verdicts import Situation, Verdict, Wish
from carrel.errors import BadInputError
from carrel.policies.quiet_hours import CATEGORIES, POLICY
from carrel.testing.observations import NOW, build, observation, workspace

NIGHT = {"start": "18:00", "end": "08:00"}
HOUR = timedelta(hours=1)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def judge(
    table=None, at: datetime = NOW, one: FleetWorkspace | None = None, seen=None, **facts
) -> Verdict:
    one = one or workspace()
    seen = seen or observation(one)
    settings = POLICY.read(NIGHT if table is None else table)
    return POLICY.prepare(settings, Situation(at, seen, **facts))(one)


def started(at: datetime, **facts) -> FleetWorkspace:
    return workspace(build=build(created_at=at, completed_at=at, **facts))


OLD = started(moment("2026-11-20 09:00"))


@pytest.mark.parametrize(
    ("at", "category", "wish", "due", "until"),
    [
        ("2026-11-20 17:00", "normal", Wish.NOTHING, None, "2026-11-20 18:00"),
        ("2026-11-20 18:00", "in_grace", Wish.STOP, "2026-11-20 19:00", "2026-11-20 19:00"),
        ("2026-11-20 18:59", "in_grace", Wish.STOP, "2026-11-20 19:00", "2026-11-20 19:00"),
        ("2026-11-20 19:00", "stopping_now", Wish.STOP, "2026-11-20 19:00", "2026-11-21 08:00"),
        ("2026-11-21 07:59", "stopping_now", Wish.STOP, "2026-11-20 19:00", "2026-11-21 08:00"),
        ("2026-11-21 08:00", "running_past_end", Wish.NOTHING, None, "2026-11-21 18:00"),
    ],
)
def test_the_categories_through_a_night(at, category, wish, due, until):
    found = judge(at=moment(at), one=OLD)
    assert (found.category, found.wish) == (category, wish)
    assert found.category in CATEGORIES
    assert found.due == (moment(due) if due else None)
    assert found.until == moment(until)
    if due:
        assert found.warn_from == moment("2026-11-20 18:30")


def test_a_start_inside_the_window_has_a_grace_of_its_own():
    table = {**NIGHT, "start_grace_minutes": 90}
    late = started(moment("2026-11-20 21:30"))
    assert judge(table, one=late).due == moment("2026-11-20 23:00")
    assert judge(table, one=late).category == "in_grace"
    assert judge(table, at=moment("2026-11-20 23:00"), one=late).category == "stopping_now"
    last = started(moment("2026-11-21 07:00"))
    assert judge(table, at=moment("2026-11-21 07:30"), one=last).wish is Wish.NOTHING
    early = started(moment("2026-11-20 18:10"))
    short = {**NIGHT, "start_grace_minutes": 5}
    assert judge(short, one=early).due == moment("2026-11-20 19:00"), "as long as all others"


def test_a_rule_may_have_a_grace_of_its_own():
    table = {"rule": [{"users": ["ann"], **NIGHT, "grace_minutes": 90}], "start_grace_minutes": 5}
    assert judge(table, one=OLD).due == moment("2026-11-20 19:30")
    early = started(moment("2026-11-20 18:10"))
    assert judge(table, one=early).due == moment("2026-11-20 19:30")


def test_people_who_are_connected_are_stopped_too_unless_they_are_to_be_spared():
    busy = replace(OLD, activity=Activity(Work.CONNECTED, NOW, "Connected by ann (vscode)."))
    assert judge(one=busy).wish is Wish.STOP
    spared = judge({**NIGHT, "spare_active": True}, one=busy)
    assert spared.wish is Wish.NOTHING
    assert "Connected by ann" in spared.reason
    blind = observation(busy, gaps=(Gap("connections", "no permission"),))
    assert judge({**NIGHT, "spare_active": True}, one=OLD, seen=blind).category == "withheld"


EXPIRED = started(moment("2026-11-20 09:00"), deadline=moment("2026-11-20 16:00"))


@pytest.mark.parametrize(
    ("at", "force", "category", "wish"),
    [
        ("2026-11-20 17:00", False, "ttl_expired", Wish.NOTHING),
        ("2026-11-20 17:00", True, "ttl_expired", Wish.STOP),
        ("2026-11-20 18:30", False, "in_grace", Wish.STOP),
        ("2026-11-20 18:30", True, "ttl_expired", Wish.STOP),
        ("2026-11-20 20:00", True, "stopping_now", Wish.STOP),
    ],
)
def test_force_adds_what_outlived_its_time_to_live(at, force, category, wish):
    found = judge(at=moment(at), one=EXPIRED, force=force)
    assert (found.category, found.wish) == (category, wish)


def test_force_never_overrides_an_exclusion():
    table = {**NIGHT, "excluded_users": ["an*"]}
    found = judge(table, one=EXPIRED, force=True)
    assert (found.category, found.wish) == ("excluded", Wish.NOTHING)
    assert "an*" in found.reason


RULES = {
    **NIGHT,
    "rule": [
        {"name": "devs", "groups": ["devs"], "start": "21:00", "end": "23:00"},
        {"name": "java", "templates": ["java"], "start": "12:00", "end": "13:00"},
        {"name": "desk", "workspaces": ["*/desk"], "start": "03:00", "end": "04:00"},
        {"name": "bob", "users": ["bob"], "windows": [{"start": "01:00", "end": "02:00"}]},
    ],
}


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"name": "other", "owner_id": "u-bob", "owner": "bob"}, "bob"),
        ({"name": "other", "owner_id": "u-eve", "owner": "eve"}, "fleet"),
        ({"name": "other"}, "devs"),
        ({"name": "other", "template_id": "t-java", "template": "Java"}, "java"),
        ({}, "desk"),
    ],
)
def test_the_most_specific_rule_counts(facts, rule: str):
    assert f"rule {rule!r}" in judge(RULES, one=replace(OLD, **facts)).reason


def native(own: str = "", default: str = "", licensed: bool = True, **facts):
    hours = QuietHours(own, user_set=True) if own else None
    user = User("u-ann", "ann", groups=frozenset({"g-devs"}), quiet_hours=hours)
    return observation(
        OLD,
        licensed=licensed,
        users={"u-ann": user},
        default_quiet_hours=QuietHours(default) if default else None,
        **facts,
    )


@pytest.mark.parametrize(
    ("table", "seen", "said"),
    [
        ({}, native(default="CRON_TZ=UTC 0 20 * * *"), "the deployment's default"),
        (NIGHT, native(default="CRON_TZ=UTC 0 20 * * *"), "rule 'fleet'"),
        (NIGHT, native(own="CRON_TZ=Asia/Kolkata 0 20 * * *"), "the user's own"),
        ({**NIGHT, "native": False}, native(own="CRON_TZ=UTC 0 20 * * *"), "rule 'fleet'"),
        (NIGHT, native(own="CRON_TZ=UTC 0 20 * * *", licensed=False), "rule 'fleet'"),
        (
            {"rule": [{"name": "ann", "users": ["ann"], **NIGHT}]},
            native(own="CRON_TZ=UTC 0 20 * * *"),
            "rule 'ann'",
        ),
    ],
)
def test_quiet_hours_of_the_backend_and_ours(table, seen, said: str):
    assert said in judge(table, one=OLD, seen=seen).reason


def test_the_backends_quiet_hours_last_so_long():
    seen = native(own="CRON_TZ=UTC 0 20 * * *")
    assert judge({}, one=OLD, seen=seen).until == moment("2026-11-21 00:00")
    assert judge({"native_hours": 12}, one=OLD, seen=seen).until == moment("2026-11-21 08:00")


def test_unseen_or_unreadable_quiet_hours_stop_nobody():
    gap = (Gap("quiet_hours", "no permission", "Grant user:read_personal."),)
    assert judge(NIGHT, one=OLD, seen=native(gaps=gap)).category == "withheld"
    assert judge(NIGHT, one=OLD, seen=native(own="CRON_TZ=Mars/X 0 1 * * *")).category == "withheld"
    # A deployment that does not tell what is licensed may keep some.
    mute = replace(native(gaps=gap), deployment=Deployment("https://c", "d1", "v2.35.3", "op", ()))
    assert judge(NIGHT, one=OLD, seen=mute).category == "withheld"
    assert judge({**NIGHT, "native": False}, one=OLD, seen=mute).wish is Wish.STOP
    # Where the deployment offers none, there is nothing to miss.
    assert judge(NIGHT, one=OLD, seen=native(licensed=False, gaps=gap)).wish is Wish.STOP


def test_holidays_and_vacations_are_quiet_all_day():
    noon = moment("2026-11-20 12:00")
    old = started(moment("2026-11-19 09:00"))
    assert judge({**NIGHT, "holidays": ["2026-11-20"]}, at=noon, one=old).wish is Wish.STOP
    away = {"users": ["ann"], "dates": ["2026-11-16..2026-11-22"]}
    assert judge({**NIGHT, "vacation": [away]}, at=noon, one=old).wish is Wish.STOP
    others = {"users": ["bob"], "dates": ["2026-11-16..2026-11-22"]}
    assert judge({**NIGHT, "vacation": [others]}, at=noon, one=old).wish is Wish.NOTHING
    for table in ({"holidays": ["2026-11-20"]}, {"vacation": [away]}):
        assert "(rule 'fleet', on a day off)" in judge({**NIGHT, **table}, at=noon, one=old).reason
    night = judge({**NIGHT, "holidays": ["2026-11-23"]}, at=moment("2026-11-20 20:00"), one=old)
    assert "day off" not in night.reason


def test_an_editor_that_starts_it_again_gets_longer_graces_and_then_its_way():
    back = started(moment("2026-11-20 21:30"), reason="vscode_connection")
    times = [moment(f"2026-11-20 {hour}:15") for hour in (19, 20, 21)]

    def after(flaps: int) -> Verdict:
        return judge(one=back, flaps={"w1": tuple(times[:flaps])})

    assert after(1).due == moment("2026-11-20 23:30")
    assert after(2).due == moment("2026-11-21 01:30")
    assert (after(3).category, after(3).wish) == ("flapping", Wish.NOTHING)
    earlier = {"w1": tuple(at - timedelta(days=1) for at in times)}
    assert judge(one=back, flaps=earlier).due == moment("2026-11-20 22:30")


@pytest.mark.parametrize(
    ("status", "wish"),
    [
        (BuildStatus.RUNNING, Wish.NOTHING),
        (BuildStatus.FAILED, Wish.STOP),
        (BuildStatus.CANCELED, Wish.STOP),
        (BuildStatus.UNKNOWN, Wish.NOTHING),
    ],
)
def test_what_broke_off_may_hold_a_machine(status, wish):
    at = moment("2026-11-20 09:00")
    assert judge(one=started(at, status=status)).wish is wish


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"start": "18:00"}, "needs a start and an end"),
        ({"start": "18:00", "end": "18:00"}, "no length"),
        ({"start": "25:00", "end": "08:00"}, "Hour must be"),
        ({**NIGHT, "timezone": "Europe/Berln"}, "no known time zone"),
        ({**NIGHT, "days": ["someday"]}, "no weekday"),
        ({**NIGHT, "grace_minutes": -1}, "out of range"),
        ({**NIGHT, "grace_minute": 1}, "no key 'grace_minute'"),
        ({**NIGHT, "holidays": ["2026-02-30"]}, "no day"),
        ({**NIGHT, "native_hours": 0}, "24 hours"),
        ({"rule": [{"users": ["ann"]}]}, "needs a window"),
        ({"vacation": [{"users": ["ann"]}]}, "needs its days"),
        ({"windows": [{"start": "18:00", "end": "19:00", "dais": ["mon"]}]}, "no key 'dais'"),
    ],
)
def test_impossible_settings_are_refused(table, said: str):
    with pytest.raises(BadInputError) as refused:
        POLICY.read(table)
    assert said in str(refused.value)
    assert refused.value.cure


def test_lint():
    table = {
        **NIGHT,
        "warn_minutes": 90,
        "excluded_users": ["nobody"],
        "rule": [{"name": "again", **NIGHT}, {"name": "ever", "users": ["ann"],
                                              "start": "00:00", "end": "24:00"}],
    }  # fmt: skip
    found = POLICY.check(POLICY.read(table), observation(OLD))
    said = " ".join(one.message for one in found)
    assert "never reached" in said
    assert "never end" in said
    assert "'users: nobody'" in said
    assert "shorter than warn_minutes" in said
    assert "no quiet hours of its own" in said


def test_a_fleet_that_was_judged_is_not_held_on_to():
    space = workspace()
    alone = sys.getrefcount(space)
    seen = observation(space)
    Nights(QuietRules(), seen, NOW).of(space)
    del seen
    assert sys.getrefcount(space) == alone
