"""A simulated deployment whose time is ours, for commands in this very process."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from carrel import bootstrap
from carrel.simulators.coder.peopling.population import Population
from carrel.testing.deployments import Deployment

if TYPE_CHECKING:
    from carrel.control.fleet.context import FleetContext

EVENING = datetime(2026, 3, 3, 20, tzinfo=UTC)
"""A Tuesday."""
NIGHT = """
[policy.quiet_hours]
native = false
start = "18:00"
end = "06:00"
grace_minutes = 30
"""


class Rehearsal(Deployment):
    """A deployment to try commands on, and its settings."""

    file: Path

    def settings(self, text: str) -> None:
        """Write what `carrel.toml` says."""
        self.file.write_text(text)

    def on(self) -> set[str]:
        """Return the names of the workspaces that run, prebuilt ones aside."""
        with self.lock:
            return {
                f"{self.world.people[space.owner_id].username}/{space.name}"
                for space in self.world.alive()
                if space.running and not space.is_prebuild
            }


def rehearsal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, population: Population
) -> Iterator[Rehearsal]:
    """Serve a population, and point the settings at it; waiting lets its time pass."""
    made = Rehearsal(population, rate_limit=0)
    made.file = tmp_path / "carrel.toml"
    made.settings(NIGHT)
    opened = bootstrap.open_fleet

    def open_there(*arguments: object, **named: object) -> "FleetContext":
        ctx = opened(*arguments, **named)  # type: ignore[arg-type]
        ctx.clock = made.clock
        ctx.pace = replace(ctx.pace, poll=60.0)  # each look is a request, however short the wait
        return ctx

    monkeypatch.setattr(bootstrap, "open_fleet", open_there)
    with made.serving():
        monkeypatch.setenv("CODER_URL", made.url)
        monkeypatch.setenv("CODER_SESSION_TOKEN", made.token)
        monkeypatch.setenv("CARREL_CONFIG", str(made.file))
        yield made
