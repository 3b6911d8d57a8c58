"""Recorded observations come back as they were."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from carrel.domain.fleet.deployment import Deployment, Feature, Source
from carrel.domain.fleet.observation import Gap, Observation
from carrel.domain.fleet.people import Group, Organization, QuietHours, User
from carrel.domain.fleet.recording import Recorder, settled
from carrel.domain.fleet.replaying import Replay
from carrel.domain.fleet.templates import Template
from carrel.domain.fleet.workspaces import (
    Activity,
    Build,
    BuildStatus,
    FleetWorkspace,
    TaskStatus,
    Transition,
    Work,
)

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 10**12).map(lambda n: BEGIN + timedelta(microseconds=n))
SPANS = st.integers(0, 10**12).map(lambda n: timedelta(microseconds=n))
IDS = st.sampled_from(["a", "b", "c"])
WORDS = st.text(max_size=3)

BUILDS = st.builds(
    Build,
    build_id=WORDS,
    number=st.integers(1, 9),
    transition=st.sampled_from(Transition),
    status=st.sampled_from(BuildStatus),
    created_at=st.none() | MOMENTS,
    deadline=st.none() | MOMENTS,
)
ACTIVITIES = st.builds(Activity, st.sampled_from(Work), st.none() | MOMENTS, WORDS)
WORKSPACES = st.builds(
    FleetWorkspace,
    workspace_id=IDS,
    name=WORDS,
    owner_id=WORDS,
    owner=WORDS,
    organization_id=WORDS,
    organization=WORDS,
    template_id=WORDS,
    template=WORDS,
    build=BUILDS,
    created_at=MOMENTS,
    last_used_at=st.none() | MOMENTS,
    activity=ACTIVITIES,
    ttl=st.none() | SPANS,
    dormant_at=st.none() | MOMENTS,
    healthy=st.none() | st.booleans(),
    task=st.sampled_from(TaskStatus),
)
TEMPLATES = st.builds(
    Template,
    template_id=IDS,
    name=WORDS,
    organization_id=WORDS,
    default_ttl=st.none() | SPANS,
    required_days=st.frozensets(st.integers(0, 6)),
)
USERS = st.builds(
    User,
    user_id=IDS,
    username=WORDS,
    last_seen_at=st.none() | MOMENTS,
    groups=st.frozensets(WORDS, max_size=2),
    quiet_hours=st.none() | st.builds(QuietHours, WORDS, st.booleans()),
)
DEPLOYMENTS = st.builds(
    Deployment,
    WORDS,
    WORDS,
    WORDS,
    WORDS,
    st.tuples(st.builds(Feature, WORDS, st.sampled_from(Source), WORDS)) | st.just(()),
    st.tuples(WORDS),
)


def by_id(name, values):
    return st.lists(values, max_size=3).map(lambda all_: {getattr(one, name): one for one in all_})


OBSERVATIONS = st.builds(
    Observation,
    at=MOMENTS,
    deployment=DEPLOYMENTS,
    workspaces=by_id("workspace_id", WORKSPACES).map(
        lambda found: tuple(found[key] for key in sorted(found))
    ),
    templates=by_id("template_id", TEMPLATES),
    users=by_id("user_id", USERS),
    groups=by_id("group_id", st.builds(Group, IDS, WORDS, WORDS)),
    organizations=by_id("organization_id", st.builds(Organization, IDS, WORDS)),
    default_quiet_hours=st.none() | st.builds(QuietHours, WORDS, st.booleans()),
    gaps=st.lists(st.builds(Gap, WORDS, WORDS), max_size=1).map(tuple),
)


def written(*observations, alone=frozenset()):
    """Record observations, through JSON as the store does."""
    recorder = Recorder()
    for n, one in enumerate(observations):
        yield json.loads(json.dumps(recorder.document(one, alone=n in alone)))


@given(st.lists(OBSERVATIONS, min_size=1, max_size=4), st.frozensets(st.integers(0, 3)))
def test_what_was_recorded_comes_back(observations, alone):
    replay = Replay()
    observations = [settled(one) for one in observations]
    for observation, document in zip(
        observations, written(*observations, alone=alone), strict=True
    ):
        replay.take(document)
        assert replay.observation() == observation
        for one in observation.workspaces:
            assert replay.workspace(one.workspace_id) == one


@given(st.lists(OBSERVATIONS, min_size=3, max_size=3), st.frozensets(st.integers(0, 2)))
def test_a_recorder_goes_on_where_another_ended(observations, alone):
    first, second, third = map(settled, observations)
    documents = list(written(first, second, third, alone=alone))
    recorder = Recorder()
    recorder.take(documents[0])
    recorder.take(documents[1])
    assert recorder.at == second.at
    assert recorder.running() == {one.workspace_id for one in second.workspaces if one.running}
    again = recorder.document(third, alone=2 in alone)
    assert json.loads(json.dumps(again)) == documents[2]


@given(OBSERVATIONS)
def test_settling_twice_changes_nothing(observation):
    assert settled(settled(observation)) == settled(observation)


@given(OBSERVATIONS, MOMENTS)
def test_the_same_again_costs_a_moment(observation, later):
    once = settled(observation)
    again = settled(replace(once, at=later))
    assert set(list(written(once, again))[1]) == {"at"}


@given(OBSERVATIONS, OBSERVATIONS, st.booleans())
def test_what_moved_is_named(one, other, alone):
    replay = Replay()
    first, second = settled(one), settled(other)
    for document in written(first, second, alone={1} if alone else frozenset()):
        replay.take(document)
    before = {each.workspace_id: each for each in first.workspaces}
    after = {each.workspace_id: each for each in second.workspaces}
    moved = {
        key
        for key in before.keys() | after.keys()
        if key not in before
        or key not in after
        or replace(before[key], last_used_at=None) != replace(after[key], last_used_at=None)
    }
    assert replay.touched >= moved


@given(OBSERVATIONS, OBSERVATIONS)
def test_an_observation_stays_as_it_was_when_time_goes_on(one, other):
    replay = Replay()
    first, second = settled(one), settled(other)
    documents = list(written(first, second))
    replay.take(documents[0])
    kept = replay.observation()
    replay.take(documents[1])
    assert kept == first


def test_a_fleet_at_work_costs_nothing_more_than_one_that_sleeps():
    at_work = FleetWorkspace(
        workspace_id="a",
        name="w",
        owner_id="u",
        owner="u",
        organization_id="o",
        organization="o",
        template_id="t",
        template="t",
        build=Build("b", 1, Transition.START, BuildStatus.SUCCEEDED),
        created_at=BEGIN,
        last_used_at=BEGIN,
        activity=Activity(Work.CONNECTED, BEGIN, "ssh"),
    )
    seen = Observation(BEGIN, Deployment("", "", "", ""), (at_work,))
    later = replace(
        seen,
        at=BEGIN + timedelta(minutes=5),
        workspaces=(replace(at_work, last_used_at=BEGIN + timedelta(minutes=4)),),
    )
    assert "workspaces" not in list(written(settled(seen), settled(later)))[1]


def test_when_a_user_was_seen_is_kept_to_the_hour():
    def seen_by(minute, after):
        user = User("u", "ann", last_seen_at=BEGIN + timedelta(minutes=minute))
        at = BEGIN + timedelta(minutes=after)
        return settled(Observation(at, Deployment("", "", "", ""), (), users={"u": user}))

    documents = list(written(seen_by(1, 0), seen_by(59, 60), seen_by(60, 70)))
    assert ["users" in one for one in documents] == [True, False, True]


def test_what_anything_may_be_judged_by_is_told_apart_from_what_moves_alone():
    def upsets(**changes):
        user = User("u", "ann", last_seen_at=BEGIN)
        seen = Observation(BEGIN, Deployment("", "", "", ""), (), users={"u": user})
        later = replace(seen, at=BEGIN + timedelta(minutes=5), **changes)
        found = []
        for alone in (frozenset(), frozenset({1})):
            replay = Replay()
            for document in written(seen, settled(later), alone=alone):
                replay.take(document)
            found.append(replay.upset)
        assert found[0] == found[1], "the same, whether it stands alone or not"
        return found[0]

    seen_later = User("u", "ann", last_seen_at=BEGIN + timedelta(hours=5))
    assert not upsets()
    assert not upsets(users={"u": seen_later})
    assert upsets(users={"u": replace(seen_later, groups=frozenset("g"))})
    assert upsets(users={})
    assert upsets(gaps=(Gap("users", "No."),))
    assert upsets(templates={"t": Template("t", "python", "o")})


def test_users_stand_as_before_while_only_when_they_were_seen_changes():
    def standings(*changes):
        user = User("u", "ann", last_seen_at=BEGIN)
        seen = [Observation(BEGIN, Deployment("", "", "", ""), (), users={"u": user})]
        for n, change in enumerate(changes, 1):
            at = BEGIN + timedelta(hours=n)
            users = {"u": replace(user, last_seen_at=at)} | change
            seen.append(replace(seen[0], at=at, users=users))
        for alone in (frozenset(), frozenset({1})):
            replay, found = Replay(), []
            for document in written(*map(settled, seen), alone=alone):
                replay.take(document)
                assert replay.frame.users == settled(seen[len(found)]).users
                found.append(replay.frame.users.standing)
            yield [one is found[0] for one in found]

    moved = User("u", "ann", groups=frozenset({"g"}))
    assert list(standings({}, {})) == [[True, True, True]] * 2
    assert list(standings({"u": moved}, {})) == [[True, False, False]] * 2
    assert list(standings({"v": User("v", "bob")}, {})) == [[True, False, False]] * 2


def test_one_that_stands_alone_touches_only_what_changed():
    replay = Replay()
    for document in written(observation_of("a", "b"), observation_of("b", "c"), alone={1}):
        replay.take(document)
    assert replay.touched == {"a", "c"}
    assert set(replay.ids()) == {"b", "c"}


def observation_of(*ids):
    build = Build("b", 1, Transition.STOP, BuildStatus.SUCCEEDED)
    spaces = [
        FleetWorkspace(one, one, "u", "u", "o", "o", "t", "t", build, BEGIN, None,
                       Activity(Work.IDLE, BEGIN, ""))
        for one in ids
    ]  # fmt: skip
    return Observation(BEGIN, Deployment("", "", "", ""), tuple(spaces))
