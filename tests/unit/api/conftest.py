"""A simulated deployment on a Monday in November, which the environment points at."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carrel.simulators.coder.peopling.population import Population
from carrel.simulators.coder.simulator import Simulator
from carrel.testing.deployments import Deployment

NIGHT = """
[policy.quiet_hours]
start = "18:00"
end = "08:00"
grace_minutes = 60
native = false

[safety]
max_stops_per_minute = 60
max_percent = 100
"""

Opening = Callable[..., Simulator]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The settings file; quiet hours from 18:00 to 08:00 UTC."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "carrel.toml").write_text(NIGHT)
    return home / "carrel.toml"


@pytest.fixture
def opening(settings: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opening]:
    """Open a deployment at an hour of the day; its time runs 240 times as fast."""
    with ExitStack() as stack:

        def open_at(hour: int, minute: int = 0, *, workspaces: int = 30) -> Simulator:
            start = datetime(2026, 11, 23, hour, minute, tzinfo=UTC)
            population = Population(workspaces=workspaces, seed=4, start=start, failing=0)
            simulator = Deployment(population, speed=240, rate_limit=0)
            _let_nobody_come(simulator)
            stack.enter_context(simulator.serving())
            for name in ("CARREL_CONFIG", "CODER_SESSION_TOKEN"):
                monkeypatch.delenv(name, raising=False)
            monkeypatch.setenv("CARREL_HOME", str(settings.parent))
            monkeypatch.setenv("CODER_URL", simulator.url)
            monkeypatch.setenv("CODER_TOKEN", simulator.token)
            monkeypatch.setenv("CARREL_CODER_REQUESTS_PER_MINUTE", "0")
            return simulator

        yield open_at


@pytest.fixture
def evening(opening: Opening) -> Simulator:
    """Half past seven: quiet hours are now, and their grace is over."""
    return opening(19, 30)


def _let_nobody_come(simulator: Simulator) -> None:
    """Take away what people, assistants and the deployment itself would do from now on."""
    for space in simulator.world.alive():
        for presence in simulator.life.crowd.present_in(space.workspace_id):
            presence.link = None  # whoever is thrown out does not come back
    while simulator.world.agenda.pop(datetime.max.replace(tzinfo=UTC)) is not None:
        pass
