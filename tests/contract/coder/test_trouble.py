"""A deployment in trouble: what was asked for is done once or not at all, and it is told."""

import pytest

from carrel.domain.fleet.deployment import Source
from carrel.domain.fleet.workspaces import Transition
from carrel.errors import FailedError
from carrel.ports.fleet import Outcome
from carrel.simulators.coder.model.history import Licence
from carrel.simulators.coder.serving.faults import Fault, Kind

BUILDS = r"/workspaces/[^/]+/builds$"


@pytest.fixture
def fleet(connect):
    return connect()


@pytest.fixture
def target(fleet):
    seen = fleet.observe().workspaces
    return next(one for one in seen if one.running and not one.task_id and not one.is_prebuild)


def stops(simulator, target):
    wanted = simulator.space(target.full_name)
    return [job for job in wanted.builds if job.number > target.build.number]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Kind.STATUS, method="POST", path=BUILDS, after=True, status=504),
        Fault(Kind.STATUS, method="POST", path=BUILDS, after=True, status=502),
        Fault(Kind.DROP, method="POST", path=BUILDS, after=True),
        Fault(Kind.RESET, method="POST", path=BUILDS, after=True),
        Fault(Kind.TRUNCATED, method="POST", path=BUILDS, after=True),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_a_stop_whose_answer_is_lost_is_found(simulator, fleet, target, fault):
    simulator.fault(fault)
    receipt = fleet.stop(target)
    made = stops(simulator, target)
    assert [job.transition for job in made] == [Transition.STOP]
    assert (receipt.outcome, receipt.build_id) == (Outcome.ACCEPTED, made[0].build_id)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Kind.STATUS, method="POST", path=BUILDS, status=504),
        Fault(Kind.STATUS, method="POST", path=BUILDS, status=500),
        Fault(Kind.DROP, method="POST", path=BUILDS),
        Fault(Kind.RESET, method="POST", path=BUILDS),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_a_stop_that_never_arrived_is_uncertain_and_not_sent_again(simulator, fleet, target, fault):
    simulator.fault(fault)
    assert fleet.stop(target).outcome is Outcome.UNCERTAIN
    assert stops(simulator, target) == []


def test_somebody_who_was_quicker_is_not_fought(simulator, fleet, target):
    simulator.fault(Fault(Kind.RACE, method="POST", path=BUILDS, count=1))
    assert fleet.stop(target).outcome in {Outcome.CONFLICT, Outcome.UNCHANGED}
    assert len(stops(simulator, target)) <= 1


def test_reading_lives_through_a_rough_hour(simulator, fleet):
    calm = fleet.observe()
    for kind, status in ((Kind.STATUS, 429), (Kind.STATUS, 503), (Kind.DROP, 0), (Kind.RESET, 0)):
        simulator.fault(Fault(kind, 0.06, method="GET", status=status or 500, seconds=0))
    rough = fleet.observe()
    assert simulator.faults.happened
    assert rough.gaps == ()
    assert [one.workspace_id for one in rough.workspaces] == [
        one.workspace_id for one in calm.workspaces
    ]


def test_without_a_licence_it_says_what_is_missing(connect, simulator):
    simulator.world.setup.licence = Licence.NONE
    fleet = connect()
    found = fleet.deployment()
    assert found.source("quiet_hours") is Source.OURS
    seen = fleet.observe()
    assert seen.default_quiet_hours is None
    assert "connections" not in {gap.what for gap in seen.gaps}
    assert fleet.quiet_hours(seen.workspaces[0].owner_id) is None
    assert fleet.prebuilds_paused() is None


def test_a_right_that_lacks_is_not_taken_for_a_licence_that_lacks(connect):
    fleet = connect(denied=frozenset({"deployment_config:read"}))
    with pytest.raises(FailedError) as refused:
        fleet.prebuilds_paused()
    assert refused.value.code == "fleet_forbidden"


def test_what_a_token_may_not_see_is_a_gap_with_its_cure(connect):
    denied = frozenset({"connection_log:read", "deployment_config:read"})
    seen = connect(denied=denied).observe()
    assert {gap.what for gap in seen.gaps} == {"connections", "quiet_hours"}
    assert all(gap.cure for gap in seen.gaps)
    assert len(seen.deployment.missing) >= len(denied)


def test_a_wrong_token_ends_it(connect, simulator):
    fleet = connect()
    for token in simulator.world.tokens.values():
        token.expires_at = simulator.world.now
    with pytest.raises(FailedError) as caught:
        fleet.observe()
    assert caught.value.code == "token_refused"
