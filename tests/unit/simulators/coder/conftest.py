"""A small deployment that answers over HTTP."""

from collections.abc import Generator
from datetime import timedelta

import httpx2
import pytest

from carrel.domain.fleet.workspaces import BuildStatus
from carrel.simulators.coder.model.workspaces import Space
from carrel.simulators.coder.peopling.population import Population
from carrel.simulators.coder.simulator import Simulator
from carrel.testing.deployments import Deployment

MINUTE = timedelta(minutes=1)


class Api:
    """A client that says what it wants in one line."""

    def __init__(self, simulator: Simulator, token: str = "") -> None:
        self.client = httpx2.Client(
            base_url=f"{simulator.url}/api/v2/",
            headers={"Coder-Session-Token": token or simulator.token},
            timeout=30,
            verify=False,  # nothing is encrypted, and to read all certificates takes 40 ms
        )

    def get(self, path: str, **query: object) -> httpx2.Response:
        return self.client.get(path, params=query)

    def send(self, method: str, path: str, **body: object) -> httpx2.Response:
        return self.client.request(method, path, json=body)

    def build(self, space: Space, transition: str, **more: object) -> httpx2.Response:
        path = f"workspaces/{space.workspace_id}/builds"
        return self.send("POST", path, transition=transition, **more)

    def see(self, space: Space) -> dict:
        return self.get(f"workspaces/{space.workspace_id}").json()


@pytest.fixture
def simulator() -> Generator[Simulator]:
    with Deployment(Population(workspaces=40, seed=5), rate_limit=0).serving() as running:
        yield running


@pytest.fixture
def api(simulator: Simulator) -> Generator[Api]:
    api = Api(simulator)
    with api.client:
        yield api


@pytest.fixture
def running(simulator: Simulator) -> Space:
    """A workspace that runs, has a deadline, and nobody in it."""
    return next(
        space
        for space in simulator.world.alive()
        if space.running and space.latest.clock.deadline and not space.is_prebuild
    )


@pytest.fixture
def stopped(simulator: Simulator) -> Space:
    return next(
        space
        for space in simulator.world.alive()
        if space.stopped
        and space.latest.status is BuildStatus.SUCCEEDED
        and not space.dormant_at
        and not space.task_id
    )
