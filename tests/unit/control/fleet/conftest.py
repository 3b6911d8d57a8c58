"""A fleet in memory, a clock moved by hand, a database, and a policy that wants all to stop."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.verdicts import Decide, Finding, Situation, Verdict, Wish
from carrel.planning.deciding import Configured
from carrel.policies.exclusions import POLICY as EXCLUSIONS
from carrel.policies.keep_alive import POLICY as KEEP_ALIVE
from carrel.stores.database import DatabaseService
from carrel.testing.clocks import HandClock
from carrel.testing.fleets import ADDRESS, FakeFleet, Postbox


class Night:
    """Wants everything that runs to stop (or what `wish` says), at `due` if that is given."""

    name = "night"
    summary = "It is night."
    needs = frozenset({"workspaces"})
    protects = False
    due: datetime | None = None
    warn_from: datetime | None = None
    wish = Wish.STOP
    ttl: timedelta | None = None

    def read(self, table: Mapping[str, object]) -> object:
        return table

    def prepare(self, settings: object, situation: Situation) -> Decide:
        def decide(workspace: FleetWorkspace) -> Verdict:
            if self.wish is Wish.STOP and not workspace.on:
                return Verdict(self.name, Wish.NOTHING, "It is off.")
            if self.wish is Wish.CORRECT and workspace.ttl == self.ttl:
                return Verdict(self.name, Wish.NOTHING, "It is right.")
            return Verdict(
                self.name,
                self.wish,
                "It is night.",
                due=self.due,
                warn_from=self.warn_from,
                ttl=self.ttl,
            )

        return decide

    def check(self, settings: object, observation: Observation | None) -> list[Finding]:
        return []


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def fleet(clock: HandClock) -> FakeFleet:
    return FakeFleet(clock)


@pytest.fixture
def night() -> Night:
    return Night()


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def ctx(
    tmp_path: Path, clock: HandClock, fleet: FakeFleet, night: Night, postbox: Postbox
) -> FleetContext:
    return FleetContext(
        store=DatabaseService(f"sqlite:///{tmp_path}/carrel.db"),
        clock=clock,
        connect=lambda: fleet,
        address=ADDRESS,
        actor="test",
        notifier=postbox,
        policies=(
            Configured(night, {}),
            Configured(EXCLUSIONS, EXCLUSIONS.read({"workspaces": ["excluded-*"]})),
            Configured(KEEP_ALIVE, KEEP_ALIVE.read({})),
        ),
    )


Limiting = Callable[..., None]


@pytest.fixture
def limiting(ctx: FleetContext) -> Limiting:
    """Change limits by name."""

    def limit(**changes: object) -> None:
        ctx.safety = replace(ctx.safety, **changes)  # type: ignore[arg-type]

    return limit
