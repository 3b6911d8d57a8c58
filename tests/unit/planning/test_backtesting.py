"""A recorded past is judged by jumping from change to change, as judging every moment would."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel.domain.fleet.observation import Gap, Observation
from carrel.domain.fleet.people import Group, User
from carrel.domain.fleet.recording import Document, Recorder, settled
from carrel.domain.fleet.replaying import Replay
from carrel.domain.fleet.workspaces import (
    Activity,
    Build,
    BuildStatus,
    FleetWorkspace,
    TaskStatus,
    Transition,
    Work,
)
from carrel.domain.governance.foresight import Met, Outcome
from carrel.domain.governance.keeping import KeepAlive
from carrel.domain.governance.safety import Safety
from carrel.domain.governance.verdicts import Decide, Finding, Situation, Verdict, Wish
from carrel.planning.backtesting import Look, Terms, backtest
from carrel.planning.deciding import Configured
from carrel.plugins import Catalog
from carrel.testing.observations import NOW, observation, workspace

if TYPE_CHECKING:
    from carrel.domain.governance.verdicts import Policy
    from carrel.policies.budget import Settings as Budget

HOUR, STEP = timedelta(hours=1), timedelta(minutes=15)
BEGIN = NOW.replace(hour=12, minute=0)
TABLES: Mapping[str, Mapping[str, object]] = {
    "exclusions": {"workspaces": ["ann/w0"]},
    "keep_alive": {},
    "working": {},
    "quiet_hours": {"start": "18:00", "end": "06:00", "grace_minutes": 30},
    "time_to_live": {"required_hours": 10, "max_hours": 20},
    "autostop": {"idle_hours": 3, "max_hours": 15},
    "prune": {"start": "20:00", "end": "04:00"},
    "dormancy": {"unused_days": 30},
}


def configured(names: Mapping[str, Mapping[str, object]] = TABLES) -> tuple[Configured, ...]:
    catalog = Catalog("carrel.policies", "POLICY", "unknown_policy")
    policies = {name: cast("Policy", catalog.load(name)) for name in names}
    return tuple(Configured(one, one.read(names[name])) for name, one in policies.items())


def terms(**changes: object) -> Terms:
    made = Terms(configured(), Safety(), BEGIN, lambda one: 2.0 if one.template else None)
    return replace(made, **changes)  # type: ignore[arg-type]


def space(
    number: int, work: Work = Work.IDLE, *, on: bool = True, **facts: object
) -> FleetWorkspace:
    at = cast("datetime", facts.pop("at", BEGIN))
    turn = Transition.START if on else Transition.STOP
    build = Build(f"b{number}-{at}", 1, turn, BuildStatus.SUCCEEDED, created_at=at, completed_at=at)
    plain = workspace(
        BEGIN,
        workspace_id=f"w{number}",
        name=f"w{number}",
        build=build,
        activity=Activity(work, at, "As the test says."),
        last_used_at=at,
    )
    return replace(plain, **facts)  # type: ignore[arg-type]


def documents(seen: list[Observation]) -> Iterator[Document]:
    recorder = Recorder()
    for n, one in enumerate(seen):
        yield recorder.document(settled(one), alone=n % 7 == 0)


@dataclass
class Everything:
    """Makes a look tell that everything may be judged otherwise."""

    look: Look
    upset: bool = True

    @property
    def frame(self) -> Observation:
        return self.look.frame

    @property
    def touched(self) -> frozenset[str]:
        return self.look.touched

    def ids(self) -> Iterable[str]:
        return self.look.ids()

    def workspace(self, workspace_id: str) -> FleetWorkspace | None:
        return self.look.workspace(workspace_id)


def judged(seen: list[Observation], held: Terms, *, always: bool = False) -> Outcome:
    def looks() -> Iterator[Look]:
        replay = Replay()
        for document in documents(seen):
            replay.take(document)
            yield Everything(replay) if always else replay

    return backtest(looks(), held)


def watched(*turns: tuple[float, FleetWorkspace | None], hours: float = 24) -> list[Observation]:
    """See one workspace as it is from each hour on, every quarter of an hour."""
    seen: list[Observation] = []
    steps = int(hours * 4)
    for step in range(steps):
        now = [one for hour, one in turns if hour * 4 <= step][-1]
        spaces = () if now is None else (now,)
        seen.append(observation(*spaces, at=BEGIN + step * STEP))
    return seen


MOVES = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 95), st.sampled_from(["start", "stop", *Work]),
        st.none() | st.integers(1, 30),
    ),
    max_size=25,
)  # fmt: skip


def lived(moves: list[tuple[int, int, str, int | None]], blind: set[int]) -> list[Observation]:
    spaces = {n: space(n, on=n % 2 == 0) for n in range(4)}
    seen: list[Observation] = []
    for step in range(96):
        at = BEGIN + step * STEP
        for which, when, what, ends in moves:
            if when != step:
                continue
            old = spaces[which]
            if what in {"start", "stop"}:
                deadline = at + ends * HOUR if ends and what == "start" else None
                turned = space(which, on=what == "start", at=at)
                turned = replace(turned, build=replace(turned.build, deadline=deadline))
                spaces[which] = turned
            elif old.on:
                activity = Activity(Work(what), at, "It moved.")
                spaces[which] = replace(old, activity=activity, last_used_at=at)
        gaps = (Gap("connections", "No."),) if step in blind else ()
        seen.append(observation(*spaces.values(), at=at, gaps=gaps))
    return seen


@given(MOVES, st.sets(st.integers(0, 95), max_size=3))
def test_jumping_finds_what_judging_every_moment_finds(
    moves: list[tuple[int, int, str, int | None]], blind: set[int]
) -> None:
    seen = lived(moves, blind)
    jumped, oracle = judged(seen, terms()), judged(seen, terms(), always=True)
    assert jumped == oracle
    assert all(one.workspace_id != "w0" for one in jumped.halts), "it is excluded"
    assert 0 <= jumped.sums.saved_hours <= jumped.sums.hours


@given(MOVES)
def test_hours_add_up(moves: list[tuple[int, int, str, int | None]]) -> None:
    found = judged(lived(moves, set()), terms())
    days = list(found.days.values())
    assert sum(one.hours for one in days) == pytest.approx(found.sums.hours)
    assert sum(one.saved_hours for one in days) == pytest.approx(found.sums.saved_hours)
    assert sum(one.hours for one in found.halts) == pytest.approx(found.sums.saved_hours)
    assert found.sums.saved_money == pytest.approx(2 * found.sums.saved_hours)


def test_what_is_idle_is_stopped_once_and_saves_the_rest_of_its_run() -> None:
    on, off = space(1), space(1, on=False, at=BEGIN + 20 * HOUR)
    found = judged(
        watched((0, on), (20, off)), terms(policies=configured({"autostop": TABLES["autostop"]}))
    )
    (halt,) = found.halts
    assert (halt.at, halt.until) == (BEGIN + 3 * HOUR, BEGIN + 20 * HOUR)
    assert (halt.hours, halt.money, halt.met) == (17.0, 34.0, Met.NOBODY)
    assert (found.sums.hours, found.sums.saved_hours) == (20.0, 17.0)


def test_who_comes_back_would_have_started_it_again() -> None:
    back = space(1, activity=Activity(Work.CONNECTED, BEGIN + 5 * HOUR, "ssh"))
    left = replace(back, activity=Activity(Work.IDLE, BEGIN + 6 * HOUR, "gone"))
    policies = configured({"autostop": TABLES["autostop"]})
    found = judged(watched((0, space(1)), (5, back), (6, left)), terms(policies=policies))
    first, second = found.halts
    assert (first.met, first.met_at, first.hours) == (Met.CAME_BACK, BEGIN + 5 * HOUR, 2.0)
    assert (second.at, second.met) == (BEGIN + 9 * HOUR, Met.NOBODY)
    assert found.hits == ()


def test_a_stop_of_somebody_at_work_is_a_hit() -> None:
    busy = space(1, Work.CONNECTED)
    found = judged(watched((0, busy), hours=10), terms())
    (halt,) = found.hits
    assert (halt.policy, halt.met, halt.at) == ("quiet_hours", Met.CONNECTED, BEGIN + 6.5 * HOUR)


@pytest.mark.parametrize("wish", ["stop", "keep"])
def test_an_expression_stops_in_the_past_too_unless_it_keeps(wish: str) -> None:
    rules = [{"name": "idle", "when": "idle_minutes >= 120", "wish": wish}]
    tables = {"expression": {"rule": rules}, "working": {}, "autostop": {"idle_hours": 5}}
    only = {**tables, "autostop": {"idle_hours": 500}}
    seen = watched((0, space(1)), hours=8)
    stops = [len(judged(seen, terms(policies=configured(one))).halts) for one in (only, tables)]
    assert stops == ([1, 1] if wish == "stop" else [0, 0])


def test_who_joins_a_group_has_its_quiet_hours_from_then_on() -> None:
    early = {"groups": ["early"], "start": "16:00", "end": "06:00"}
    tables = {"quiet_hours": {**TABLES["quiet_hours"], "grace_minutes": 0, "rule": [early]}}
    groups = {"g-early": Group("g-early", "early", "o1")}
    seen = watched((0, space(1)), hours=10)
    for step, one in enumerate(seen):
        joined = frozenset({"g-early"} if step >= 5 * 4 else ())
        ann = User("u-ann", "ann", last_seen_at=one.at, groups=joined)
        seen[step] = replace(one, users={"u-ann": ann}, groups=groups)
    found = judged(seen, terms(policies=configured(tables)))
    assert [one.at for one in found.halts] == [BEGIN + 5 * HOUR]


class Asked:
    """Wants nothing until a moment, then a stop; counts how often it is asked."""

    name, summary, needs, protects = "asked", "", frozenset[str](), False
    use_only_spares = False

    def __init__(self, until: datetime | None, *, broken: bool = False) -> None:
        self.until, self.broken = until, broken
        self.asked: list[datetime] = []

    def read(self, table: Mapping[str, object]) -> object:
        return table

    def prepare(self, settings: object, situation: Situation) -> Decide:
        def decide(_: FleetWorkspace) -> Verdict:
            self.asked.append(situation.at)
            if self.broken:
                raise ValueError("Not today.")
            if self.until is not None and situation.at >= self.until:
                return Verdict(self.name, Wish.STOP, "It is time.")
            return Verdict(self.name, Wish.NOTHING, "Not yet.", self.until)

        return decide

    def check(self, settings: object, observation: Observation | None) -> list[Finding]:
        return []


def test_nobody_is_asked_again_before_the_answer_can_change() -> None:
    late, never = Asked(BEGIN + 5 * HOUR), Asked(None)
    left = replace(space(1), activity=Activity(Work.IDLE, BEGIN + 2 * HOUR, "gone"))
    policies = (Configured(late, None), Configured(never, None))
    found = judged(watched((0, space(1)), (2, left), hours=8), terms(policies=policies))
    assert [one.at for one in found.halts] == [BEGIN + 5 * HOUR]
    assert late.asked == [BEGIN, BEGIN + 2 * HOUR, BEGIN + 5 * HOUR]
    assert never.asked == [BEGIN, BEGIN + 2 * HOUR]


def test_who_could_not_answer_is_asked_again_with_the_others() -> None:
    broken, late = Asked(None, broken=True), Asked(BEGIN + 5 * HOUR)
    policies = (Configured(broken, None), Configured(late, None))
    found = judged(watched((0, space(1)), hours=6), terms(policies=policies))
    assert found.halts == ()
    assert BEGIN + 5 * HOUR in broken.asked


def test_who_only_keeps_is_asked_when_a_stop_is_due() -> None:
    keeper = Asked(None)
    keeper.protects = True
    policies = (Configured(keeper, None), *configured({"autostop": TABLES["autostop"]}))
    judged(watched((0, space(1)), hours=4), terms(policies=policies))
    assert keeper.asked == [BEGIN + 3 * HOUR]


class Guard(Asked):
    """Stops whatever somebody works in: who begins to work is a reason to ask it."""

    def prepare(self, settings: object, situation: Situation) -> Decide:
        ask = super().prepare(settings, situation)

        def decide(workspace: FleetWorkspace) -> Verdict:
            said = ask(workspace)
            busy = workspace.activity.work is Work.CONNECTED
            return replace(said, wish=Wish.STOP if busy else Wish.NOTHING)

        return decide


def test_who_is_spared_by_work_alone_is_not_asked_when_somebody_begins() -> None:
    busy = replace(space(1), activity=Activity(Work.CONNECTED, BEGIN + 2 * HOUR, "ssh"))
    seen = watched((0, space(1)), (2, busy), hours=8)
    calm, guard = Asked(None), Guard(None)
    calm.use_only_spares = True
    alone = judged(seen, terms(policies=(Configured(calm, None),)))
    assert (alone.halts, calm.asked) == ((), [BEGIN])
    both = judged(seen, terms(policies=(Configured(calm, None), Configured(guard, None))))
    assert [one.at for one in both.halts] == [BEGIN + 2 * HOUR]


def test_work_that_ends_what_kept_a_workspace_is_a_reason_to_ask() -> None:
    night = {**TABLES["quiet_hours"], "start": "13:00", "grace_minutes": 0}
    policies = configured({"working": {"settle_minutes": 180}, "quiet_hours": night})
    done = replace(space(1), task_id="t", task=TaskStatus.IDLE)
    busy = replace(done, activity=Activity(Work.CONNECTED, BEGIN + 2 * HOUR, "ssh"))
    found = judged(watched((0, done), (2, busy), hours=5), terms(policies=policies))
    assert [one.at for one in found.halts] == [BEGIN + 2 * HOUR]


def test_leases_of_the_past_keep() -> None:
    keep = KeepAlive("k", "w1", "ann", "a demo", BEGIN + 2 * HOUR, BEGIN + 5 * HOUR)
    policies = configured({"keep_alive": {}, "autostop": TABLES["autostop"]})
    found = judged(watched((0, space(1))), terms(policies=policies, keeps=(keep,)))
    assert [one.at for one in found.halts] == [BEGIN + 5 * HOUR]


def test_a_minute_has_no_more_stops_than_the_limits_allow() -> None:
    many = [observation(*(space(n) for n in range(1, 9)), at=BEGIN + n * STEP) for n in range(40)]
    safety = Safety(max_stops=3, max_percent=100)
    policies = configured({"autostop": TABLES["autostop"]})
    found = judged(many, terms(policies=policies, safety=safety))
    stops = [one.at for one in found.halts]
    assert [stops.count(at) for at in sorted(set(stops))] == [3, 3, 2]


def test_a_budget_counts_what_the_past_has_spent() -> None:
    table = {"prices": {"*": 2.0}, "limit": [{"user": "ann", "amount": 10.0}]}
    budget = configured({"budget": table})
    month = cast("Budget", budget[0].settings).month
    found = judged(watched((0, space(1))), terms(policies=budget, month=month))
    assert [one.at for one in found.halts] == [BEGIN + 5 * HOUR]


def test_nobody_looked_is_said() -> None:
    seen = watched((0, space(1)))
    found = judged([*seen[:8], *seen[40:]], terms())
    assert found.unseen == (8.25 * HOUR).total_seconds()


def test_what_lies_before_the_time_that_is_asked_for_does_not_count() -> None:
    seen = watched((0, space(1)))
    policies = configured({"autostop": TABLES["autostop"]})
    late = terms(policies=policies, since=BEGIN + 10 * HOUR)
    found = judged([*seen[:8], *seen[40:]], late)
    assert (found.since, found.unseen, found.steps) == (BEGIN + 10 * HOUR, 0.0, 56)
    assert (found.sums.hours, found.sums.saved_hours) == (13.75, 13.75)
    assert [one.at for one in found.halts] == [BEGIN + 10 * HOUR]


def test_runs_begin_and_end_when_their_builds_did_not_when_they_were_seen() -> None:
    few = timedelta(minutes=5)
    on, off = space(1, at=BEGIN + 4 * HOUR + few), space(1, on=False, at=BEGIN + 20 * HOUR - few)
    found = judged(watched((0, space(1, on=False)), (4.25, on), (20, off)), terms(policies=()))
    assert found.sums.hours == pytest.approx(16 - 2 * 5 / 60)


def test_what_would_be_off_is_no_part_of_the_fleet_that_a_percentage_is_of() -> None:
    many = [observation(*(space(n) for n in range(1, 9)), at=BEGIN + n * STEP) for n in range(40)]
    safety = Safety(max_percent=50, max_stops_per_minute=100)
    policies = configured({"autostop": TABLES["autostop"]})
    stops = [one.at for one in judged(many, terms(policies=policies, safety=safety)).halts]
    assert [stops.count(at) for at in sorted(set(stops))] == [4, 2, 1, 1]


def test_no_more_is_stopped_than_the_minutes_since_the_last_look_allow() -> None:
    minute, spaces = timedelta(minutes=1), [space(n, at=BEGIN - 9 * HOUR) for n in range(1, 11)]
    seen = [observation(*spaces, at=BEGIN + n * minute) for n in (0, 1, 4)]
    policies = configured({"autostop": TABLES["autostop"]})
    safety = Safety(max_percent=100, max_stops_per_minute=2)
    stops = [one.at for one in judged(seen, terms(policies=policies, safety=safety)).halts]
    assert [stops.count(one.at) for one in seen] == [2, 2, 6]


def test_who_was_connected_when_it_stopped_does_not_come_back_by_staying() -> None:
    stop = BEGIN + 6.5 * HOUR
    stays = space(1, activity=Activity(Work.CONNECTED, stop, "ssh"))
    policies = configured({"quiet_hours": TABLES["quiet_hours"]})
    turns = (0, space(1)), (6.5, stays), (8, replace(stays, ttl=HOUR))
    (halt,) = judged(watched(*turns), terms(policies=policies)).halts
    assert (halt.at, halt.met, halt.until) == (stop, Met.CONNECTED, BEGIN + 23.75 * HOUR)


def test_what_somebody_would_have_started_again_runs_since_then() -> None:
    back = space(1, activity=Activity(Work.CONNECTED, BEGIN + 6 * HOUR, "ssh"))
    policies = configured({"autostop": {"max_hours": 4}})
    found = judged(watched((0, space(1)), (6, back)), terms(policies=policies))
    assert [one.at for one in found.halts] == [BEGIN + 4 * HOUR, BEGIN + 10 * HOUR]


def test_a_deadline_begins_anew_with_a_start_but_never_passes_the_latest_one() -> None:
    first = space(1)
    clock = replace(
        first.build, deadline=BEGIN + 5 * HOUR, max_deadline=BEGIN + 8 * HOUR
    )  # a start at five gives it until ten
    first = replace(first, build=clock)
    back = replace(first, activity=Activity(Work.CONNECTED, BEGIN + 5 * HOUR, "ssh"))
    left = replace(back, activity=Activity(Work.IDLE, BEGIN + 6 * HOUR, "gone"))
    policies = configured(
        {
            "autostop": {"idle_hours": 3, "stop_late": False},
            "time_to_live": {"stop_overdue": True, "tolerance_minutes": 0},
        }
    )
    found = judged(watched((0, first), (5, back), (6, left)), terms(policies=policies))
    assert [(one.at, one.policy) for one in found.halts] == [
        (BEGIN + 3 * HOUR, "autostop"),
        (BEGIN + 8 * HOUR, "time_to_live"),
    ]


@pytest.mark.parametrize(("after", "stops"), [(0.25, 1), (0.5, 2)])
def test_what_comes_back_at_once_is_left_alone_as_often_as_the_settings_say(
    after: float, stops: int
) -> None:
    table = {"start": "12:00", "end": "11:00", "grace_minutes": 0, "flap_limit": 1}
    back = space(1, activity=Activity(Work.CONNECTED, BEGIN + after * HOUR, "an editor"))
    left = replace(back, activity=Activity(Work.IDLE, BEGIN + HOUR, "gone"))
    policies = configured({"quiet_hours": table})
    found = judged(watched((0, space(1)), (after, back), (1, left)), terms(policies=policies))
    assert len(found.halts) == stops
