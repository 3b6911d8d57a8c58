"""Deployments that a fleet is tried on: the simulator always, a real one when it is asked for."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import pytest
import stamina

from carrel.backends.coder.coder import Coder
from carrel.backends.coder.tokens import Token, find_token
from carrel.backends.coder.travelling import Travel
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.settings.credentials import coder_token
from carrel.simulators.coder.peopling.population import Population
from carrel.simulators.coder.simulator import Simulator
from carrel.system.clock import SystemClock
from carrel.testing.deployments import Deployment

STEP = timedelta(seconds=20)
STEPS = 60


class Wait(Protocol):
    def __call__(self, seconds: float) -> None: ...


@dataclass
class Stage:
    """A fleet to try, and what may be done to it.

    Attributes:
        fleet: The fleet.
        wait: Lets time pass for it.
        writable: Whether it may be changed.
        real: Whether people work in it.
    """

    fleet: Coder
    wait: Wait
    writable: bool
    real: bool = False

    def settled(self, workspace_id: str) -> FleetWorkspace:
        """Return a workspace once its latest build has ended."""
        for _ in range(STEPS):
            seen = self.fleet.workspace(workspace_id)
            if not seen.build.status.active:
                return seen
            self.wait(STEP.total_seconds())
        raise AssertionError("a build does not end")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "stage" in metafunc.fixturenames:
        live = metafunc.config.getoption("--live")
        metafunc.parametrize("stage", ["simulator", *(["live"] if live else [])], indirect=True)


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    with stamina.set_testing(True, attempts=5):
        yield


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Deployment(Population(workspaces=60, people=20), rate_limit=0).serving() as running:
        yield running


@pytest.fixture
def connect(simulator: Simulator) -> Iterator[Callable[..., Coder]]:
    """Make a client of the simulator, with a token of a user's."""
    opened: list[Coder] = []

    def make(username: str = "admin", *, denied: frozenset[str] = frozenset()) -> Coder:
        token = Token(simulator.token_of(username, denied=denied), "a test")
        travel = Travel(timeout=2.0, per_minute=0)
        opened.append(Coder(simulator.url, token, simulator.clock, travel))
        return opened[-1]

    yield make
    for fleet in opened:
        fleet.close()


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "live":
        stage = _live()
        yield stage
        stage.fleet.close()
        return
    fleet = request.getfixturevalue("connect")()
    yield Stage(fleet, request.getfixturevalue("simulator").clock.wait, writable=True)


def _live() -> Stage:
    """A deployment that CODER_URL names; it is only changed with CARREL_LIVE_WRITE=yes."""
    url = os.environ.get("CODER_URL")
    if not url:
        pytest.fail("--live needs CODER_URL and CODER_SESSION_TOKEN")
    clock = SystemClock()
    fleet = Coder(url, find_token(coder_token(), ""), clock)
    return Stage(fleet, clock.wait, _may_write(), real=True)


def _may_write() -> bool:
    return os.environ.get("CARREL_LIVE_WRITE") == "yes"


@pytest.fixture
def running(stage: Stage) -> FleetWorkspace:
    """A running workspace that may be changed: where a deployment is real, one of our own."""
    if not stage.writable:
        pytest.skip("set CARREL_LIVE_WRITE=yes to let it change workspaces of the token's user")
    seen = stage.fleet.observe()
    found = [
        one
        for one in seen.workspaces
        if one.running and not one.task_id and not one.is_prebuild and one.build.deadline
        if one.owner == seen.deployment.user or not stage.real
    ]
    if not found:
        assert stage.real, "the simulator has such a workspace"
        pytest.skip("start a workspace of the token's user that has a deadline, and no AI task")
    return found[0]
